import { readFileSync } from 'node:fs';

/** The largest receive buffer of a TCP socket that Linux grows to, as the third of three numbers (tcp(7), tcp_rmem). */
const TCP_RMEM = '/proc/sys/net/ipv4/tcp_rmem';

/**
 * uWebSockets.js keeps reading one connection while each read fills its buffer of 512 KiB, which blocks the event loop. If the
 * kernel's receive buffer is smaller, one read empties it, and the loop goes on.
 */
export const RECEIVE_BYTES_MAX = 262_144;

/** Returns what an operator should do about receive buffers before WebSocket is open to the world; undefined if nothing. */
export function receiveBufferAdvice(read: () => string = () => readFileSync(TCP_RMEM, 'utf8')): string | undefined {
  let sizes: readonly string[];
  try {
    sizes = read().trim().split(/\s+/);
  } catch {
    // Another system than Linux.
    return undefined;
  }
  const [min, usual, max] = sizes;
  if (max === undefined || !(Number(max) > RECEIVE_BYTES_MAX)) return undefined;
  return (
    `a client that floods WebSocket faster than the pool reads can delay other clients; to prevent it: ` +
    `sysctl -w net.ipv4.tcp_rmem="${min} ${Math.min(Number(usual), RECEIVE_BYTES_MAX)} ${RECEIVE_BYTES_MAX}"`
  );
}
