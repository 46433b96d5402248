import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HOLE_BYTES, inlineHasher, type ShareHasher } from '#audit/share-hasher';
import { buildCoinbase } from '#base/bitcoin/coinbase';
import { difficultyOfHash, difficultyOfTarget, targetOfBits, targetToBytes, workOf } from '#base/bitcoin/target';
import { jobId, jobRowId } from '#base/domain/ids';
import type { Job } from '#base/domain/job';
import type { JudgedShare, Source, Submission, Submitter, Worker } from '#base/domain/share';
import { openLedger } from '#books/ledger/ledger-db';
import { SliceStore } from '#books/ledger/slices/slice-store';
import { Taker } from '#books/ledger/slices/taker';
import type { KernelJob } from '#shares/kernel/memory';
import { LogReaders } from '#shares/sharelog/consumers/log-readers';
import { openJournal } from '#shares/sharelog/journal/journal';
import { POOL_JOURNAL } from '#shares/sharelog/journal/journals';

const quiet = (): void => {};
const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
const submitter: Submitter = { judged: quiet, durable: quiet, close: quiet };

const ACCOUNTS = 64;
/** A job every 30 s at 5,000 shares a second. */
const SHARES_PER_JOB = 150_000;
const BITS = 0x1703ddae;
const NTIME = 1_700_000_000;
/** Every hash is a share, because the cost of auditing a share does not depend on its difficulty. */
const DIFFICULTY = 1e-10;
const BATCH = 256;

/** A data folder with a share log of hashed shares, and a ledger that has taken it. */
export interface AuditLog {
  readonly folder: string;
  close(): void;
}

/** `branches`: of each job's merkle branch; 12 are those of some thousand transactions. */
export async function openAuditLog(shares: number, branches: number): Promise<AuditLog> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-audit-'));
  const journal = await openJournal({ folder, journal: POOL_JOURNAL, consumers: ['none'] }, { clock, logger });
  const miners = Array.from({ length: ACCOUNTS }, (_, index) => minerOf(index));
  const hasher = inlineHasher();
  let job = jobOf(1, branches);
  for (let from = 0; from < shares; from += BATCH) {
    if (from === 0 || Math.floor(from / SHARES_PER_JOB) > Math.floor((from - BATCH) / SHARES_PER_JOB)) {
      job = jobOf(1 + Math.floor(from / SHARES_PER_JOB), branches);
      journal.rows.job(job);
      journal.closed(job.serial - 3);
    }
    const batch = Array.from({ length: Math.min(BATCH, shares - from) }, (_, index) =>
      submissionOf(from + index, job, miners[(from + index) % ACCOUNTS] as Miner),
    );
    for (const share of await hashed(hasher, job, batch)) journal.share(share);
    await new Promise<void>((resolve) => journal.commit(resolve));
  }
  await journal.close();
  takeAll(folder);
  return { folder, close: () => rmSync(folder, { recursive: true, force: true }) };
}

function takeAll(folder: string): void {
  const ledger = openLedger(folder);
  const readers = new LogReaders(folder);
  const store = new SliceStore(ledger.database);
  const taker = new Taker({ network: 'regtest' }, { readers, store, delivered: quiet });
  while (taker.step());
  readers.close();
  ledger.close();
}

async function hashed(hasher: ShareHasher, job: Job, batch: readonly Submission[]): Promise<JudgedShare[]> {
  for (const { source, extranonce2, nonce, ntime } of batch) {
    const prefix = Buffer.concat([new Uint8Array(2), source.extranonce1]);
    hasher.put(kernelJobOf(job), prefix, extranonce2, { version: job.version, ntime, nonce }, terms.target);
  }
  await hasher.run();
  return batch.map((submission, index) => ({
    ...{ submission, job, terms, verdict: 'accepted', version: job.version, block: false },
    ...{ shareDifficulty: difficultyOfHash(hasher.hash(index)), receivedMs: Date.now(), latencyUs: 20 },
  }));
}

const terms = {
  difficulty: DIFFICULTY,
  target: new Uint8Array(32).fill(0xff),
  work: workOf(DIFFICULTY),
  versionMask: 0,
};

interface Miner {
  readonly worker: Worker;
  readonly source: Source;
}

function minerOf(index: number): Miner {
  const account = `bcrt1q${index.toString(36).padStart(32, 'q')}xyz7`;
  return {
    worker: { name: `${account}.rig`, account, rig: 'rig' },
    source: {
      ...{ sessionId: BigInt(index + 1), remoteIp: '192.0.2.7', userAgent: 'bmminer/2.0.0' },
      extranonce1: Uint8Array.of(0, index >>> 16, index >>> 8, index),
    },
  };
}

function jobOf(serial: number, branches: number): Job {
  const shared = { height: 900_000, version: 0x20000000, previousHash: new Uint8Array(32).fill(7), bits: BITS };
  const times = { minTime: NTIME, curTime: NTIME };
  const target = targetOfBits(BITS) ?? 0n;
  const coinbase = buildCoinbase({
    ...{ height: shared.height, serial, identity: new Uint8Array(16), extranonceBytes: HOLE_BYTES, tag: '/bench/' },
    outputs: [{ script: new Uint8Array(22).fill(1), sats: 312_500_000n }],
    witnessCommitment: new Uint8Array(38).fill(2),
  });
  return {
    ...{ ...shared, ...times, ...coinbase, serial, id: jobId(serial), rowId: jobRowId(serial, '5eed5eed') },
    ...{ networkTarget: targetToBytes(target), networkDifficulty: difficultyOfTarget(target) },
    merkleBranch: Array.from({ length: branches }, (_, level) => new Uint8Array(32).fill(level)),
    ...{ cleanJobs: false, rewardSats: 312_500_000n, createdMs: Date.now() },
    template: {
      ...{ ...shared, ...times, askedMs: 0, coinbaseValueSats: 312_500_000n, transactions: [] },
      witnessCommitment: undefined,
    },
  };
}

const kernelJobs = new WeakMap<Job, KernelJob>();

function kernelJobOf(job: Job): KernelJob {
  const known = kernelJobs.get(job);
  if (known !== undefined) return known;
  const { coinb1, coinb2, merkleBranch, previousHash, bits, networkTarget } = job;
  const made = { coinb1, coinb2, merkleBranch, previousHash, bits, networkTarget, extranonceBytes: HOLE_BYTES };
  kernelJobs.set(job, made);
  return made;
}

function submissionOf(index: number, job: Job, { worker, source }: Miner): Submission {
  const extranonce2 = new Uint8Array(8);
  new DataView(extranonce2.buffer).setUint32(4, Math.floor(index / 16));
  return {
    ...{ source, worker, terms, versionMask: 0, workerName: worker.name, jobName: job.id, serial: job.serial },
    ...{ variant: 0, extranonce2, ntime: NTIME, nonce: index, versionBits: undefined, fault: undefined },
    ...{ unwanted: false, submitter, reply: undefined },
  };
}
