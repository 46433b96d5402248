import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { buildCoinbase } from '#base/bitcoin/coinbase';
import { chosenCoinb2 } from '#base/bitcoin/own-coinbase';
import type { Job } from '#base/domain/job';
import type { CoinbaseChoice, Payee, Submission } from '#base/domain/share';
import { KernelInstance } from '#shares/kernel/instance';
import { loadKernel } from '#shares/kernel/kernel';
import { KernelMemory } from '#shares/kernel/memory';
import { Lane } from '#shares/verify/lane';
import { PendingShare } from '#shares/verify/pending-share';
import { makeJob } from '../../support/front.ts';

const POOL = Uint8Array.from([0, 20, ...new Uint8Array(20).fill(0x11)]);
const sha256d = (bytes: Uint8Array): Buffer =>
  createHash('sha256').update(createHash('sha256').update(bytes).digest()).digest();

function jobOf(index: number): Job {
  const halves = buildCoinbase({
    ...{ height: 7, serial: index, identity: new Uint8Array(6), extranonceBytes: 14, tag: '/test/' },
    outputs: [{ script: POOL, sats: 5_000_000_000n }],
    witnessCommitment: undefined,
  });
  return makeJob(index, 1, halves);
}

const payeeOf = (at: number): Payee => ({
  account: `payee ${at}`,
  script: Uint8Array.from([0, 20, at >>> 8, at, ...new Uint8Array(18)]),
  feeBasisPoints: 100,
  donationBasisPoints: 0,
});

function shareOf(job: Job, coinbase: CoinbaseChoice | undefined, nonce: number): PendingShare {
  const source = { sessionId: 1n, extranonce1: Uint8Array.of(1, 2, 3, 4), remoteIp: '', userAgent: '' };
  const submission = {
    ...{ workerName: 'w', jobName: job.id, serial: job.serial, variant: nonce & 0xffff },
    ...{ extranonce2: new Uint8Array(8).fill(nonce), ntime: job.curTime, nonce, versionBits: undefined },
    ...{ source, worker: undefined, terms: undefined, versionMask: 0, coinbase, fault: undefined, unwanted: false },
    ...{ submitter: { judged() {}, durable() {}, close() {} }, reply: undefined },
  } satisfies Submission;
  return new PendingShare(submission, { job, version: job.version, refusal: undefined, hashable: true }, 0, 0);
}

function lowBitsOf({ job, submission }: PendingShare): number {
  if (job === undefined) throw new Error('no job');
  const { coinbase, variant, source, extranonce2, ntime, nonce } = submission;
  const coinb2 = chosenCoinb2(job, coinbase) ?? job.coinb2;
  const parts = [job.coinb1, Uint8Array.of(variant >>> 8, variant), source.extranonce1, extranonce2, coinb2];
  let root: Buffer = sha256d(Buffer.concat(parts));
  for (const sibling of job.merkleBranch) root = sha256d(Buffer.concat([root, sibling]));
  const header = Buffer.alloc(80);
  header.writeUInt32LE(job.version, 0);
  header.set(job.previousHash, 4);
  header.set(root, 36);
  header.writeUInt32LE(ntime, 68);
  header.writeUInt32LE(job.bits, 72);
  header.writeUInt32LE(nonce, 76);
  return sha256d(header).readUInt32LE(0);
}

describe('a lane', () => {
  const memory = new KernelMemory();
  const kernel = new KernelInstance(loadKernel(), memory);
  const lane = new Lane(memory);
  const hash = (shares: readonly PendingShare[]): number[] => {
    const batches: number[] = [];
    for (let from = 0; from < shares.length; ) {
      const count = lane.fill(shares, from, 256);
      kernel.run(count);
      lane.read(shares, from, count);
      batches.push(count);
      from += count;
    }
    return batches;
  };

  it('hashes shares of more coinbases than it has slots, each with its own', () => {
    const jobs = [jobOf(1), jobOf(2)];
    const payees = Array.from({ length: 150 }, (_, at) => (at % 10 === 0 ? undefined : payeeOf(at)));
    const shares = Array.from({ length: 600 }, (_, at) =>
      shareOf(jobs[at % 2] as Job, payees[(at * 7) % payees.length], at),
    );
    const batches = hash(shares);
    expect(batches.length).toBeGreaterThan(5);
    for (const share of shares) expect(share.hashLow).toBe(lowBitsOf(share));
  });

  it('keeps a slot for each coinbase of a job, however often shares come with it', () => {
    const job = jobOf(3);
    const [a, b] = [payeeOf(1), payeeOf(2)];
    const shares = Array.from({ length: 256 }, (_, at) => shareOf(job, [a, b, undefined][at % 3], at));
    expect(hash(shares)).toEqual([256]);
    for (const share of shares) expect(share.hashLow).toBe(lowBitsOf(share));
  });
});
