import { type Server, type ServerModules, type ServerOptions, startServer } from '#show/api/server';

export interface StartedHttp {
  readonly server: Server;
  readonly address: string;
  readonly url: string;
  /** Faults that were reported, with what was being answered. */
  readonly faults: { readonly path: string; readonly error: unknown }[];
}

/** Sources that nobody is to ask. */
export function unasked(): never {
  throw new Error('not asked for here');
}

/** HTTP in this process, on a port of its own. This machine's addresses have no limits unless `options` says otherwise. */
export async function startHttp(
  modules: Partial<ServerModules>,
  options: Partial<ServerOptions> = {},
): Promise<StartedHttp> {
  const faults: StartedHttp['faults'] = [];
  const host = options.host ?? '127.0.0.1';
  const server = await startServer(
    {
      ...{ host, port: 0, allow: ['127.0.0.1', '::1'], deny: [], origins: ['*'] },
      // Nothing is there: no ledger, and nobody who answers for ClickHouse.
      ...{ folder: '/nonexistent', network: 'regtest', openNames: false, terms: SOME_TERMS, ...options },
    },
    {
      clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
      fault: (path, error) => faults.push({ path, error }),
      pool: unasked,
      miner: unasked,
      ready: () => ({ reasons: [], notes: [] }),
      metrics: async () => '',
      job: unasked,
      health: unasked,
      admin: () => undefined,
      sqlGuard: undefined,
      ...modules,
    },
  );
  const address = `${host.includes(':') ? `[${host}]` : host}:${server.port}`;
  return { server, address, url: `http://${address}`, faults };
}

/** How a pool pays that nobody asks about. */
export const SOME_TERMS: ServerOptions['terms'] = {
  ...{ scheme: 'pplns', feePercent: 1, minimumSats: '1000', isScheduled: true, confirmations: 10 },
  ...{ address: 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080', ports: [] },
  ...{ startDifficulty: 1, difficultyMin: 1, difficultyMax: 1e12 },
};
