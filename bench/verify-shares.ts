import { createHash } from 'node:crypto';
import { jobId } from '#base/domain/ids';
import type { Job } from '#base/domain/job';
import type { JudgedShare, Submission, Submitter } from '#base/domain/share';

/** Bytes that look random and are the same each time. */
function bytes(length: number, name: string): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, index) =>
    createHash('sha256').update(`${name} ${index}`).digest(),
  );
  return Uint8Array.from(Buffer.concat(blocks).subarray(0, length));
}

const SERIAL = 1;
const NTIME = 1_700_000_000;
const NOTHING = new Uint8Array();

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
  outputsAt: 4,
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

const source = { sessionId: 1n, extranonce1: bytes(4, 'extranonce1'), remoteIp: '127.0.0.1', userAgent: '' };

/** Receives a session's verdicts, and counts shares that were not accepted. */
export class CountingSubmitter implements Submitter {
  settled = 0;
  rejected = 0;

  judged(): void {}

  durable({ verdict }: JudgedShare): void {
    this.settled += 1;
    if (verdict !== 'accepted') this.rejected += 1;
  }

  close(): void {}
}

export const EXTRANONCES = 1 << 16;
const extranonces = Array.from({ length: EXTRANONCES }, (_, index) =>
  Uint8Array.from(Buffer.from((index * 2654435761).toString(16).padStart(16, '0'), 'hex')),
);

/**
 * The `index`th submission of a session that has one worker and one job: an extranonce2 of its own among 65,536, and a nonce of
 * its own. Every hash is a share.
 */
export function submission(index: number, submitter: Submitter): Submission {
  return {
    workerName: 'bench',
    jobName: job.id,
    serial: SERIAL,
    variant: 0,
    extranonce2: extranonces[index % EXTRANONCES] ?? NOTHING,
    ntime: NTIME,
    nonce: index >>> 0,
    versionBits: undefined,
    source,
    worker,
    terms,
    versionMask: 0,
    fault: undefined,
    unwanted: false,
    submitter,
    reply: index,
  };
}
