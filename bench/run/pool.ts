import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { addressOf } from '#base/bitcoin/address';
import { loadConfig } from '#base/config/load';
import { close } from './closing.ts';
import { readTree } from './process-tree.ts';
import { cli } from './project.ts';
import { plainEnvironment, type Server, ServerProcess } from './server.ts';

export interface PoolOptions {
  readonly name: string;
  readonly gateways?: number;
  /** Age at which a template is replaced, and so every miner gets a new job. */
  readonly refreshSeconds?: number;
  /** In each template; 0 for empty blocks. */
  readonly transactions?: number;
  /** RPC URL of a node on regtest, in place of the simulated one. */
  readonly nodeUrl?: string;
  /** Solo with a coinbase of its own for each account; the load has this many accounts. */
  readonly ownCoinbases?: number;
  /** The default limits and bans, with no address exempt. */
  readonly guarded?: boolean;
}

/** A pool with everything embedded, and durable acknowledgement as always. */
export interface PoolServer extends Server {
  readonly httpPort: number;
  /** Of the process that has all others of the pool below it. */
  readonly pid: number;
  /** Rows of accepted shares in ClickHouse. */
  acceptedRows(): Promise<number>;
}

/** Waiting for the analytics to have every row. */
const SETTLE_MS_MAX = 60_000;
const POLL_MS = 100;

/** True if this build serves miners with several processes. */
export function hasGateways(): boolean {
  const { warnings } = loadConfig({ file: undefined, env: { SLUICE_STRATUM__GATEWAYS: '2' } });
  return !warnings.some((warning) => warning.includes('gateways'));
}

/** Starts `sluice start` with a data folder that is removed at the end, on ports that are free. */
export async function startPool(options: PoolOptions): Promise<PoolServer> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const config = join(folder, 'sluice.toml');
  writeFileSync(config, toml(folder, options));
  const server = await ServerProcess.start([cli, 'start', '--config', config, '--json'], folder);
  const endpoints = JSON.parse(server.firstLine) as { stratumTcp: string; stratumWebsocket: string; http: string };
  const read = async (path: string): Promise<string> => (await fetch(endpoints.http + path)).text();
  const behindRows = async (): Promise<number> =>
    Number(/^sluice_analytics_lag_rows ([0-9.e+]+)/m.exec(await read('/metrics'))?.[1] ?? 0);
  return {
    name: options.name,
    ...(options.ownCoinbases !== undefined && { user: `@${usersFile(folder, options.ownCoinbases)}` }),
    tcpPort: portOf(endpoints.stratumTcp),
    websocketPort: portOf(endpoints.stratumWebsocket),
    httpPort: portOf(endpoints.http),
    pid: server.pid,
    tree: () => readTree(server.pid),
    async settle() {
      for (const end = performance.now() + SETTLE_MS_MAX; (await behindRows()) > 0; await sleep(POLL_MS)) {
        if (performance.now() > end) throw new Error(`${options.name}: the analytics are still behind after a minute`);
      }
    },
    async accepted() {
      const { shares } = JSON.parse(await read('/api/v1/pool')) as { shares: { accepted: number } };
      return shares.accepted;
    },
    async acceptedRows() {
      const query = "SELECT count() FROM shares WHERE verdict = 'accepted'";
      const { stdout } = await promisify(execFile)(process.execPath, [cli, 'sql', '--config', config, query], {
        env: plainEnvironment(),
      });
      return Number(stdout);
    },
    close: () => close(server),
  };
}

/**
 * Any nonce is a share and none is a block; the difficulty stays. Limits are kept, but so high that one machine may send
 * all the load.
 */
function toml(folder: string, options: PoolOptions): string {
  const { gateways = 1, refreshSeconds = 30, transactions, nodeUrl, ownCoinbases, guarded = false } = options;
  return `
    data = ${JSON.stringify(join(folder, 'data'))}
    [node]
    refresh-seconds = ${refreshSeconds}
    ${nodeUrl === undefined ? 'simulated-block-difficulty = 1e12' : `rpc = [${JSON.stringify(nodeUrl)}]`}
    ${transactions === undefined ? '' : `simulated-transactions = ${transactions}`}
    ${nodeUrl === undefined && ownCoinbases === undefined ? '' : PAYOUT}
    ${ownCoinbases === undefined ? '' : 'scheme = "solo"\n    method = "coinbase"'}
    [stratum]
    tcp = "127.0.0.1:0"
    websocket = "127.0.0.1:0"
    gateways = ${gateways}
    [stratum.difficulty]
    start = 1e-10
    min = 1e-10
    vardiff = false
    ${guarded ? GUARDED : UNLIMITED}
    [http]
    listen = "127.0.0.1:0"
    [log]
    level = "warn"
  `;
}

/** A file of so many addresses, a line each. */
function usersFile(folder: string, count: number): string {
  const file = join(folder, 'users');
  const script = new Uint8Array(22);
  script[1] = 20;
  const users = Array.from({ length: count }, (_, at) => {
    new DataView(script.buffer).setUint32(2, at);
    return addressOf(script, 'regtest');
  });
  writeFileSync(file, `${users.join('\n')}\n`);
  return file;
}

const PAYOUT = `[payout]
    address = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"`;
const UNLIMITED = `
    [stratum.limits]
    connections-per-address = 60000
    connections-per-subnet = 60000
    handshakes-per-second = 1000000
    handshakes-per-second-per-address = 1000000
    handshakes-per-second-per-subnet = 1000000
    lines-per-second = 1000000
    bytes-per-second = 1000000000
    submits-per-second = 1000000`;
const GUARDED = `
    [stratum.limits]
    exempt = []
    [stratum.bans]
    allow = []`;

/** URL gives no port for schemes that it does not know. */
function portOf(url: string): number {
  return Number(new URL(url.replace(/^[a-z+]+:/, 'http:')).port);
}
