import { readTree } from './process-tree.ts';
import type { Server } from './server.ts';

type Transport = 'tcp' | 'websocket';

/** Another pool that somebody has started on this machine, to be measured in the same rounds. */
export interface Beside {
  /** As it was given. */
  readonly text: string;
  readonly name: string;
  readonly transport: Transport;
  readonly port: number;
  /** Whose CPU time and memory are the pool's, with all processes below them; at least one. */
  readonly pids: readonly number[];
  /** What the load logs in as, where the pool would not take the address that Sluice is given. */
  readonly user: string | undefined;
}

const form = 'NAME=stratum+tcp://127.0.0.1:PORT,pid=PID[,pid=PID…][,user=USER], or ws:// for WebSocket';
/** Loopback only: what another machine does would be in no figure. */
const place = /^(?<scheme>stratum\+tcp|ws):\/\/127\.0\.0\.1:(?<port>[0-9]{1,5})\/?$/;

/** Reads the value of `--beside`; throws where it is not of that form. */
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
 * The pools beside, as servers of one transport. They keep no count that could be read in one way for all, so that only
 * their replies tell what they accepted; closing them is left to who started them.
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
