import { Socket } from 'node:net';

/**
 * All sockets of this thread read into one buffer: what comes is taken at once, and only one is read at a time. node:net
 * would have 64 KiB allocated for each read, and cut them down to what came: 5 to 10 % of the rate at 64 × 1 (bench/README.md).
 */
const shared = Buffer.allocUnsafeSlow(64 * 1024);

/**
 * node:net offers this as `onread`, but to sockets that connect only. Accepted ones have the same parts, under these names;
 * a Node.js without them reads as usual, and a test says so.
 */
const parts = new Map(Object.getOwnPropertySymbols(new Socket()).map((symbol) => [symbol.description, symbol]));
const BUFFER = parts.get('kBuffer');
const CALLBACK = parts.get('kBufferCb');

interface Handle {
  useUserBuffer?(buffer: Uint8Array): void;
}

/**
 * From its next read on an accepted socket gives what it reads to `take`, valid only during the call, instead of emitting
 * 'data'; what it has read before still comes as 'data'. While it is paused nothing is read at all, so its end is noticed
 * only after `resume` (one that reads as usual goes on until its own buffer is full). False where this Node.js can not:
 * then nothing has changed.
 */
export function readShared(socket: Socket, take: (bytes: Uint8Array) => void): boolean {
  const { _handle: handle } = socket as unknown as { readonly _handle?: Handle | null };
  if (BUFFER === undefined || CALLBACK === undefined || typeof handle?.useUserBuffer !== 'function') return false;
  Object.assign(socket, {
    [BUFFER]: shared,
    [CALLBACK]: (bytes: number) => {
      take(shared.subarray(0, bytes));
      return true;
    },
  });
  handle.useUserBuffer(shared);
  return true;
}
