import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { limits } from '#base/limits';
import type { Visit } from '../door/visit.ts';

/** A connection, and what was read of it up to the last look. */
interface Watched {
  /** Below TLS. */
  readonly socket: Socket;
  readonly visit: Visit;
  raw: number;
  clear: number;
}

/** Bytes that TLS may take for each byte of data: a record takes up to 61 beside its data, and the shortest line is 20. */
const RAW_PER_CLEAR = 4;

/**
 * Counts bytes that TLS reads without producing data. A client may send any number of key updates (RFC 8446, section 4.6.3), of
 * 27 bytes and 15 µs each, and Node.js does not report them. Such bytes count as lines of the connection and its address, which
 * delays both.
 */
export class QuietBytes {
  readonly #watched = new Map<TLSSocket, Watched>();
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#timer = setInterval(() => this.#look(), limits.tlsLookMs);
    this.#timer.unref();
  }

  /** From the end of its handshake on, until it is closed. */
  watch(secure: TLSSocket, socket: Socket, visit: Visit): void {
    this.#watched.set(secure, { socket, visit, raw: socket.bytesRead, clear: secure.bytesRead });
    secure.once('close', () => this.#watched.delete(secure));
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    for (const [secure, watched] of this.#watched) {
      const { socket, visit, raw, clear } = watched;
      const { bytesRead } = socket;
      if (bytesRead === raw) continue;
      watched.raw = bytesRead;
      watched.clear = secure.bytesRead;
      const quiet = bytesRead - raw - (watched.clear - clear) * RAW_PER_CLEAR;
      if (quiet > 0) visit.received(Math.ceil(quiet / limits.tlsQuietBytesPerLine), 0);
    }
  }
}
