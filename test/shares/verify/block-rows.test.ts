import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jobId, jobRowId, jobSerial } from '#base/domain/ids';
import type { Job } from '#base/domain/job';
import type { Clock, SubmitOutcome } from '#base/domain/ports';
import type { JudgedShare, Submission } from '#base/domain/share';
import { loadKernel } from '#shares/kernel/kernel';
import { openLogReader } from '#shares/sharelog/consumers/log-reader';
import { openShareLog, type ShareLog } from '#shares/sharelog/log';
import type { Row } from '#shares/sharelog/rows/row-reader';
import { BlockSubmitter } from '#shares/verify/blocks';
import { foundBlock, solutionOf } from '#shares/verify/found-block';
import { type Runners, startRunners } from '#shares/verify/runners';
import { SeenHeaders } from '#shares/verify/seen';
import { Verifier } from '#shares/verify/verifier';
import { JobStore } from '#work/jobs/store';
import { recordedContainment } from '../../support/containment.ts';
import { submissionOf } from '../../support/submission.ts';
import {
  job as anyJob,
  share as anyShare,
  failingDisk,
  folderPerTest,
  keptLogger,
  source,
  submitter,
  terms,
  worker,
} from '../sharelog/fixtures.ts';

const folder = folderPerTest();
const clock: Clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
/** Any hash is a share, and half of them are blocks. */
const anyHash = new Uint8Array(32).fill(0xff);
const half = Uint8Array.from({ length: 32 }, (_, at) => (at === 31 ? 0x7f : 0xff));

let runners: Runners;
beforeAll(async () => {
  runners = await startRunners({ threads: 0 }, loadKernel());
});
afterAll(() => runners.close());

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A verifier, a submitter of blocks and a log, put together as in a pool. The node answers when the test says so. */
function poolWith(log: ShareLog, sharesInFlightMax = 1000) {
  const serial = jobSerial(log.epoch, 0);
  const job: Job = {
    ...anyJob,
    serial,
    id: jobId(serial),
    rowId: jobRowId(serial, log.bootId),
    networkTarget: half,
    curTime: 1_767_323_045,
  };
  const jobs = new JobStore({ jobsMax: 4 });
  jobs.add(job);
  const settled: JudgedShare[] = [];
  const answers: ((outcome: SubmitOutcome) => void)[] = [];
  const blocks = new BlockSubmitter(
    { openMax: 1000 },
    {
      clock,
      node: { submitBlock: () => new Promise((resolve) => answers.push(resolve)) },
      recorder: log,
      logger: keptLogger(),
      observe: () => {},
      follow: () => {},
      undecided: () => 0,
      lost: () => {},
    },
  );
  const contained = recordedContainment();
  const verifier = new Verifier(
    { sharesInFlightMax, batchMax: 128, turnMax: 8_192, versionMask: 0 },
    {
      clock,
      contain: contained.contain,
      jobs,
      seen: new SeenHeaders({ headersMax: 1000 }, { closedEarly: () => {}, wantsJob: () => {} }),
      inline: runners.inline,
      workers: [],
      defer: setImmediate,
      workerFailed: () => {},
      drained: () => {},
      observe: () => {},
      foundBlock: (share) => blocks.found(foundBlock(job, solutionOf(share))),
      recorder: log,
    },
  );
  const known = {
    ...{ source, worker, terms: { ...terms, target: anyHash, versionMask: 0 } },
    submitter: submitter({ durable: (share) => settled.push(share) }),
  };
  let nonces = 0;
  const request = (nonce = nonces++): Submission => submissionOf({ ...anyShare, jobId: job.id, nonce }, known);
  /** Shares of this many ticks, eight in each; resolves when they are judged. */
  const mine = async (ticks: number): Promise<void> => {
    for (let tick = 0; tick < ticks; tick += 1) {
      for (let each = 0; each < 8; each += 1) verifier.take(request());
      await turn();
    }
    await turn();
  };
  return { verifier, mine, settled, answers, job, contained, request };
}

const name = (row: Row): string =>
  ['job_id', 'job_variant', 'extranonce1', 'extranonce2', 'ntime', 'nonce', 'version'].map((key) => row[key]).join(' ');

/** What the disk holds: the rows of blocks, and the names of the shares that are rows and blocks. */
function stored(): { readonly blocks: Row[]; readonly shares: ReadonlySet<string> } {
  const reader = openLogReader(folder.path);
  if (reader === undefined) throw new Error('there is no log');
  const [blocks, shares] = (['blocks', 'shares'] as const).map((kind) => reader.rows(kind, 1, Number.MAX_SAFE_INTEGER));
  reader.close();
  return { blocks: blocks ?? [], shares: new Set((shares ?? []).filter((row) => row['block'] === true).map(name)) };
}

/** Looks at each batch that the disk has: up to there, each block has its share. */
function everyBlockHasItsShare(): number {
  const { blocks, shares } = stored();
  for (const row of blocks) expect(shares, `the share of ${String(row['hash'])}`).toContain(name(row));
  return new Set(blocks.map((row) => row['hash'])).size;
}

describe('every row of a block has the row of its share', () => {
  const openLog = async (disk = failingDisk(Number.POSITIVE_INFINITY), closeMsMax = 200): Promise<ShareLog> =>
    folder.opened(
      await openShareLog(
        { folder: folder.path, node: 'n', consumers: ['c'], closeMsMax },
        { clock, logger: keptLogger(), disk: disk.disk },
      ),
    );

  it('while the log is open', async () => {
    const log = await openLog();
    const { mine, answers, settled, contained } = poolWith(log);
    await mine(10);
    for (const answer of answers) answer({ status: 'rejected', reason: 'test' });
    await expect.poll(() => settled.length).toBe(80);
    expect(everyBlockHasItsShare()).toBeGreaterThan(10);
    expect(contained.errors).toBe(0);
  });

  it('while so many shares wait for the log that further ones are refused', async () => {
    const disk = failingDisk(0);
    const log = await openLog(disk);
    const { mine, settled, verifier, request } = poolWith(log, 16);
    await mine(10);
    expect(settled.map(({ verdict }) => verdict)).toEqual(Array(64).fill('overloaded'));
    const refused = settled.filter(({ block }) => block).length;
    expect(refused).toBeGreaterThan(10);
    // One that comes again and again is one row.
    const before = log.status().pendingRows;
    const again = request(settled.find(({ block }) => block)?.submission.nonce);
    for (let times = 0; times < 50; times += 1) verifier.take(again);
    expect(log.status().pendingRows).toBe(before);
    disk.room = Number.POSITIVE_INFINITY;
    await expect.poll(() => settled.length).toBe(80 + 50);
    await log.close();
    expect(everyBlockHasItsShare()).toBeGreaterThanOrEqual(refused);
  });

  it('after a write that was cut anywhere', { timeout: 60_000 }, async () => {
    for (let room = 0; room < 9100; room += 650) {
      const disk = failingDisk(room, 'EIO');
      const log = await openLog(disk);
      const { mine } = poolWith(log);
      await mine(2);
      await expect.poll(() => !log.status().healthy || log.status().pendingRows === 0).toBe(true);
      // Nothing more comes to the disk.
      await log.close();
      const next = await openLog();
      await next.close();
      everyBlockHasItsShare();
    }
    expect(everyBlockHasItsShare()).toBeGreaterThan(4);
  });

  it('while the log closes, and after', async () => {
    const log = await openLog(undefined, 5_000);
    const { mine, settled, answers } = poolWith(log);
    await mine(2);
    const closed = log.close();
    await mine(2);
    for (const answer of answers) answer({ status: 'rejected', reason: 'test' });
    await closed;
    await mine(2);
    expect(everyBlockHasItsShare()).toBeGreaterThan(3);
    // What came after the close was not acknowledged.
    expect(settled.filter(({ verdict }) => verdict === 'accepted')).toHaveLength(16);
  });
});
