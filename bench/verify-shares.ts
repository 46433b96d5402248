import { createHash } from 'node:crypto';
import { jobId } from '#base/domain/ids';
import type { Job } from '#base/domain/job';
import type { SubmitRequest, Submitter } from '#base/domain/share';

/** Bytes that look random and are the same each time. */
function bytes(length: number, name: string): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, index) =>
    createHash('sha256').update(`${name} ${index}`).digest(),
  );
  return Uint8Array.from(Buffer.concat(blocks).subarray(0, length));
}

const SERIAL = 1;
const NTIME = 1_700_000_000;

/** A job as of a mainnet block of some thousand transactions: 282 bytes of coinbase with its extranonces, 12 branches. */
export const job: Job = {
  id: jobId(SERIAL),
  rowId: jobId(SERIAL),
  serial: SERIAL,
  height: 900_000,
  version: 0x20000000,
  previousHash: bytes(32, 'previous block'),
  bits: 0x1d00ffff,
  networkTarget: new Uint8Array(32),
  networkDifficulty: 1,
  minTime: NTIME,
  curTime: NTIME,
  coinb1: bytes(110, 'coinb1'),
  coinb2: bytes(160, 'coinb2'),
  merkleBranch: Array.from({ length: 12 }, (_, level) => bytes(32, `branch ${level}`)),
  cleanJobs: true,
  rewardSats: 0n,
  createdMs: 0,
  template: {
    askedMs: 0,
    height: 900_000,
    version: 0x20000000,
    previousHash: bytes(32, 'previous block'),
    bits: 0x1d00ffff,
    minTime: NTIME,
    curTime: NTIME,
    coinbaseValueSats: 0n,
    transactions: [],
    witnessCommitment: undefined,
  },
};

const worker = { name: 'bench', account: 'bench', rig: '' };
const terms = { difficulty: 1e-10, target: new Uint8Array(32).fill(0xff), work: 1n, versionMask: 0 };

/** A session that knows one worker and one job; every hash is a share. It counts what was not accepted. */
export class CountingSubmitter implements Submitter {
  readonly sessionId = 1n;
  readonly subscribed = true;
  readonly extranonce1 = bytes(4, 'extranonce1');
  readonly remoteIp = '127.0.0.1';
  readonly userAgent = '';
  settled = 0;
  rejected = 0;

  worker(): typeof worker {
    return worker;
  }

  terms(): typeof terms {
    return terms;
  }

  lateVersionMask(): undefined {}

  expel(): void {}

  close(): void {}

  settle(share: Parameters<Submitter['settle']>[0]): void {
    this.settled += 1;
    if (share.verdict !== 'accepted') this.rejected += 1;
  }
}

export const EXTRANONCES = 1 << 16;
const extranonces = Array.from({ length: EXTRANONCES }, (_, index) =>
  (index * 2654435761).toString(16).padStart(16, '0'),
);

/** The `index`th submission: an extranonce2 of its own among 65,536, and a nonce of its own. */
export function request(index: number): SubmitRequest {
  return {
    id: index,
    workerName: 'bench',
    jobId: job.id,
    extranonce2: extranonces[index % EXTRANONCES] ?? '',
    ntime: NTIME,
    nonce: index >>> 0,
    versionBits: undefined,
    malformed: undefined,
  };
}
