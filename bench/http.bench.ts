import { SIMULATED_PAYOUT_ADDRESS } from '#base/config/defaults';
import { runBenchmark } from './run/benchmark.ts';
import { requestAtRate } from './run/http-load.ts';
import { IdleConnections } from './run/load.ts';
import type { Size } from './run/options.ts';
import { startPool } from './run/pool.ts';
import { type Server, startCeiling } from './run/server.ts';

const plans: Readonly<Record<Size, { readonly rounds: number; readonly seconds: number }>> = {
  quick: { rounds: 1, seconds: 3 },
  normal: { rounds: 3, seconds: 5 },
  full: { rounds: 5, seconds: 10 },
};
/** The pool takes 2,000 requests a second of all clients together (limits.httpRequestsMax). */
const RATE = 1_000;
const CONNECTIONS = 32;
/** Connected miners, so that counts and metrics have something to say. */
const MINERS = 1_000;

/** Each route that is public, but for the workers' pages, of which one costs as ten requests. */
const ROUTES = ['/healthz', '/readyz', '/metrics', '/api/v1/pool', `/api/v1/miners/${SIMULATED_PAYOUT_ADDRESS}`];

interface Subject {
  readonly name: string;
  readonly server: Server;
  readonly url: string;
}

await runBenchmark({
  name: 'http',
  question: 'What does a request to the HTTP API cost, and how soon is it answered?',
  excludes:
    'what the server costs without requests, measured just before. All processes count. The load shares the cores',
  columns: [
    { name: 'cpuMicrosPerRequest', title: 'CPU µs/request', digits: 0 },
    { name: 'p50Ms', title: 'p50 ms', digits: 1 },
    { name: 'p99Ms', title: 'p99 ms', digits: 1 },
  ],
  steps: ({ size }) => plans[size].rounds * (ROUTES.length + 1),
  async run({ size, samples, progress }) {
    const { rounds, seconds } = plans[size];
    const pool = await startPool({ name: 'sluice' });
    const miners = await IdleConnections.open(pool, MINERS);
    const empty = await startCeiling('uWebSockets.js, "ok"', 'http-empty');
    const subjects: readonly Subject[] = [
      ...ROUTES.map((path) => ({ name: nameOf(path), server: pool, url: `http://127.0.0.1:${pool.httpPort}${path}` })),
      { name: empty.name, server: empty, url: `http://127.0.0.1:${empty.tcpPort}/` },
    ];
    // Code that has not run before is slow.
    for (const { url } of subjects) await requestAtRate({ url, rate: RATE, connections: CONNECTIONS, seconds: 1 });
    for (let round = 0; round < rounds; round += 1) {
      for (let turn = 0; turn < subjects.length; turn += 1) {
        const subject = subjects[(round + turn) % subjects.length];
        if (subject === undefined) continue;
        progress.step(`round ${round + 1}, ${subject.name}`);
        const load = { url: subject.url, rate: RATE, connections: CONNECTIONS, seconds };
        const workload = `${RATE} requests/s over ${CONNECTIONS} connections, ${MINERS} miners connected`;
        samples.add(workload, subject.name, await requestAtRate(load, subject.server));
      }
    }
    await miners.close();
    await empty.close();
    await pool.close();
  },
});

function nameOf(path: string): string {
  return `sluice, ${path.replace(SIMULATED_PAYOUT_ADDRESS, '{address}')}`;
}
