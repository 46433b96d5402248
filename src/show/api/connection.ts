import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { limits } from '#base/limits';
import type { Visitor } from './visitors.ts';

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/**
 * One HTTP connection. Its requests are served one at a time, in the order of their coming: the next one when the answer to
 * the one before has gone out. A client that sends more than a few meanwhile is closed.
 */
export class Connection {
  readonly visitor: Visitor;
  readonly #socket: Socket;
  readonly #serve: (exchange: Exchange, connection: Connection) => void;
  readonly #waiting: Exchange[] = [];
  /** Monotonic, ms; undefined while nothing is served. */
  #busySinceMs: number | undefined;
  /** The answer under way may take its time, as long as its reader takes something. */
  #patient = false;
  /** Bytes that wait for a reader since then; monotonic, ms. */
  #stalled = { bytes: 0, sinceMs: 0 };

  constructor(socket: Socket, visitor: Visitor, serve: (exchange: Exchange, connection: Connection) => void) {
    this.#socket = socket;
    this.visitor = visitor;
    this.#serve = serve;
  }

  take(exchange: Exchange, nowMs: number): void {
    if (this.#socket.destroyed) return;
    if (this.#busySinceMs === undefined) this.#begin(exchange, nowMs);
    else if (this.#waiting.push(exchange) > limits.httpPipelineMax) {
      this.visitor.offend();
      this.close();
    }
  }

  /** The answer has gone out. `nowMs` is monotonic. */
  done(nowMs: number): void {
    this.#busySinceMs = undefined;
    this.#patient = false;
    const next = this.#socket.destroyed ? undefined : this.#waiting.shift();
    if (next !== undefined) this.#begin(next, nowMs);
  }

  /** Closes a connection whose answer is not read. To be called every second or so. */
  look(nowMs: number): void {
    const bytes = this.#socket.writableLength;
    if (bytes === 0 || bytes !== this.#stalled.bytes) this.#stalled = { bytes, sinceMs: nowMs };
    const late = this.#patient
      ? nowMs - this.#stalled.sinceMs > limits.sqlReaderMsMax
      : this.#busySinceMs !== undefined && nowMs - this.#busySinceMs > limits.httpAnswerMsMax;
    if (late) this.close();
  }

  /** Lets the answer under way take longer than others. Node's own time-out is back with the connection's next request. */
  wait(): void {
    this.#patient = true;
    this.#socket.setTimeout(0);
  }

  close(): void {
    this.#socket.destroy();
  }

  #begin(exchange: Exchange, nowMs: number): void {
    this.#busySinceMs = nowMs;
    this.#serve(exchange, this);
  }
}
