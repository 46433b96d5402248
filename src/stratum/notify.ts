import { toHex } from '../bitcoin/bytes.ts';
import type { Job } from '../domain/job.ts';
import { u32Hex } from './hex.ts';

/** `mining.notify` of one job, serialised once for all sessions. */
export interface NotifyLine {
  /** The message under the job's own id, as broadcast. */
  readonly text: string;
  /**
   * The same work under another id, its ntime `ntimeAheadS` later: firmware that starts over at extranonce2 0 with each
   * notify would otherwise find the very headers again that it has submitted already.
   */
  as(jobId: string, cleanJobs: boolean, ntimeAheadS: number): string;
}

/**
 * [job id, previous hash, coinb1, coinb2, merkle branch, version, nbits, ntime, clean jobs]. Everything is hex: byte
 * strings as they stand, u32 big-endian; see `wordSwapped` for the previous hash.
 */
export function encodeNotify(job: Job): NotifyLine {
  const head = '{"id":null,"method":"mining.notify","params":["';
  const branch = job.merkleBranch.map((hash) => `"${toHex(hash)}"`).join(',');
  const work = [wordSwapped(job.previousHash), toHex(job.coinb1), toHex(job.coinb2)].join('","');
  const body = `","${work}",[${branch}],"${u32Hex(job.version)}","${u32Hex(job.bits)}","`;
  const as = (jobId: string, cleanJobs: boolean, ntimeAheadS: number): string =>
    `${head}${jobId}${body}${u32Hex(job.curTime + ntimeAheadS)}",${cleanJobs}]}`;
  return { text: as(job.id, job.cleanJobs, 0), as };
}

/**
 * Stratum's form of the previous hash: the 32 bytes as they stand in the header, with each of the eight 4-byte words
 * reversed. It goes back to getwork, where miners swapped every word of the header.
 */
export function wordSwapped(hash: Uint8Array): string {
  return Buffer.from(hash).swap32().toString('hex');
}
