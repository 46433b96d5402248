import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { targetOfDifficulty, targetToBytes, workOf } from '#base/bitcoin/target';
import { jobId, jobSerial } from '#base/domain/ids';
import type { Job } from '#base/domain/job';
import type { JudgedShare, Submission, Submitter, Terms, Worker } from '#base/domain/share';
import { parseJobRef, wireJobId } from '#front/stratum/v1/job-id';
import { makeCurrent } from '#gateway/answerable-jobs';
import { loadKernel } from '#shares/kernel/kernel';
import { layout } from '#shares/kernel/layout';
import { type Runners, startRunners } from '#shares/verify/runners';
import { SeenHeaders } from '#shares/verify/seen';
import { Verifier } from '#shares/verify/verifier';
import { JobStore } from '#work/jobs/store';
import { recordedContainment } from '../../support/containment.ts';
import { submissionOf, type TestShare } from '../../support/submission.ts';

const EASY = 1e-9;
const worker: Worker = { name: 'account.rig', account: 'account', rig: 'rig' };

const terms = (difficulty: number): Terms => ({
  difficulty,
  target: targetToBytes(targetOfDifficulty(difficulty)),
  work: workOf(difficulty),
  versionMask: 0x1fffe000,
});

function makeJob(index: number, tip = 1): Job {
  const serial = jobSerial(3, index);
  const previousHash = new Uint8Array(32).fill(tip);
  return {
    id: jobId(serial),
    rowId: jobId(serial),
    serial,
    height: 100 + tip,
    version: 0x20000000,
    previousHash,
    bits: 0x1d00ffff,
    networkTarget: targetToBytes(targetOfDifficulty(1e-3)),
    networkDifficulty: 1e-3,
    minTime: 1_700_000_000,
    curTime: 1_700_000_100,
    coinb1: Uint8Array.from({ length: 60 }, (_, at) => at + index),
    coinb2: Uint8Array.from({ length: 100 }, (_, at) => at ^ index),
    outputsAt: 4,
    merkleBranch: [new Uint8Array(32).fill(7), new Uint8Array(32).fill(index)],
    cleanJobs: false,
    rewardSats: 5_000_000_000n,
    createdMs: 0,
    template: {
      askedMs: 0,
      height: 100 + tip,
      version: 0x20000000,
      previousHash,
      bits: 0x1d00ffff,
      minTime: 1_700_000_000,
      curTime: 1_700_000_100,
      coinbaseValueSats: 5_000_000_000n,
      transactions: [],
      witnessCommitment: undefined,
    },
  };
}

/** A submitter which was given variant 0 and 1 of every job, and keeps what it is told. */
class TestSubmitter implements Submitter {
  readonly source = {
    sessionId: 1n,
    extranonce1: Uint8Array.of(1, 2, 3, 4),
    remoteIp: '127.0.0.1',
    userAgent: 'test',
  };
  subscribed = true;
  /** What was judged, and what could be answered. */
  readonly heard: JudgedShare[] = [];
  readonly settled: JudgedShare[] = [];
  closes = 0;
  /** As of a session that was given every job, with terms that are forgotten; undefined: it never had the job. */
  lateMask: number | undefined = undefined;
  readonly #terms: readonly Terms[];

  constructor(...ofVariants: readonly Terms[]) {
    this.#terms = ofVariants;
  }

  /** What a session hands in for a share. */
  share(share: TestShare, unwanted = false): Submission {
    const { serial, variant } = parseJobRef(share.jobId);
    const terms = serial < 0 ? undefined : this.#terms[variant];
    return submissionOf(share, {
      ...{ source: this.source, submitter: this, subscribed: this.subscribed, terms, unwanted },
      worker: share.workerName === worker.name ? worker : undefined,
      versionMask: terms?.versionMask ?? this.lateMask,
    });
  }

  judged(share: JudgedShare): void {
    this.heard.push(share);
  }

  close(): void {
    this.closes += 1;
  }

  durable(share: JudgedShare): void {
    this.settled.push(share);
  }
}

/** A promise and what resolves it. */
function signal(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve: () => resolve() };
}

const sha256d = (bytes: Uint8Array): Buffer =>
  createHash('sha256').update(createHash('sha256').update(bytes).digest()).digest();

/** The header hash as node:crypto has it, as a number. */
function hashOf(job: Job, submitter: TestSubmitter, request: TestShare, version: number): bigint {
  const variant = Buffer.from(request.jobId.slice(10).padStart(4, '0'), 'hex');
  let root: Buffer = sha256d(
    Buffer.concat([
      job.coinb1,
      variant,
      submitter.source.extranonce1,
      Buffer.from(request.extranonce2, 'hex'),
      job.coinb2,
    ]),
  );
  for (const sibling of job.merkleBranch) root = sha256d(Buffer.concat([root, sibling]));
  const header = Buffer.alloc(80);
  header.writeUInt32LE(version, 0);
  header.set(job.previousHash, 4);
  header.set(root, 36);
  header.writeUInt32LE(request.ntime, 68);
  header.writeUInt32LE(job.bits, 72);
  header.writeUInt32LE(request.nonce, 76);
  return BigInt(`0x${sha256d(header).reverse().toString('hex')}`);
}

let requests = 0;
function request(job: Job, change: Partial<TestShare> = {}): TestShare {
  requests += 1;
  return {
    id: requests,
    workerName: worker.name,
    jobId: job.id,
    extranonce2: requests.toString(16).padStart(16, '0'),
    ntime: job.curTime,
    nonce: Math.imul(requests, 2654435761) >>> 0,
    versionBits: undefined,
    malformed: undefined,
    ...change,
  };
}

/** A request whose hash passes the test. */
function mined(
  job: Job,
  submitter: TestSubmitter,
  passes: (hash: bigint) => boolean,
  change: Partial<TestShare> = {},
): TestShare {
  for (;;) {
    const candidate = request(job, change);
    const bits = candidate.versionBits;
    const version = bits === undefined ? job.version : ((job.version & ~0x1fffe000) | bits) >>> 0;
    if (passes(hashOf(job, submitter, candidate, version))) return candidate;
  }
}

describe.each(['inline', 'worker'] as const)('the verifier, hashing %s', (place) => {
  let runners: Runners;
  beforeAll(async () => {
    runners = await startRunners({ threads: place === 'worker' ? 1 : 0 }, loadKernel());
  });
  afterAll(() => runners.close());

  function setUp(
    options: {
      headersMax?: number;
      sharesInFlightMax?: number;
      blocksInFlightMax?: number;
      turnMax?: number;
      jobsMax?: number;
    } = {},
  ) {
    const jobs = new JobStore({ jobsMax: options.jobsMax ?? 8 });
    const seen = new SeenHeaders(
      { headersMax: options.headersMax ?? 1 << 16 },
      { closedEarly: () => {}, wantsJob: () => {} },
    );
    const deferred: (() => void)[] = [];
    const log: JudgedShare[] = [];
    const commits: (() => void)[] = [];
    const blocks: JudgedShare[] = [];
    const failures: unknown[] = [];
    const committed = signal();
    const contained = recordedContainment();
    /** Throws if it is told to, once. */
    const faulty = { observe: 0, record: 0 };
    const time = { nowMs: 5 };
    const verifier = new Verifier(
      {
        sharesInFlightMax: options.sharesInFlightMax ?? 10_000,
        batchMax: 128,
        turnMax: options.turnMax ?? 8_192,
        versionMask: 0x1fffe000,
        ...(options.blocksInFlightMax !== undefined && { blocksInFlightMax: options.blocksInFlightMax }),
      },
      {
        clock: { nowMs: () => time.nowMs, monotonicMs: () => performance.now() },
        contain: contained.contain,
        jobs,
        seen,
        inline: runners.inline,
        workers: runners.workers,
        defer: (flush) => deferred.push(flush),
        workerFailed: (error) => failures.push(error),
        drained: () => {},
        observe: () => {
          if (faulty.observe-- > 0) throw new Error('observe');
        },
        foundBlock: (share) => {
          blocks.push(share);
        },
        recorder: {
          share: (share) => {
            if (faulty.record-- > 0) throw new Error('record');
            log.push(share);
          },
          commit: (durable) => {
            commits.push(durable);
            committed.resolve();
          },
        },
      },
    );
    const tick = (): void => {
      for (const flush of deferred.splice(0)) flush();
    };
    /** Ends the tick, and resolves when its batch has reached the log. */
    const flushed = async (): Promise<void> => {
      tick();
      await committed.promise;
    };
    const durable = (): void => {
      for (const callback of commits.splice(0)) callback();
    };
    return { verifier, contained, faulty, jobs, seen, log, commits, blocks, failures, tick, flushed, durable, time };
  }

  it.each(['record', 'observe', 'judged', 'durable'] as const)(
    'ends only the session whose share makes "%s" throw, and answers the others',
    async (what) => {
      const { verifier, contained, faulty, jobs, log, flushed, durable } = setUp();
      const [bad, good] = [new TestSubmitter(terms(EASY)), new TestSubmitter(terms(EASY))];
      const job = makeJob(0);
      jobs.add(job);
      const passes = (hash: bigint): boolean => hash <= targetOfDifficulty(EASY);
      if (what === 'judged' || what === 'durable') {
        bad[what] = () => {
          throw new Error(what);
        };
      } else faulty[what] = 1;
      for (const submitter of [bad, good]) verifier.take(submitter.share(mined(job, submitter, passes)));
      await flushed();
      durable();
      expect(good.settled.map(({ verdict }) => verdict)).toEqual(['accepted']);
      expect([bad.closes, good.closes]).toEqual([1, 0]);
      expect(contained.errors).toBe(1);
      expect(verifier.inFlight).toBe(0);
      // What has no row is not acknowledged.
      if (what === 'record') expect(bad.settled.map(({ verdict }) => verdict)).toEqual(['overloaded']);
      expect(log).toHaveLength(what === 'record' ? 1 : 2);
    },
  );

  it('credits what came before the tip changed, marks its jobs behind that, and credits nothing of them later', async () => {
    const { verifier, jobs, seen, log, tick, durable } = setUp({ turnMax: 900 });
    const submitter = new TestSubmitter(terms(EASY));
    const passes = (hash: bigint): boolean => hash <= targetOfDifficulty(EASY);
    /** By serial number of the mark: how many rows stand before it. */
    const marks = new Map<number, number>();
    const announce = (job: Job): void =>
      makeCurrent(job, {
        ...{ jobs, seen, whenApplied: (then) => verifier.whenApplied(then) },
        recorder: { closed: (serial) => marks.set(serial, marks.get(serial) ?? log.length), commit: () => {} },
      });
    const all: Job[] = [];
    const sent: { readonly job: Job; readonly stale: boolean }[] = [];
    // Tips go back and forth while shares are in the kernels of both turns.
    for (const tip of [1, 1, 2, 1, 3, 3, 1, 2]) {
      const current = makeJob(all.length, tip);
      all.push(current);
      announce(current);
      const since = all.findLastIndex((job) => job.template.height !== 100 + tip) + 1;
      for (const [index, job] of all.entries()) {
        for (let share = 0; share < 150; share += 1) {
          verifier.take(submitter.share(mined(job, submitter, passes)));
          sent.push({ job, stale: index < since });
        }
      }
      tick();
    }
    expect(verifier.inFlight).toBe(sent.length);
    await vi.waitFor(() => {
      tick();
      expect(log).toHaveLength(sent.length);
    });
    durable();
    expect(submitter.settled.map(({ verdict }) => verdict)).toEqual(
      sent.map(({ stale }) => (stale ? 'stale' : 'accepted')),
    );
    for (const [serial, rows] of marks) {
      const accepted = log.map((share) => share.verdict === 'accepted' && (share.job?.serial ?? 0) <= serial);
      expect(accepted.lastIndexOf(true), `rows of jobs up to ${serial}`).toBeLessThan(rows);
    }
    // The last of each tip but for the current one.
    expect([1, 2, 3, 5, 6].filter((index) => !marks.has(all[index]?.serial ?? -1))).toEqual([]);
    expect(marks.has(all[7]?.serial ?? -1)).toBe(false);
    if (place === 'worker') expect(verifier.hashed.worker).toBeGreaterThan(0);
  });

  it('does not take the share that can not be hashed, and takes the others', () => {
    const { verifier, contained, jobs, tick, durable } = setUp();
    const [bad, good] = [new TestSubmitter(terms(EASY)), new TestSubmitter(terms(EASY))];
    const job = makeJob(0);
    jobs.add(job);
    const passes = (hash: bigint): boolean => hash <= targetOfDifficulty(EASY);
    const [poison, share] = [mined(job, bad, passes), mined(job, good, passes)];
    let reads = 0;
    Object.defineProperty(poison, 'extranonce2', {
      get() {
        reads += 1;
        if (reads > 1 && bad.settled.length === 0) throw new Error('fault');
        return '00'.repeat(8);
      },
    });
    verifier.take(good.share(share));
    verifier.take(bad.share(poison));
    tick();
    durable();
    expect(good.settled.map(({ verdict }) => verdict)).toEqual(['accepted']);
    expect(bad.settled.map(({ verdict }) => verdict)).toEqual(['overloaded']);
    expect(contained.errors).toBe(2);
    expect(verifier.inFlight).toBe(0);
  });

  it('gives each of a few hundred shares the verdict that node:crypto gives, in the order of arrival', async () => {
    const { verifier, jobs, log, flushed, durable } = setUp();
    const submitter = new TestSubmitter(terms(EASY), terms(4e-9));
    const all = [0, 1, 2].map((index) => makeJob(index));
    for (const job of all) jobs.add(job);
    const expected: string[] = [];
    for (let count = 0; count < 700; count += 1) {
      const job = all[count % all.length] ?? makeJob(0);
      const variant = count % 2;
      const bits = (count << 13) & 0x1fffe000;
      const share = request(job, { jobId: wireJobId(job.id, variant), versionBits: bits });
      const hash = hashOf(job, submitter, share, ((job.version & ~0x1fffe000) | bits) >>> 0);
      expected.push(hash <= targetOfDifficulty(variant === 0 ? EASY : 4e-9) ? 'accepted' : 'low-difficulty');
      verifier.take(submitter.share(share));
    }
    expect(log).toEqual([]);
    await flushed();
    expect(submitter.settled, 'settled before the commit').toEqual([]);
    durable();
    expect(submitter.settled.map((share) => share.verdict)).toEqual(expected);
    expect(new Set(expected)).toEqual(new Set(['accepted', 'low-difficulty']));
    expect(log).toEqual(submitter.settled);
    expect(verifier.inFlight).toBe(0);
    if (place === 'worker') expect(verifier.hashed.worker).toBeGreaterThan(0);
    expect(verifier.hashed.inline + verifier.hashed.worker).toBe(700);
  });

  it('knows more jobs in one batch than the kernel has slots', async () => {
    const count = layout.JOB_SLOTS + 2;
    const { verifier, jobs, flushed, durable } = setUp({ jobsMax: count });
    const submitter = new TestSubmitter(terms(EASY));
    const all = Array.from({ length: count }, (_, index) => makeJob(index));
    for (const job of all) jobs.add(job);
    for (const job of [...all, ...all])
      verifier.take(submitter.share(mined(job, submitter, (hash) => hash <= targetOfDifficulty(EASY))));
    await flushed();
    durable();
    expect(submitter.settled.map((share) => share.verdict)).toEqual(new Array(2 * count).fill('accepted'));
  });

  it('credits a header once: in one batch, over batches, and under another id of the same job', async () => {
    const { verifier, jobs, flushed, tick, durable } = setUp();
    const submitter = new TestSubmitter(terms(EASY), terms(EASY));
    const job = makeJob(0);
    jobs.add(job);
    const share = mined(job, submitter, (hash) => hash <= targetOfDifficulty(EASY));
    verifier.take(submitter.share(share));
    verifier.take(submitter.share({ ...share, id: 'again' }));
    await flushed();
    verifier.take(submitter.share(share));
    verifier.take(submitter.share({ ...share, versionBits: job.version & 0x1fffe000 }));
    tick();
    durable();
    expect(submitter.settled.map((judged) => judged.verdict)).toEqual(['accepted', ...new Array(3).fill('duplicate')]);
  });

  it('lets nobody choose the difficulty after seeing the hash: a header is good for one id of a job only', async () => {
    // One job at four difficulties, as a miner gets it that asks for another one every few seconds.
    const levels = [1, 8, 64, 512].map((factor) => factor * EASY);
    const { verifier, jobs, flushed, durable } = setUp();
    const submitter = new TestSubmitter(...levels.map(terms));
    const job = makeJob(0);
    jobs.add(job);
    const cheats: TestShare[] = [];
    for (let count = 0; count < 200; count += 1) {
      // Found under the first id, worth more under another one.
      const found = mined(job, submitter, (hash) => hash <= targetOfDifficulty(8 * EASY));
      cheats.push({ ...found, jobId: wireJobId(job.id, 1 + (count % 3)) });
    }
    for (const cheat of cheats) verifier.take(submitter.share(cheat));
    await flushed();
    durable();
    const credited = submitter.settled.filter((share) => share.verdict === 'accepted');
    const expected = cheats.filter((cheat) => {
      const variant = Number.parseInt(cheat.jobId.slice(10), 16);
      return hashOf(job, submitter, cheat, job.version) <= targetOfDifficulty(levels[variant] ?? 0);
    });
    // What is left is luck: the same bytes are another header there, and some of those are good too.
    expect(credited.map(({ submission }) => (submission.reply as TestShare).id)).toEqual(expected.map(({ id }) => id));
    expect(credited.length).toBeLessThan(40);
  });

  it('takes a block to the node first, also where the share asks for more than the network', async () => {
    const { verifier, jobs, blocks, flushed, durable } = setUp();
    const submitter = new TestSubmitter(terms(1e6));
    const job = { ...makeJob(0), networkTarget: targetToBytes(targetOfDifficulty(EASY)) };
    jobs.add(job);
    verifier.take(submitter.share(mined(job, submitter, (hash) => hash <= targetOfDifficulty(EASY))));
    verifier.take(submitter.share(mined(job, submitter, (hash) => hash > targetOfDifficulty(EASY))));
    await flushed();
    durable();
    expect(submitter.settled.map((share) => [share.verdict, share.block])).toEqual([
      ['accepted', true],
      ['low-difficulty', false],
    ]);
    expect(blocks).toEqual([submitter.settled[0]]);
    // And it is worth a block's work, not what was asked for.
    expect(submitter.settled[0]?.terms?.work).toBe(workOf(job.networkDifficulty));
  });

  it('rejects without hashing what needs no hash, each for its reason', async () => {
    const { verifier, jobs, flushed, durable } = setUp();
    const submitter = new TestSubmitter(terms(EASY));
    const stranger = new TestSubmitter(terms(EASY));
    stranger.subscribed = false;
    const old = makeJob(0, 1);
    const job = makeJob(1, 2);
    jobs.add(old);
    jobs.add(job);
    const wrong: [string, TestShare][] = [
      ['unauthorized', request(job, { workerName: 'somebody' })],
      ['job-not-found', request(job, { jobId: 'zz' })],
      ['job-not-found', request(job, { jobId: jobId(jobSerial(3, 99)) })],
      ['job-not-found', request(job, { jobId: wireJobId(job.id, 7) })],
      ['stale', request(old)],
      ['malformed', request(job, { malformed: 'nonce' })],
      ['malformed', request(job, { extranonce2: '00' })],
      ['ntime-out-of-range', request(job, { ntime: job.minTime - 1 })],
      ['ntime-out-of-range', request(job, { ntime: job.curTime + 7201 })],
      ['version-outside-mask', request(job, { versionBits: 0x00001000 })],
      ['version-outside-mask', request(job, { versionBits: 0x20000000 })],
    ];
    verifier.take(stranger.share(request(job)));
    for (const [, share] of wrong) verifier.take(submitter.share(share));
    await flushed();
    durable();
    expect(stranger.settled.map((share) => share.verdict)).toEqual(['not-subscribed']);
    expect(submitter.settled.map((share) => share.verdict)).toEqual(wrong.map(([reason]) => reason));
    // A worker who is not authorised, stale, two of ntime, two of version: each has a header that may be a block.
    expect(verifier.hashed.inline + verifier.hashed.worker).toBe(6);
  });

  it('finds the block in a share that is refused, and credits the share no more for it', async () => {
    const { verifier, jobs, blocks, flushed, durable } = setUp();
    const submitter = new TestSubmitter(terms(EASY));
    const old = makeJob(0, 1);
    const job = makeJob(1, 2);
    const easy = { networkTarget: targetToBytes(targetOfDifficulty(EASY)), networkDifficulty: EASY };
    for (const each of [old, job]) {
      Object.assign(each, easy);
      jobs.add(each);
    }
    const meets = (hash: bigint): boolean => hash <= targetOfDifficulty(EASY);
    verifier.take(submitter.share(mined(old, submitter, meets)));
    verifier.take(submitter.share(mined(job, submitter, meets, { workerName: 'somebody' })));
    verifier.take(submitter.share(mined(job, submitter, meets, { ntime: job.curTime + 7201 })));
    const misses = (hash: bigint): boolean => !meets(hash);
    verifier.take(submitter.share(mined(old, submitter, misses)));
    await flushed();
    durable();
    expect(submitter.settled.map(({ verdict, block }) => [verdict, block])).toEqual([
      ['stale', true],
      ['unauthorized', true],
      ['ntime-out-of-range', true],
      ['stale', false],
    ]);
    expect(blocks.map(({ job: of }) => of)).toEqual([old, job, job]);
  });

  it('finds the block in a share of an expired job on the same tip, though its terms are forgotten', async () => {
    const { verifier, jobs, blocks, flushed, durable, log } = setUp();
    const submitter = new TestSubmitter();
    const expired = makeJob(0);
    Object.assign(expired, { networkTarget: targetToBytes(targetOfDifficulty(EASY)), networkDifficulty: EASY });
    jobs.add(expired);
    for (let index = 1; index <= 8; index += 1) jobs.add(makeJob(index));
    expect(jobs.find(expired.serial)).toBeUndefined();
    const meets = (hash: bigint): boolean => hash <= targetOfDifficulty(EASY);
    const solving = mined(expired, submitter, meets, { versionBits: 0x00002000 });
    // A session that can not have had the job.
    verifier.take(submitter.share(solving));
    submitter.lateMask = 0x1fffe000;
    verifier.take(submitter.share(solving));
    const misses = (hash: bigint): boolean => !meets(hash);
    verifier.take(submitter.share(mined(expired, submitter, misses)));
    // A job that can be answered is not answered without its terms.
    verifier.take(submitter.share(request(makeJob(8))));
    await flushed();
    durable();
    expect(submitter.settled.map(({ verdict, block }) => [verdict, block])).toEqual([
      ['job-not-found', false],
      ['stale', true],
      ['stale', false],
      ['job-not-found', false],
    ]);
    expect(blocks).toEqual([log[1]]);
    expect(log[1]?.job).toBe(expired);
  });

  it('takes ntime at both edges of its range', async () => {
    const { verifier, jobs, flushed, durable } = setUp();
    const submitter = new TestSubmitter(terms(EASY));
    const job = makeJob(0);
    jobs.add(job);
    for (const ntime of [job.minTime, job.curTime + 7200]) {
      verifier.take(submitter.share(mined(job, submitter, (hash) => hash <= targetOfDifficulty(EASY), { ntime })));
    }
    await flushed();
    durable();
    expect(submitter.settled.map((share) => share.verdict)).toEqual(['accepted', 'accepted']);
  });

  it('refuses what is beyond its bounds, at once, and takes shares again when there is room', async () => {
    const { verifier, jobs, tick, flushed, durable, log } = setUp({ sharesInFlightMax: 2 });
    const submitter = new TestSubmitter(terms(EASY));
    const job = makeJob(0);
    jobs.add(job);
    const good = (): TestShare => mined(job, submitter, (hash) => hash <= targetOfDifficulty(EASY));
    for (const share of [good(), good(), good()]) verifier.take(submitter.share(share));
    await flushed();
    expect(submitter.settled.map((share) => share.verdict)).toEqual(['overloaded']);
    expect(log.length).toBe(2);
    durable();
    verifier.take(submitter.share(good()));
    tick();
    durable();
    expect(submitter.settled.map((share) => share.verdict)).toEqual(['overloaded', 'accepted', 'accepted', 'accepted']);
  });

  it('takes a block to the node also when it can credit no share: the log is stuck, or no more can be remembered', async () => {
    const easy = (job: Job): Job => ({ ...job, networkTarget: targetToBytes(targetOfDifficulty(EASY)) });
    for (const options of [{ sharesInFlightMax: 1 }, { headersMax: 1 }]) {
      const { verifier, jobs, blocks, flushed, durable } = setUp(options);
      const submitter = new TestSubmitter(terms(EASY));
      const job = easy(makeJob(0));
      jobs.add(job);
      for (let count = 0; count < 3; count += 1) {
        verifier.take(submitter.share(mined(job, submitter, (hash) => hash <= targetOfDifficulty(EASY))));
      }
      await flushed();
      durable();
      expect(submitter.settled.map((share) => share.verdict).sort()).toEqual(['accepted', 'overloaded', 'overloaded']);
      expect(blocks.length).toBe(3);
    }
  });

  it('takes fewer shares where most are blocks, and turns away what is over without hashing it', async () => {
    const { verifier, jobs, blocks, log, tick, flushed, durable } = setUp({ blocksInFlightMax: 1 });
    const submitter = new TestSubmitter(terms(EASY));
    const hard = makeJob(1);
    const easy: Job = {
      ...makeJob(0),
      networkTarget: targetToBytes(targetOfDifficulty(EASY)),
      networkDifficulty: EASY,
    };
    const passes = (hash: bigint): boolean => hash <= targetOfDifficulty(EASY);
    jobs.add(easy);
    verifier.take(submitter.share(mined(easy, submitter, passes)));
    await flushed();
    verifier.take(submitter.share(mined(easy, submitter, passes)));
    jobs.add(hard);
    for (let count = 0; count < 2; count += 1) verifier.take(submitter.share(mined(hard, submitter, passes)));
    tick();
    await vi.waitFor(() => expect(log).toHaveLength(3));
    durable();
    expect(submitter.settled.map(({ verdict }) => verdict)).toEqual(['overloaded', 'accepted', 'accepted', 'accepted']);
    expect(blocks.filter(({ job }) => job === easy)).toHaveLength(1);
    expect(log.map(({ job }) => job?.id)).toEqual([easy.id, hard.id, hard.id]);
  });

  it('hashes the first block of a job however many shares are in flight', async () => {
    const { verifier, jobs, blocks, tick, flushed, durable } = setUp({ blocksInFlightMax: 1 });
    const submitter = new TestSubmitter(terms(EASY));
    const [old, fresh] = [0, 1].map((index) => ({
      ...makeJob(index),
      networkTarget: targetToBytes(targetOfDifficulty(EASY)),
      networkDifficulty: EASY,
    })) as [Job, Job];
    const passes = (hash: bigint): boolean => hash <= targetOfDifficulty(EASY);
    jobs.add(old);
    for (let count = 0; count < 2; count += 1) verifier.take(submitter.share(mined(old, submitter, passes)));
    await flushed();
    jobs.add(fresh);
    verifier.take(submitter.share(mined(old, submitter, passes)));
    verifier.take(submitter.share(mined(fresh, submitter, passes)));
    tick();
    await vi.waitFor(() => expect(blocks).toHaveLength(3));
    durable();
    expect(blocks.map(({ job }) => job)).toEqual([old, old, fresh]);
  });

  it('gives the shares of each turn a time of their own, also while there are more than a turn hashes', async () => {
    const { verifier, jobs, log, tick, time } = setUp({ turnMax: 1 });
    const submitter = new TestSubmitter(terms(EASY));
    const job = makeJob(0);
    jobs.add(job);
    for (let each = 0; each < 3; each += 1) {
      time.nowMs = 1000 * each;
      for (let share = 0; share < 2; share += 1) verifier.take(submitter.share(request(job)));
      tick();
    }
    for (let each = 0; each < 3; each += 1) tick();
    await vi.waitFor(() => expect(log).toHaveLength(6));
    expect(log.map(({ receivedMs }) => receivedMs)).toEqual([0, 0, 1000, 1000, 2000, 2000]);
  });

  it('hashes no more than its share of a turn, and goes on in the next', async () => {
    const { verifier, jobs, log, tick } = setUp({ turnMax: 2 });
    const submitter = new TestSubmitter(terms(EASY));
    const job = makeJob(0);
    jobs.add(job);
    const sent = Array.from({ length: 5 }, () => request(job));
    for (const share of sent) verifier.take(submitter.share(share));
    for (const hashed of [2, 4, 5]) {
      tick();
      await vi.waitFor(() => expect(log).toHaveLength(hashed));
    }
    expect(log.map(({ submission }) => submission.reply)).toEqual(sent);
    expect(verifier.inFlight).toBe(5);
  });

  it('credits no unwanted share but a block, and calls a bad one bad', async () => {
    const { verifier, jobs, blocks, log, flushed, durable } = setUp();
    const submitter = new TestSubmitter(terms(EASY));
    const job: Job = { ...makeJob(0), networkTarget: targetToBytes(targetOfDifficulty(4 * EASY)) };
    jobs.add(job);
    const isBlock = (hash: bigint): boolean => hash <= targetOfDifficulty(4 * EASY);
    const ordinary = mined(job, submitter, (hash) => hash <= targetOfDifficulty(EASY) && !isBlock(hash));
    const block = mined(job, submitter, isBlock);
    const never = mined(job, submitter, (hash) => hash > targetOfDifficulty(EASY));
    for (const share of [ordinary, never, block, block]) verifier.take(submitter.share(share, true));
    // It was refused and not credited, so it is no duplicate when it is wanted.
    verifier.take(submitter.share(ordinary));
    verifier.take(submitter.share(request(job, { jobId: 'ffffffffff' }), true));
    await flushed();
    expect(blocks.map(({ submission }) => submission.reply)).toEqual([block]);
    expect(log.map(({ submission }) => submission.reply)).toEqual([block, ordinary]);
    durable();
    expect(submitter.settled.map((share) => share.verdict)).toEqual([
      'overloaded',
      'low-difficulty',
      'accepted',
      'duplicate',
      'accepted',
      'job-not-found',
    ]);
  });

  it('calls a share of a job that was closed for want of room stale, and takes its block to the node', async () => {
    const { verifier, jobs, blocks, flushed, durable } = setUp({ headersMax: 1 });
    const submitter = new TestSubmitter(terms(EASY));
    const old: Job = { ...makeJob(0), networkTarget: targetToBytes(targetOfDifficulty(EASY)) };
    const newest = makeJob(1);
    for (const job of [old, newest]) jobs.add(job);
    const passes = (hash: bigint): boolean => hash <= targetOfDifficulty(EASY);
    const first = mined(old, submitter, passes);
    verifier.take(submitter.share(first));
    verifier.take(submitter.share(mined(newest, submitter, passes)));
    for (const job of [old, newest]) verifier.take(submitter.share(mined(job, submitter, passes)));
    verifier.take(submitter.share(first));
    await flushed();
    durable();
    expect(submitter.settled.map(({ verdict }) => verdict).slice(0, 2)).toEqual(['accepted', 'overloaded']);
    expect(submitter.settled.slice(2).some(({ verdict }) => verdict === 'accepted')).toBe(false);
    expect(blocks.length).toBeGreaterThanOrEqual(2);
  });

  it('credits nothing that it could not recognise again', async () => {
    const { verifier, jobs, flushed, durable } = setUp({ headersMax: 1 });
    const submitter = new TestSubmitter(terms(EASY));
    const job = makeJob(0);
    jobs.add(job);
    for (let count = 0; count < 2; count += 1) {
      verifier.take(submitter.share(mined(job, submitter, (hash) => hash <= targetOfDifficulty(EASY))));
    }
    await flushed();
    durable();
    expect(submitter.settled.map((share) => share.verdict)).toEqual(['accepted', 'overloaded']);
  });
});

it('hashes inline what a failing worker leaves behind', async () => {
  const runners = await startRunners({ threads: 0 }, loadKernel());
  const jobs = new JobStore({ jobsMax: 8 });
  const deferred: (() => void)[] = [];
  const failures: unknown[] = [];
  const done = signal();
  const verifier = new Verifier(
    { sharesInFlightMax: 10_000, batchMax: 128, turnMax: 8_192, versionMask: 0x1fffe000 },
    {
      clock: { nowMs: () => 0, monotonicMs: () => 0 },
      contain: recordedContainment().contain,
      jobs,
      seen: new SeenHeaders({ headersMax: 1 << 16 }, { closedEarly: () => {}, wantsJob: () => {} }),
      inline: runners.inline,
      workers: [
        {
          lane: (await startRunners({ threads: 0 }, loadKernel())).inline.lane,
          run: () => Promise.reject(new Error('gone')),
        },
      ],
      defer: (flush) => deferred.push(flush),
      workerFailed: (error) => failures.push(error),
      drained: () => {},
      observe: () => {},
      foundBlock: () => {},
      recorder: {
        share: () => {},
        commit: (durable) => {
          durable();
          done.resolve();
        },
      },
    },
  );
  const submitter = new TestSubmitter(terms(EASY));
  const job = makeJob(0);
  jobs.add(job);
  const expected: string[] = [];
  for (let count = 0; count < 700; count += 1) {
    const share = request(job);
    expected.push(
      hashOf(job, submitter, share, job.version) <= targetOfDifficulty(EASY) ? 'accepted' : 'low-difficulty',
    );
    verifier.take(submitter.share(share));
  }
  for (const flush of deferred) flush();
  await done.promise;
  expect(failures.length).toBe(1);
  expect(submitter.settled.map((share) => share.verdict)).toEqual(expected);
});
