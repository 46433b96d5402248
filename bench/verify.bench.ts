import { Containment } from '#base/domain/contain';
import { limits } from '#base/limits';
import { loadKernel } from '#shares/kernel/kernel';
import { PendingShare } from '#shares/verify/pending-share';
import { type Runners, startRunners } from '#shares/verify/runners';
import { SeenHeaders } from '#shares/verify/seen';
import { Verifier } from '#shares/verify/verifier';
import { type BenchContext, runBenchmark } from './run/benchmark.ts';
import type { Size } from './run/options.ts';
import { mainThreadCpuMicros } from './run/thread-cpu.ts';
import { CountingSubmitter, EXTRANONCES, job, submission } from './verify-shares.ts';

const plans: Readonly<Record<Size, { readonly rounds: number; readonly sampleMs: number }>> = {
  quick: { rounds: 3, sampleMs: 100 },
  normal: { rounds: 7, sampleMs: 200 },
  full: { rounds: 15, sampleMs: 500 },
};
/** Shares that come in one tick of the event loop. */
const batches = [1, 8, 32, 128, 512];
/** Shares taken and not settled before the benchmark waits: what some ticks bring. */
const IN_FLIGHT_MAX = 2048;

/** Makes `count` shares come and go; resolves when all are settled. */
type Way = (from: number, count: number, batch: number) => Promise<void>;

const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };

/** The whole verifier: pre-checks, hashing, duplicates, verdict, settling; its log is always ready at once. */
function wholeVerifier(runners: Runners, workers: Runners['workers']): Way {
  return async (from, count, batch) => {
    let flush = (): void => {};
    let drained = (): void => {};
    const verifier = new Verifier(
      {
        sharesInFlightMax: limits.sharesInFlightMax,
        batchMax: limits.kernelBatchMax,
        turnMax: limits.sharesPerTurnMax,
        versionMask: 0,
      },
      {
        clock,
        contain: new Containment({ logger: console, counted() {} }),
        jobs: { find: () => job, findExpired: () => undefined, isStale: () => false },
        seen: new SeenHeaders({ headersMax: limits.seenPerTipMax }, { closedEarly: () => {}, wantsJob: () => {} }),
        recorder: { share() {}, commit: (durable) => durable() },
        foundBlock() {},
        observe() {},
        inline: runners.inline,
        workers,
        defer: (run) => {
          flush = run;
        },
        workerFailed: (error) => {
          throw error;
        },
        drained: () => drained(),
      },
    );
    const submitter = new CountingSubmitter();
    for (let at = from; at < from + count; ) {
      for (const end = Math.min(from + count, at + batch); at < end; at += 1) verifier.take(submission(at, submitter));
      flush();
      // A worker's answer is an event; without one in between nothing would ever come back.
      if (workers.length > 0) await new Promise(setImmediate);
      while (verifier.inFlight > IN_FLIGHT_MAX) await new Promise(setImmediate);
    }
    if (verifier.inFlight > 0) {
      await new Promise<void>((resolve) => {
        drained = resolve;
      });
    }
    if (submitter.settled !== count || submitter.rejected > 0) throw new Error('not every share was accepted');
  };
}

/** Hashing alone, of shares that are there: on the event loop. */
function hashInline({ inline }: Runners): Way {
  return inChunks((shares, at, max) => {
    const filled = inline.lane.fill(shares, at, max);
    inline.run(filled);
    inline.lane.read(shares, at, filled);
    return filled;
  });
}

/** The same, each batch handed to the worker and waited for. */
function hashOnWorker({ workers }: Runners): Way {
  const [runner] = workers;
  if (!runner) throw new Error('there is no worker');
  return inChunks(async (shares, at, max) => {
    const filled = runner.lane.fill(shares, at, max);
    await runner.run(filled);
    runner.lane.read(shares, at, filled);
    return filled;
  });
}

/** Batches of shares that have passed the pre-checks, in chunks that the kernel takes. `hash` returns how many it took. */
function inChunks(hash: (shares: readonly PendingShare[], at: number, max: number) => number | Promise<number>): Way {
  const shares = pendingShares();
  return async (from, count, batch) => {
    for (let first = from; first < from + count; first += batch) {
      // The array's length is a multiple of every batch.
      const start = first % shares.length;
      for (let at = start; at < start + batch; ) {
        const filled = hash(shares, at, Math.min(limits.kernelBatchMax, start + batch - at));
        at += typeof filled === 'number' ? filled : await filled;
      }
    }
  };
}

function pendingShares(): PendingShare[] {
  const submitter = new CountingSubmitter();
  return Array.from({ length: EXTRANONCES }, (_, index) => {
    const checked = { job, version: job.version, refusal: undefined, hashable: true };
    return new PendingShare(submission(index, submitter), checked, 0, 0);
  });
}

/** Shares that take about so long, found while warming up. */
async function calibrate(way: Way, batch: number, sampleMs: number): Promise<number> {
  for (let count = batch; ; count *= 2) {
    const began = performance.now();
    await way(0, count, batch);
    const tookMs = performance.now() - began;
    if (tookMs > sampleMs / 2) return Math.max(batch, Math.round((count * sampleMs) / tookMs / batch) * batch);
  }
}

async function run({ size, samples, progress }: BenchContext): Promise<void> {
  const { rounds, sampleMs } = plans[size];
  progress.step('warming up');
  const runners = await startRunners({ threads: 1 }, loadKernel());
  const ways: readonly (readonly [name: string, way: Way])[] = [
    ['hashing on the event loop', hashInline(runners)],
    ['hashing handed to a worker', hashOnWorker(runners)],
    ['verifier, no worker', wholeVerifier(runners, [])],
    ['verifier, one worker by policy', wholeVerifier(runners, runners.workers)],
  ];
  // Share numbers continue, so that no share is a duplicate.
  let from = 0;
  for (const batch of batches) {
    progress.step(`batches of ${batch}`);
    from = Math.ceil(from / batch) * batch;
    const counts = new Map<Way, number>();
    for (const [, way] of ways) counts.set(way, await calibrate(way, batch, sampleMs));
    for (let round = 0; round < rounds; round += 1) {
      for (const [name, way] of ways) {
        const count = counts.get(way) ?? batch;
        const [began, cpuBefore] = [performance.now(), mainThreadCpuMicros()];
        await way(from, count, batch);
        from += count;
        const loopMicrosPerShare = (mainThreadCpuMicros() - cpuBefore) / count;
        const sharesPerSecond = (count * 1000) / (performance.now() - began);
        samples.add(`batches of ${batch}`, name, { sharesPerSecond, loopMicrosPerShare });
      }
    }
  }
  await runners.close();
}

await runBenchmark({
  name: 'verify',
  question:
    'From how many shares on does handing them to a worker relieve the event loop, and what does a share cost it?',
  excludes: 'sockets, JSON, the log. 282 bytes of coinbase, 12 branches; every share has another extranonce2',
  columns: [
    { name: 'sharesPerSecond', title: 'shares/s', digits: 0 },
    { name: 'loopMicrosPerShare', title: 'event loop µs/share', digits: 2 },
  ],
  steps: () => 1 + batches.length,
  run,
});
