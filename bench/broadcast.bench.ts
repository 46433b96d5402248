import { runBenchmark } from './run/benchmark.ts';
import { besideServers } from './run/beside.ts';
import { connectionsPossible } from './run/files.ts';
import { IdleConnections } from './run/load.ts';
import type { BenchOptions, Size } from './run/options.ts';
import { hasGateways, startPool } from './run/pool.ts';
import { type Server, startCeiling } from './run/server.ts';

const plans: Readonly<Record<Size, { readonly connections: readonly number[]; readonly jobs: number }>> = {
  quick: { connections: [5000], jobs: 5 },
  normal: { connections: [5000], jobs: 12 },
  full: { connections: [5000, 20_000], jobs: 30 },
};
/** Each connection pays another account. */
const OWN_COINBASES = 5000;
/** The first jobs after the connections were opened are not measured, because the pool is still busy with them. */
const JOBS_SKIPPED = 2;

/** One server after the other: a second one would be in the way of the first. */
const servers = ({ size, beside }: BenchOptions): readonly (() => Promise<Server>)[] => [
  () => startPool({ name: 'sluice', refreshSeconds: 1 }),
  () => startPool({ name: 'sluice, a coinbase each', refreshSeconds: 1, ownCoinbases: OWN_COINBASES }),
  ...(size !== 'quick' && hasGateways()
    ? [() => startPool({ name: 'sluice, 2 gateways', gateways: 2, refreshSeconds: 1 })]
    : []),
  ...besideServers(beside, 'tcp').map((server) => async () => server),
  () => startCeiling('node:net, a write per connection', 'broadcast-server'),
];

await runBenchmark({
  name: 'broadcast',
  question: 'How long does a new job take from the first connection that has it to the last?',
  excludes: 'making the job; the network. The receiver’s own reading is in it, on the same cores',
  columns: [{ name: 'firstToLastMs', title: 'first → last ms', digits: 1 }],
  takesBeside: true,
  steps: (options) => plans[options.size].connections.length * servers(options).length,
  async run({ samples, progress, note, ...options }) {
    const { connections, jobs } = plans[options.size];
    for (const wanted of connections) {
      const count = connectionsPossible(wanted);
      if (count < wanted) note(`No more than ${count} connections: the limit of open files (ulimit -n).`);
      for (const start of servers(options)) {
        const server = await start();
        progress.step(`${count} connections, ${server.name}`);
        const idle = await IdleConnections.open(server, count);
        for (let job = 0; job < JOBS_SKIPPED; job += 1) await idle.firstToLastMs();
        for (let job = 0; job < jobs; job += 1) {
          const firstToLastMs = await idle.firstToLastMs();
          samples.add(`${count} connections, ${jobs} jobs`, server.name, { firstToLastMs });
        }
        await idle.close();
        await server.close();
      }
    }
  },
});
