import { setTimeout as sleep } from 'node:timers/promises';
import autocannon from 'autocannon';
import type { Server } from './server.ts';

export interface HttpLoad {
  readonly url: string;
  /** Requests a second over all connections. */
  readonly rate: number;
  readonly connections: number;
  readonly seconds: number;
}

/**
 * Sends requests at a fixed rate. A latency counts from when its request was due. The CPU time is that of the server's
 * processes, less what they took in as long a time without requests. Throws if a request was not answered with 2xx.
 */
export async function requestAtRate(load: HttpLoad, server?: Server): Promise<Readonly<Record<string, number>>> {
  const { url, rate, connections, seconds } = load;
  const cpuSeconds = (): number => server?.tree().cpuSeconds ?? 0;
  const idleBegin = cpuSeconds();
  if (server !== undefined) await sleep(seconds * 1000);
  const idleSeconds = cpuSeconds() - idleBegin;
  const begin = cpuSeconds();
  const result = await autocannon({ url, connections, duration: seconds, overallRate: rate });
  const spentSeconds = cpuSeconds() - begin - idleSeconds;
  const failed = result.non2xx + result.errors + result.timeouts;
  if (failed > 0 || result['2xx'] === 0) throw new Error(`${url}: ${failed} requests failed, ${result['2xx']} did not`);
  return {
    cpuMicrosPerRequest: (spentSeconds * 1e6) / result['2xx'],
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
  };
}
