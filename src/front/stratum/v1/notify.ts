import { toHex } from '#base/bitcoin/bytes';
import { chosenCoinb2 } from '#base/bitcoin/own-coinbase';
import type { Job } from '#base/domain/job';
import type { CoinbaseChoice } from '#base/domain/share';
import { u32Hex } from './hex.ts';
import { variantHex, wireJobId } from './job-id.ts';

/** `mining.notify` of one job, serialised once for all sessions. */
export interface NotifyLine {
  /** The message under the job's own id, as broadcast. */
  readonly text: string;
  /**
   * The same work under the id of a variant, which stands at the end of its coinb1: other headers, so firmware that starts
   * over at extranonce2 0 with each notify finds none again that it has submitted already. `coinbase`: which one
   * is mined instead of the job's own.
   */
  as(variant: number, cleanJobs: boolean, coinbase?: CoinbaseChoice): string;
}

/**
 * [job id, previous hash, coinb1, coinb2, merkle branch, version, nbits, ntime, clean jobs]. Everything is hex: byte
 * strings as they stand, u32 big-endian; see `wordSwapped` for the previous hash.
 */
export function encodeNotify(job: Job): NotifyLine {
  const head = '{"id":null,"method":"mining.notify","params":["';
  const branch = job.merkleBranch.map((hash) => `"${toHex(hash)}"`).join(',');
  const body = `","${wordSwapped(job.previousHash)}","${toHex(job.coinb1)}`;
  const numbers = [job.version, job.bits, job.curTime].map((number) => `"${u32Hex(number)}"`).join(',');
  const coinb2 = toHex(job.coinb2);
  const tail = `",[${branch}],${numbers},`;
  const as = (variant: number, cleanJobs: boolean, coinbase?: CoinbaseChoice): string => {
    const chosen = chosenCoinb2(job, coinbase);
    return `${head}${wireJobId(job.id, variant)}${body}${variantHex(variant)}","${chosen ? toHex(chosen) : coinb2}${tail}${cleanJobs}]}`;
  };
  return { text: as(0, job.cleanJobs), as };
}

/**
 * Stratum's form of the previous hash: the 32 bytes as they stand in the header, with each of the eight 4-byte words
 * reversed. It goes back to getwork, where miners swapped every word of the header.
 */
export function wordSwapped(hash: Uint8Array): string {
  return Buffer.from(hash).swap32().toString('hex');
}
