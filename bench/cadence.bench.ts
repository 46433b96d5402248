import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { plot } from './cadence-plot.ts';
import { runBenchmark } from './run/benchmark.ts';
import { load } from './run/load.ts';
import type { Size } from './run/options.ts';
import { startPool } from './run/pool.ts';
import { root } from './run/project.ts';
import { startCeiling } from './run/server.ts';

/** Shares a second over all connections. */
const RATES = [10, 100, 1000, 2000, 5000, 10_000, 20_000, 50_000];
const QUICK_RATES = [100, 1000, 5000, 20_000];
const CONNECTIONS = 64;
/** Room for the shares of a server that stalls. */
const IN_FLIGHT = 64;
const plans: Readonly<Record<Size, { readonly rounds: number; readonly seconds: number }>> = {
  quick: { rounds: 1, seconds: 1.5 },
  normal: { rounds: 3, seconds: 3 },
  full: { rounds: 5, seconds: 8 },
};
const WARM_UP_SECONDS = 2;

const ratesOf = (size: Size): readonly number[] => (size === 'quick' ? QUICK_RATES : RATES);
const label = (rate: number): string => `${rate.toLocaleString('en')} shares/s`;

await runBenchmark({
  name: 'cadence',
  question: 'What does a share cost, and when is its reply there, at a rate that is kept whatever the server does?',
  excludes: 'mining (the difficulty is so low that any nonce is a share), the network, the load generator’s own CPU',
  columns: [
    { name: 'cpuMicrosPerShare', title: 'CPU µs/share', digits: 1 },
    { name: 'p50Ms', title: 'p50 ms', digits: 2 },
    { name: 'p99Ms', title: 'p99 ms', digits: 2 },
  ],
  steps: ({ size }) => 1 + plans[size].rounds * ratesOf(size).length,
  async run({ size, samples, progress, note }) {
    const { rounds, seconds } = plans[size];
    const rates = ratesOf(size);
    progress.step('starting');
    const pool = await startPool({ name: 'sluice', transactions: 0 });
    const echo = await startCeiling('echo, a write per chunk', 'echo-server');
    const servers = [pool, echo];
    for (const server of servers) {
      await load(server, { transport: 'tcp', connections: CONNECTIONS, inFlight: 8, seconds: WARM_UP_SECONDS });
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const rate of rates) {
        progress.step(`round ${round + 1}: ${label(rate)}`);
        const turns = round % 2 === 0 ? servers : servers.toReversed();
        for (const server of turns) {
          const options = { transport: 'tcp', connections: CONNECTIONS, inFlight: IN_FLIGHT, seconds, rate } as const;
          samples.add(label(rate), server.name, { ...(await load(server, options)) });
        }
      }
    }
    const [accepted, rows] = [await pool.accepted(), await pool.acceptedRows()];
    if (accepted !== rows) throw new Error(`${accepted} accepted shares, ${rows} rows in ClickHouse`);
    const folder = join(root, 'bench/results');
    mkdirSync(folder, { recursive: true });
    const points = (name: 'cpuMicrosPerShare' | 'p50Ms' | 'p99Ms', subject: string) =>
      rates.flatMap((rate) => {
        const value = samples.median(label(rate), subject, name);
        return value === undefined ? [] : [{ rate, value }];
      });
    const panel = (title: string, names: readonly ['cpuMicrosPerShare' | 'p50Ms' | 'p99Ms', string][]) => ({
      title,
      series: servers.flatMap((server) =>
        names.map(([name, what]) => ({ name: `${server.name}${what}`, points: points(name, server.name) })),
      ),
    });
    writeFileSync(
      join(folder, 'cadence.svg'),
      plot([
        panel('CPU of a share, µs', [['cpuMicrosPerShare', '']]),
        panel('From submit to reply, ms', [
          ['p50Ms', ', p50'],
          ['p99Ms', ', p99'],
        ]),
      ]),
    );
    note('Every share was answered as accepted, counted, and is a row in ClickHouse.');
    note('The picture is bench/results/cadence.svg.');
  },
});
