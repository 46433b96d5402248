import { readTree } from './process-tree.ts';
import type { Server } from './server.ts';

type Transport = 'tcp' | 'websocket';

/** Another running pool on this machine, to be measured in the same rounds. */
export interface Beside {
  /** As it was given. */
  readonly text: string;
  readonly name: string;
  readonly transport: Transport;
  readonly port: number;
  /** Whose CPU time and memory are the pool's, with all processes below them; at least one. */
  readonly pids: readonly number[];
  /** The load's user name, if the pool refuses the address that Sluice gets. */
  readonly user: string | undefined;
}

const form = 'NAME=stratum+tcp://127.0.0.1:PORT,pid=PID[,pid=PID…][,user=USER], or ws:// for WebSocket';
/** Loopback only: what another machine does would be in no figure. */
const place = /^(?<scheme>stratum\+tcp|ws):\/\/127\.0\.0\.1:(?<port>[0-9]{1,5})\/?$/;

/** Reads the value of `--beside`. Throws if its form is wrong. */
export function parseBeside(text: string): Beside {
  const equals = text.indexOf('=');
  const [url = '', ...settings] = text.slice(equals + 1).split(',');
  const { scheme, port } = place.exec(url)?.groups ?? {};
  const pids: number[] = [];
  let user: string | undefined;
  for (const setting of settings) {
    const [, key, value = ''] = /^(pid|user)=(.+)$/.exec(setting) ?? [];
    if (key === 'user') user = value;
    else if (key === 'pid' && /^[1-9][0-9]*$/.test(value)) pids.push(Number(value));
    else throw new Error(`--beside ${text}: "${setting}" is unknown, it takes ${form}`);
  }
  if (equals < 1 || scheme === undefined || !(Number(port) > 0) || pids.length === 0) {
    throw new Error(`--beside ${text}: it takes ${form}`);
  }
  return {
    text,
    name: text.slice(0, equals),
    transport: scheme === 'ws' ? 'websocket' : 'tcp',
    port: Number(port),
    pids,
    user,
  };
}

/**
 * The other pools, as servers of one transport. Their counters have no common interface, so only their replies count. They are
 * not closed here.
 */
export function besideServers(pools: readonly Beside[], transport: Transport): Server[] {
  return pools.map((pool) => {
    const { name, port, pids, user } = pool;
    if (pool.transport !== transport) throw new Error(`--beside ${name}: this benchmark is of ${transport}`);
    for (const pid of pids) if (readTree(pid).processes === 0) throw new Error(`--beside ${name}: no process ${pid}`);
    return {
      name,
      tcpPort: port,
      websocketPort: port,
      ...(user === undefined ? {} : { user }),
      tree: () => readTree(...pids),
      settle: async () => {},
      accepted: async () => undefined,
      close: async () => {},
    };
  });
}
