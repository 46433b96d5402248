import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jobId, jobRowId } from '#base/domain/ids';
import type { Job } from '#base/domain/job';
import type { JudgedShare, Source, Submission, Submitter, Worker } from '#base/domain/share';
import { LEDGER_FILE, openLedger } from '#books/ledger/ledger-db';
import { SliceStore } from '#books/ledger/slices/slice-store';
import { Taker } from '#books/ledger/slices/taker';
import { LogReaders } from '#shares/sharelog/consumers/log-readers';
import { openJournal } from '#shares/sharelog/journal/journal';
import { POOL_JOURNAL } from '#shares/sharelog/journal/journals';

export interface LogShape {
  readonly shares: number;
  readonly accounts: number;
  readonly sharesPerCommit: number;
  readonly sharesPerJob: number;
}

const quiet = (): void => {};
const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };

/** A share log of accepted shares, and a ledger that takes it as often as one likes. */
export interface LedgerLog {
  /** Takes the whole log into a new ledger; returns how long that took. Throws if a share is missing then. */
  catchUp(): { readonly seconds: number; readonly cpuSeconds: number };
  close(): void;
}

/** Writes the log. Accounts take turns, and so do the last three jobs. */
export async function openLedgerLog(shape: LogShape): Promise<LedgerLog> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-ledger-'));
  const journal = await openJournal({ folder, journal: POOL_JOURNAL, consumers: ['ledger'] }, { clock, logger });
  const miners = Array.from({ length: shape.accounts }, (_, i) => minerOf(i));
  for (let i = 0; i < shape.shares; i += 1) {
    const newest = Math.floor(i / shape.sharesPerJob);
    if (i % shape.sharesPerJob === 0) {
      journal.rows.job(jobOf(newest));
      journal.closed(newest - 3);
    }
    const miner = miners[i % shape.accounts];
    if (miner !== undefined) journal.share(shareOf(i, jobOf(Math.max(0, newest - (i % 3))), miner));
    if (i % shape.sharesPerCommit === shape.sharesPerCommit - 1)
      await new Promise<void>((resolve) => journal.commit(resolve));
  }
  await journal.close();
  return {
    catchUp: () => catchUp(folder, shape.shares),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function catchUp(folder: string, shares: number): { readonly seconds: number; readonly cpuSeconds: number } {
  for (const end of ['', '-wal', '-shm']) rmSync(join(folder, LEDGER_FILE + end), { force: true });
  const ledger = openLedger(folder);
  const readers = new LogReaders(folder);
  const store = new SliceStore(ledger.database);
  const taker = new Taker({ network: 'regtest' }, { readers, store, delivered: quiet });
  const startedMs = performance.now();
  const cpuBefore = process.cpuUsage();
  while (taker.step());
  const { user, system } = process.cpuUsage(cpuBefore);
  const seconds = (performance.now() - startedMs) / 1000;
  const taken = store.taken().shares;
  readers.close();
  ledger.close();
  if (taken !== shares) throw new Error(`the ledger took ${taken} of ${shares} shares`);
  return { seconds, cpuSeconds: (user + system) / 1e6 };
}

interface Miner {
  readonly worker: Worker;
  readonly source: Source;
}

function minerOf(i: number): Miner {
  const account = `bcrt1q${i.toString(36).padStart(32, 'q')}xyz7`;
  return {
    worker: { name: `${account}.rig`, account, rig: 'rig' },
    source: {
      sessionId: BigInt(i + 1),
      extranonce1: Uint8Array.of(0, i >>> 16, i >>> 8, i),
      remoteIp: '192.0.2.7',
      userAgent: 'bmminer/2.0.0',
    },
  };
}

const submitter: Submitter = { judged: quiet, durable: quiet, close: quiet };
const terms = { difficulty: 1024, target: new Uint8Array(32), work: 2n ** 42n, versionMask: 0 };
const jobs = new Map<number, Job>();

function jobOf(serial: number): Job {
  const known = jobs.get(serial);
  if (known !== undefined) return known;
  const template = {
    askedMs: 0,
    height: 800_000,
    version: 0x20000000,
    previousHash: new Uint8Array(32),
    bits: 0x1703ddae,
    minTime: 0,
    curTime: 0,
    coinbaseValueSats: 625_000_000n,
    transactions: [],
    witnessCommitment: undefined,
  };
  const job: Job = {
    ...template,
    id: jobId(serial),
    rowId: jobRowId(serial, '5eed5eed'),
    serial,
    networkTarget: new Uint8Array(32),
    networkDifficulty: 1e14,
    coinb1: new Uint8Array(60),
    coinb2: new Uint8Array(120),
    outputsAt: 4,
    merkleBranch: [],
    cleanJobs: false,
    rewardSats: 625_000_000n,
    createdMs: Date.now(),
    template,
  };
  jobs.set(serial, job);
  return job;
}

function shareOf(nonce: number, job: Job, { worker, source }: Miner): JudgedShare {
  const submission: Submission = {
    source,
    worker,
    terms,
    versionMask: 0,
    workerName: worker.name,
    jobName: job.id,
    serial: job.serial,
    variant: 0,
    extranonce2: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1),
    ntime: 1,
    nonce,
    versionBits: undefined,
    fault: undefined,
    unwanted: false,
    submitter,
    reply: undefined,
  };
  return {
    submission,
    job,
    terms,
    verdict: 'accepted',
    version: 0x20000000,
    shareDifficulty: 2048,
    block: false,
    receivedMs: Date.now(),
    latencyUs: 20,
  };
}
