import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** What the kernel says of one of this process's sockets; Node has no way to ask, so Python does (Linux). */
export interface SocketOptions {
  readonly noDelay: boolean;
  readonly keepAlive: boolean;
  /** Seconds of silence before the first probe. */
  readonly keepIdle: number;
  /** The longest accept queue; of a listening socket. */
  readonly backlog: number;
}

/** TCP_INFO's bytes 24 to 31 are, for a listening socket, how long its accept queue is and may be (linux/net/ipv4/tcp.c). */
const script = `
import json, socket, struct
s = socket.socket(fileno=3)
info = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 32)
print(json.dumps({
  'noDelay': s.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0,
  'keepAlive': s.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) != 0,
  'keepIdle': s.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
  'backlog': struct.unpack_from('I', info, 28)[0],
}))`;

const LISTENING = '0A';
const ESTABLISHED = '01';

/** The options of this process's socket that listens on a port, or of those that are connections to it. */
export function optionsOf(port: number, what: 'listening' | 'connections'): SocketOptions[] {
  const state = what === 'listening' ? LISTENING : ESTABLISHED;
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const inodes = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) =>
    readFileSync(table, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local = '', , current]) => local.endsWith(suffix) && current === state)
      .map((fields) => `socket:[${fields[9]}]`),
  );
  return readdirSync('/proc/self/fd')
    .filter((fd) => inodes.includes(target(fd)))
    .map((fd) => ask(Number(fd)));
}

function target(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return ''; // closed since it was listed
  }
}

function ask(fd: number): SocketOptions {
  const { stdout, stderr } = spawnSync('python3', ['-c', script], { stdio: ['ignore', 'pipe', 'pipe', fd] });
  if (stdout === null || stdout.length === 0) throw new Error(`python3 did not say: ${stderr}`);
  return JSON.parse(stdout.toString()) as SocketOptions;
}

/** False if there is nobody to ask. */
export function canAsk(): boolean {
  return process.platform === 'linux' && spawnSync('python3', ['--version']).status === 0;
}
