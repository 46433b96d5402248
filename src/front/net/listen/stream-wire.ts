import type { Socket } from 'node:net';
import type { Wire, WireHandler } from '#base/domain/ports';
import { dismissals } from '../door/dismissals.ts';
import { isBinary, isForeignGreeting } from '../door/foreign.ts';
import type { Visit, Visitor } from '../door/visit.ts';
import type { Flusher } from './flusher.ts';
import { LineFramer, looksLikeObject } from './framer.ts';
import type { ListenerCounters } from './listener.ts';
import { readShared } from './shared-read.ts';

/** What all connections of one listener share. */
export interface StreamContext {
  readonly flusher: Flusher;
  readonly counters: ListenerCounters;
  readonly lineBytesMax: number;
  readonly sendQueueBytesMax: number;
  readonly closeMsMax: number;
  readonly halfOpenMsMax: number;
}

function ignore(): void {}

/** Lines over a TCP or TLS socket. */
export class StreamWire implements Wire, Visitor {
  readonly transport: 'tcp' | 'tls';
  readonly remoteIp: string;
  readonly #socket: Socket;
  readonly #context: StreamContext;
  #visit: Visit | undefined;
  #handler: WireHandler | undefined;
  /** Lines of this tick. */
  #queued = '';
  #marked = false;
  #closing = false;
  #held = false;

  constructor(socket: Socket, transport: 'tcp' | 'tls', remoteIp: string, context: StreamContext) {
    this.#socket = socket;
    this.transport = transport;
    this.remoteIp = remoteIp;
    this.#context = context;
    // A reset, a broken pipe: 'close' follows, which is all that anybody needs to know.
    socket.on('error', ignore);
  }

  /** Begins to read. `onClose` is called once, before the handler hears of it. */
  start(handler: WireHandler, visit: Visit | undefined, onClose: () => void): void {
    this.#visit = visit;
    this.#handler = handler;
    let lines = 0;
    /** No byte has come yet; no line. */
    let greeting = true;
    let firstLine = true;
    const framer = new LineFramer(this.#context.lineBytesMax, (bytes, begin, end) => {
      lines += 1;
      if (!looksLikeObject(bytes, begin, end)) {
        if (firstLine && isForeignGreeting(bytes, begin, end)) this.#leaveForeigner();
        else visit?.offend('junk');
      }
      firstLine = false;
      // The offence may have been the last one.
      if (!this.#closing) handler.onMessage(bytes, begin, end);
      return !this.#closing;
    });
    const take = (chunk: Uint8Array): void => {
      if (this.#closing) return;
      if (greeting) {
        greeting = false;
        if (isBinary(chunk)) {
          this.#leaveForeigner();
          return;
        }
      }
      const framed = framer.push(chunk);
      visit?.received(lines, chunk.length);
      lines = 0;
      if (framed === 'ok') return;
      this.#context.counters.overlong += 1;
      visit?.offend('overlong');
      this.close(dismissals.overlong);
    };
    this.#socket.on('data', take);
    // TLS decrypts into buffers of its own.
    if (this.transport === 'tcp') readShared(this.#socket, take);
    // The client has gone, or it has sent what it wanted to and waits for the replies.
    let ended = false;
    let patience: NodeJS.Timeout | undefined;
    this.#socket.once('end', () => {
      if (this.#closing) return;
      ended = true;
      patience = setTimeout(() => this.close(), this.#context.halfOpenMsMax);
      handler.onEnd();
    });
    this.#socket.once('close', () => {
      clearTimeout(patience);
      const dismissed = this.#closing && !ended;
      this.#closing = true;
      onClose();
      visit?.leave(dismissed ? 'dismissed' : 'went');
      handler.onClose();
    });
    this.#socket.resume();
  }

  send(message: string | Uint8Array): void {
    if (this.#closing) return;
    const text = typeof message === 'string' ? message : Buffer.from(message).toString('utf8');
    this.#queued += `${text}\n`;
    this.#mark();
  }

  close(why?: string): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#mark();
    const message = why === undefined ? undefined : this.#handler?.closingMessage(why);
    if (message !== undefined && this.#takes(message)) this.#queued += `${message}\n`;
  }

  affords(): boolean {
    return this.#visit?.affords() ?? true;
  }

  misnamed(): void {
    this.#visit?.offend('bad-login');
  }

  admits(name: string): boolean {
    return this.#visit?.admits(name) ?? true;
  }

  /** What the other end sends meanwhile waits in the system's buffers, and then in its own; so does its end. */
  hold(ms: number): void {
    if (this.#held || this.#closing) return;
    this.#held = true;
    this.#socket.pause();
    setTimeout(() => {
      this.#held = false;
      this.#socket.resume();
    }, ms).unref();
  }

  /** Its client speaks another protocol: whatever else it sends would be junk. */
  #leaveForeigner(): void {
    this.#visit?.offend('foreign');
    this.close();
  }

  /** False if a message would make this client a slow reader. */
  #takes(message: string): boolean {
    const waiting = this.#socket.writableLength + this.#queued.length;
    return waiting + message.length < this.#context.sendQueueBytesMax;
  }

  #mark(): void {
    if (this.#marked) return;
    this.#marked = true;
    this.#context.flusher.mark(this);
  }

  /** One write for all that a tick queued. */
  flush(): void {
    this.#marked = false;
    const socket = this.#socket;
    const text = this.#queued;
    this.#queued = '';
    if (socket.destroyed) return;
    if (text !== '') {
      // Nearly always ASCII, which is written without conversion.
      const bytes = Buffer.byteLength(text);
      socket.write(text, bytes === text.length ? 'latin1' : 'utf8');
      if (socket.writableLength > this.#context.sendQueueBytesMax) {
        this.#context.counters.slowReaders += 1;
        this.#visit?.offend('slow-reader');
        this.#closing = true;
        socket.destroy();
        return;
      }
    }
    if (this.#closing) {
      // It may be held, and is not read any more: its end must not wait for that.
      socket.resume();
      socket.setTimeout(this.#context.closeMsMax, () => socket.destroy());
      socket.destroySoon();
    }
  }
}
