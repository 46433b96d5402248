import { setTimeout as sleep } from 'node:timers/promises';
import { type LogShape, openLedgerLog } from './ledger-log.ts';
import { type BenchContext, runBenchmark } from './run/benchmark.ts';
import { load } from './run/load.ts';
import type { Size } from './run/options.ts';
import { type PoolServer, startPool } from './run/pool.ts';
import { cpuSecondsOf, findBelow } from './run/process-tree.ts';

/** Shares a second that the ledger must take from a log, and its part of a share's CPU. */
const CATCH_UP_BAR = 1_000_000;
const COST_BAR = 0.05;

const shapes: readonly Omit<LogShape, 'shares'>[] = [
  { accounts: 64, sharesPerCommit: 500, sharesPerJob: 150_000 },
  { accounts: 5000, sharesPerCommit: 500, sharesPerJob: 150_000 },
  { accounts: 5000, sharesPerCommit: 12, sharesPerJob: 150_000 },
];
/** Shares a second of the pool; undefined: as fast as it goes. */
const rates: readonly (number | undefined)[] = [5000, undefined];
const plans: Readonly<Record<Size, { readonly rounds: number; readonly shares: number; readonly seconds: number }>> = {
  quick: { rounds: 1, shares: 300_000, seconds: 3 },
  normal: { rounds: 3, shares: 1_000_000, seconds: 4 },
  full: { rounds: 5, shares: 4_000_000, seconds: 8 },
};
const WARM_UP_SECONDS = 2;
const SETTLE_MS_MAX = 60_000;

const labelOf = (rate: number | undefined): string =>
  rate === undefined ? '64 × 8' : `${rate.toLocaleString('en')} shares/s`;

await runBenchmark({
  name: 'ledger',
  question: 'How fast does the ledger take a share log, and what does it add to the cost of a share?',
  excludes: 'mining, the network, the load generator’s own CPU; schemes, blocks and payouts',
  columns: [
    { name: 'takenPerSecond', title: 'taken/s', digits: 0, optional: true },
    { name: 'takenPerCpuSecond', title: 'taken/CPU s', digits: 0, optional: true },
    { name: 'acceptedPerSecond', title: 'accepted/s', digits: 0, optional: true },
    { name: 'cpuMicrosPerShare', title: 'CPU µs/share', digits: 1, optional: true },
    { name: 'ledgerMicrosPerShare', title: 'of it the ledger', digits: 2, optional: true },
  ],
  steps: ({ size }) => shapes.length + 1 + plans[size].rounds * rates.length,
  async run(context) {
    await measureCatchUp(context);
    await measureCost(context);
  },
});

async function measureCatchUp({ size, samples, progress, note }: BenchContext): Promise<void> {
  const { rounds, shares } = plans[size];
  let least = Number.POSITIVE_INFINITY;
  for (const shape of shapes) {
    const label = `${shape.accounts.toLocaleString('en')} accounts, commits of ${shape.sharesPerCommit}`;
    progress.step(`catching up: ${label}`);
    const log = await openLedgerLog({ ...shape, shares });
    // The first one warms up.
    for (let round = -1; round < rounds; round += 1) {
      const { seconds, cpuSeconds } = log.catchUp();
      if (round < 0) continue;
      samples.add(label, 'ledger', { takenPerSecond: shares / seconds, takenPerCpuSecond: shares / cpuSeconds });
    }
    log.close();
    least = Math.min(least, samples.median(label, 'ledger', 'takenPerSecond') ?? 0);
  }
  note(
    `bar: the ledger takes ≥ ${CATCH_UP_BAR.toLocaleString('en')} shares a second: ${Math.round(least).toLocaleString('en')}`,
  );
}

/** The same pool in turns with its ledger's process running, and stopped (SIGSTOP) during the load. */
async function measureCost({ size, samples, progress, note }: BenchContext): Promise<void> {
  const { rounds, seconds } = plans[size];
  progress.step('starting');
  const pool = await startPool({ name: 'ledger on', transactions: 0 });
  const [ledger] = findBelow(pool.pid, 'ledger-child');
  if (ledger === undefined) throw new Error('the pool has no process of the ledger');
  const on = { ...pool, settle: async () => void (await Promise.all([pool.settle(), settled(pool)])) };
  const off = { ...pool, name: 'ledger off' };
  await load(on, { transport: 'tcp', connections: 64, inFlight: 8, seconds: WARM_UP_SECONDS });
  for (let round = 0; round < rounds; round += 1) {
    for (const rate of rates) {
      progress.step(`round ${round + 1}: ${labelOf(rate)}`);
      const options = { transport: 'tcp', connections: 64, inFlight: rate === undefined ? 8 : 64, seconds } as const;
      const turns = round % 2 === 0 ? [on, off] : [off, on];
      for (const server of turns) {
        if (server === off) process.kill(ledger, 'SIGSTOP');
        const before = cpuSecondsOf(ledger);
        const acceptedBefore = (await pool.accepted()) ?? 0;
        const result = await load(server, { ...options, ...(rate !== undefined && { rate }) });
        const shares = ((await pool.accepted()) ?? 0) - acceptedBefore;
        const ledgerMicrosPerShare = ((cpuSecondsOf(ledger) - before) * 1e6) / shares;
        samples.add(labelOf(rate), server.name, { ...result, ledgerMicrosPerShare });
        process.kill(ledger, 'SIGCONT');
        await settled(pool);
      }
    }
  }
  for (const rate of rates) {
    const part =
      (samples.median(labelOf(rate), 'ledger on', 'ledgerMicrosPerShare') ?? Number.NaN) /
      (samples.median(labelOf(rate), 'ledger on', 'cpuMicrosPerShare') ?? Number.NaN);
    note(
      `bar: ${labelOf(rate)}, the ledger’s process ≤ ${COST_BAR * 100} % of a share’s CPU: ${(part * 100).toFixed(1)} %`,
    );
  }
  note('While the ledger is off its process is stopped; what it missed it takes before the next turn.');
}

/** Waits until the ledger has every share that the pool has accepted. */
async function settled(pool: PoolServer): Promise<void> {
  const accepted = (await pool.accepted()) ?? 0;
  for (const end = performance.now() + SETTLE_MS_MAX; ; await sleep(100)) {
    const text = await (await fetch(`http://127.0.0.1:${pool.httpPort}/metrics`)).text();
    if (Number(/^sluice_ledger_shares_total ([0-9.e+]+)/m.exec(text)?.[1] ?? 0) >= accepted) return;
    if (performance.now() > end) throw new Error('the ledger is still behind after a minute');
  }
}
