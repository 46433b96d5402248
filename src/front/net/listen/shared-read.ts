import { Socket } from 'node:net';

/**
 * All sockets of this thread read into one buffer, because bytes are handled or copied at once, and sockets are read one at a
 * time. node:net allocates 64 KiB for each read and shrinks it, which costs 5 to 10 % of the rate at 64 × 1 (bench/README.md).
 */
const shared = Buffer.allocUnsafeSlow(64 * 1024);

/**
 * node:net offers this as `onread`, but only to sockets that connect. Accepted sockets have the same internals, under these
 * names. If a version of Node.js lacks them, sockets are read as usual, and a test fails.
 */
const parts = new Map(Object.getOwnPropertySymbols(new Socket()).map((symbol) => [symbol.description, symbol]));
const BUFFER = parts.get('kBuffer');
const CALLBACK = parts.get('kBufferCb');

interface Handle {
  useUserBuffer?(buffer: Uint8Array): void;
}

/**
 * Makes an accepted socket pass its next reads to `take` instead of emitting 'data'; the bytes are valid only during the call. Bytes
 * read before are still emitted as 'data'. A paused socket reads nothing, so its end is noticed only after `resume` (usually a
 * socket reads until its own buffer is full). Returns false, and changes nothing, if this Node.js lacks the internals.
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
