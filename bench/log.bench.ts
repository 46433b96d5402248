import { type LogUnderTest, openFiles, openSqlite } from './log-stores.ts';
import { runBenchmark } from './run/benchmark.ts';
import type { Size } from './run/options.ts';

/** The bytes of a share's row in the stratum benchmarks. */
const ROW_BYTES = 185;
const rowsOfCommit = [1, 50, 500];
const plans: Readonly<Record<Size, { readonly rounds: number; readonly commits: number }>> = {
  quick: { rounds: 1, commits: 500 },
  normal: { rounds: 3, commits: 2000 },
  full: { rounds: 5, commits: 5000 },
};
const WARM_UP_COMMITS = 200;

await runBenchmark({
  name: 'log',
  question: 'What does it cost to have a commit of so many shares on the disk?',
  excludes: 'encoding the rows; the way to a thread of its own, which SQLite would need in a pool',
  columns: [
    { name: 'cpuMicros', title: 'CPU µs/commit', digits: 0 },
    { name: 'p50Ms', title: 'p50 ms', digits: 3 },
    { name: 'p99Ms', title: 'p99 ms', digits: 3 },
    { name: 'maxMs', title: 'max ms', digits: 1 },
  ],
  steps: ({ size }) => plans[size].rounds * rowsOfCommit.length,
  async run({ size, samples, progress }) {
    const { rounds, commits } = plans[size];
    for (let round = 0; round < rounds; round += 1) {
      for (const rows of rowsOfCommit) {
        progress.step(`round ${round + 1}: ${rows} shares a commit`);
        const logs = [
          () => openFiles('share log, files written over', true),
          () => openFiles('share log, new files', false),
          async () => openSqlite('SQLite, WAL, synchronous = FULL'),
        ];
        const first = round % logs.length;
        for (const open of [...logs.slice(first), ...logs.slice(0, first)]) {
          const log = await open();
          samples.add(`${rows} × ${ROW_BYTES} bytes`, log.name, await measure(log, rows, commits));
          log.close();
        }
      }
    }
  },
});

/** One commit after the other. */
async function measure(log: LogUnderTest, rows: number, commits: number): Promise<Record<string, number>> {
  const batch = new Uint8Array(rows * ROW_BYTES).fill(0x5a).buffer;
  for (let i = 0; i < WARM_UP_COMMITS; i += 1) await log.commit(batch, rows);
  const times = new Float64Array(commits);
  const cpuBefore = process.cpuUsage();
  for (let i = 0; i < commits; i += 1) {
    const startedMs = performance.now();
    await log.commit(batch, rows);
    times[i] = performance.now() - startedMs;
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  times.sort();
  const at = (share: number): number => times[Math.min(commits - 1, Math.floor(share * commits))] ?? Number.NaN;
  return { cpuMicros: (user + system) / commits, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}
