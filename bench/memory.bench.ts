import { setTimeout as sleep } from 'node:timers/promises';
import { runBenchmark } from './run/benchmark.ts';
import { besideServers } from './run/beside.ts';
import { connectionsPossible } from './run/files.ts';
import { IdleConnections } from './run/load.ts';
import type { Size } from './run/options.ts';
import { hasGateways, startPool } from './run/pool.ts';
import { type Server, startCeiling } from './run/server.ts';

interface Plan {
  readonly connections: readonly number[];
  readonly rounds: number;
  readonly settleSeconds: number;
}

const plans: Readonly<Record<Size, Plan>> = {
  quick: { connections: [5000], rounds: 1, settleSeconds: 3 },
  normal: { connections: [5000, 20_000], rounds: 1, settleSeconds: 10 },
  full: { connections: [5000, 20_000], rounds: 3, settleSeconds: 20 },
};
/** Both ends of the settling time are read so often, and the smallest counts: a query or a merge comes and goes. */
const READINGS = 5;
const BETWEEN_READINGS_MS = 200;

const servers = (size: Size, others: readonly Server[]): readonly (() => Promise<Server>)[] => [
  () => startPool({ name: 'sluice' }),
  ...(size !== 'quick' && hasGateways() ? [() => startPool({ name: 'sluice, 2 gateways', gateways: 2 })] : []),
  ...others.map((server) => async () => server),
  () => startCeiling('node:net, bare', 'broadcast-server'),
];

await runBenchmark({
  name: 'memory',
  question: 'What does a connection that does nothing cost in resident memory?',
  excludes:
    'the server without connections; the kernel’s socket buffers. All processes count; nothing makes V8 collect',
  columns: [
    { name: 'kibPerConnection', title: 'KiB/connection', digits: 1 },
    { name: 'baseMib', title: 'without, MiB', digits: 0 },
    { name: 'heldMib', title: 'with, MiB', digits: 0 },
  ],
  takesBeside: true,
  steps: ({ size, beside }) =>
    plans[size].connections.length * plans[size].rounds * servers(size, []).length + beside.length,
  async run({ size, beside, samples, progress, note }) {
    // Once: it goes on running, and keeps what its connections have left.
    let others = besideServers(beside, 'tcp');
    const { connections, rounds, settleSeconds } = plans[size];
    for (const wanted of connections) {
      const count = connectionsPossible(wanted);
      if (count < wanted) note(`No more than ${count} connections: the limit of open files (ulimit -n).`);
      for (let round = 0; round < rounds; round += 1) {
        for (const start of servers(size, others)) {
          const server = await start();
          progress.step(`${count} connections, ${server.name}`);
          await sleep(settleSeconds * 1000);
          const base = await rssBytes(server);
          const idle = await IdleConnections.open(server, count);
          await sleep(settleSeconds * 1000);
          const held = await rssBytes(server);
          samples.add(`${count} connections, ${settleSeconds} s after`, server.name, {
            kibPerConnection: (held - base) / count / 1024,
            baseMib: base / 2 ** 20,
            heldMib: held / 2 ** 20,
          });
          await idle.close();
          await server.close();
        }
        others = [];
      }
    }
  },
});

async function rssBytes(server: Server): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let reading = 0; reading < READINGS; reading += 1) {
    least = Math.min(least, server.tree().rssBytes);
    await sleep(BETWEEN_READINGS_MS);
  }
  return least;
}
