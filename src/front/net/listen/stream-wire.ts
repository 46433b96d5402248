import type { Socket } from 'node:net';
import type { Wire, WireHandler } from '#base/domain/ports';
import type { JudgedShare } from '#base/domain/share';
import { limits } from '#base/limits';
import { dismissals } from '../door/dismissals.ts';
import type { Visit, Visitor } from '../door/visit.ts';
import type { Flusher } from './flusher.ts';
import type { Framing, MessageReader } from './framing.ts';
import type { ListenerCounters } from './listener.ts';
import { readShared } from './shared-read.ts';
import { costOf, Party, type Taker, type Turns } from './turns.ts';
import { type Holder, NOTED_BYTES_MIN, type WaitingBytes } from './waiting-bytes.ts';

/** What all connections of one listener share. */
export interface StreamContext {
  readonly flusher: Flusher;
  readonly counters: ListenerCounters;
  readonly turns: Turns;
  readonly waiting: WaitingBytes;
  readonly framing: Framing;
  readonly lineBytesMax: number;
  readonly sendQueueBytesMax: number;
  readonly closeMsMax: number;
  readonly halfOpenMsMax: number;
}

function ignore(): void {}

/** Messages over a TCP or TLS socket. */
export class StreamWire implements Wire, Visitor, Taker, Holder {
  readonly transport: 'tcp' | 'tls';
  readonly remoteIp: string;
  readonly #socket: Socket;
  readonly #context: StreamContext;
  readonly #reader: MessageReader;
  #handler: WireHandler | undefined;
  #visit: Visit | undefined;
  #party: Party | undefined;
  /** No line has come yet. */
  #firstLine = true;
  /** Lines since they were last counted. */
  #lines = 0;
  /** What was read and waits for a turn, from `#restAt` on. One chunk, since nothing is read meanwhile. */
  #rest: Uint8Array | undefined;
  #restAt = 0;
  /** The client has ended its half of the connection; the handler is told when the rest was handled. */
  #endsAfterRest = false;
  /** Lines of this tick. */
  #queued = '';
  /** Writes since the system last took everything. */
  #writes = 0;
  /** What was noted of `waitingBytes`. */
  #noted = 0;
  /** It will be noted in a later turn. */
  #noting = false;
  #marked = false;
  #closing = false;
  #held = false;

  constructor(socket: Socket, transport: 'tcp' | 'tls', remoteIp: string, context: StreamContext) {
    this.#socket = socket;
    this.transport = transport;
    this.remoteIp = remoteIp;
    this.#context = context;
    const { framing, lineBytesMax } = context;
    this.#reader = framing.reader(lineBytesMax, (bytes, begin, end) => this.#line(bytes, begin, end));
    // A reset or a broken pipe: 'close' follows and handles it.
    socket.on('error', ignore);
  }

  /** Begins to read. `onClose` is called once, before the handler hears of it. */
  start(handler: WireHandler, visit: Visit | undefined, onClose: () => void): void {
    const socket = this.#socket;
    const party = visit?.peer.party ?? new Party();
    this.#handler = handler;
    this.#visit = visit;
    this.#party = party;
    let greeting = true;
    const take = (chunk: Uint8Array): void => {
      if (this.#closing) return;
      if (greeting) {
        greeting = false;
        if (this.#context.framing.isForeign(chunk)) {
          this.#leaveForeigner();
          return;
        }
      }
      this.#take(chunk, party);
    };
    socket.on('data', take);
    // TLS decrypts into buffers of its own.
    if (this.transport === 'tcp') readShared(socket, take);
    // The client has disconnected, or has half-closed the connection and waits for replies.
    let ended = false;
    let patience: NodeJS.Timeout | undefined;
    socket.once('end', () => {
      if (this.#closing) return;
      ended = true;
      patience = setTimeout(() => this.close(), this.#context.halfOpenMsMax);
      // TLS tells of the end while the rest still waits.
      if (this.#rest === undefined) handler.onEnd();
      else this.#endsAfterRest = true;
    });
    socket.once('close', () => {
      clearTimeout(patience);
      const dismissed = this.#closing && !ended;
      this.#closing = true;
      this.#forgetRest();
      this.#note();
      onClose();
      visit?.leave(dismissed ? 'dismissed' : 'went');
      handler.onClose();
    });
    socket.resume();
  }

  send(message: string | Uint8Array): void {
    if (this.#closing) return;
    const text = typeof message === 'string' ? message : Buffer.from(message).toString('utf8');
    this.#queued += text + this.#context.framing.ending;
    this.#mark();
  }

  close(why?: string): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#mark();
    const message = why === undefined ? undefined : this.#handler?.closingMessage(why);
    if (message !== undefined && this.#takes(message)) this.#queued += message + this.#context.framing.ending;
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

  judged(share: JudgedShare): void {
    this.#visit?.judged(share);
  }

  expel(name: string): void {
    this.#handler?.expel(name);
  }

  /** Meanwhile data and FIN of the client wait in the kernel's buffers, then in the client's own. */
  hold(ms: number): void {
    if (this.#held || this.#closing) return;
    this.#held = true;
    this.#socket.pause();
    setTimeout(() => {
      this.#held = false;
      this.#goOn();
    }, ms).unref();
  }

  get works(): boolean {
    return this.#visit?.idle === false;
  }

  get waits(): boolean {
    return this.#rest !== undefined && !this.#held && !this.#closing;
  }

  takeTurn(linesMax: number): number {
    const rest = this.#rest;
    if (rest === undefined) return 0;
    const visit = this.#visit;
    const owedMs = visit?.owedMs() ?? 0;
    if (owedMs > 0) {
      this.hold(owedMs);
      return 0;
    }
    const from = this.#restAt;
    const lines = this.#handle(rest, from, visit?.allowance(linesMax) ?? linesMax);
    const at = this.#restAt;
    if (at === rest.length || this.#closing) {
      this.#forgetRest();
      this.#note();
      if (!this.#held) this.#goOn();
    }
    return costOf(lines, at - from);
  }

  get waitingBytes(): number {
    if (this.#socket.destroyed) return 0;
    const { writableLength } = this.#socket;
    const unsent = writableLength === 0 ? 0 : writableLength + this.#writes * limits.unsentWriteBytes;
    return (this.#rest?.length ?? 0) + this.#reader.bufferBytes + unsent;
  }

  drop(): void {
    this.#context.counters.overMemory += 1;
    this.#destroy();
  }

  #destroy(): void {
    this.#closing = true;
    this.#forgetRest();
    this.#queued = '';
    this.#socket.destroy();
  }

  /** Handles received lines, up to this connection's share of the turn. The rest waits. */
  #take(chunk: Uint8Array, party: Party): void {
    const { turns } = this.#context;
    const visit = this.#visit;
    const owedMs = visit?.owedMs() ?? 0;
    // TLS may bring more of what it had before it was paused.
    const isBehind = owedMs > 0 || this.#rest !== undefined;
    const share = isBehind ? 0 : turns.share(party);
    const lines = isBehind ? 0 : this.#handle(chunk, 0, visit?.allowance(share) ?? share);
    const at = isBehind ? 0 : this.#restAt;
    turns.spend(party, costOf(lines, at));
    if (at < chunk.length && !this.#closing) this.#keep(chunk, at, owedMs);
    else if (this.#reader.bufferBytes > NOTED_BYTES_MIN) this.#note();
  }

  /** Handles lines from `from` on, and returns what they cost, in lines. `#restAt` is where it has come to. */
  #handle(bytes: Uint8Array, from: number, linesMax: number): number {
    const framed = this.#reader.push(bytes, from, linesMax);
    const at = framed === 'more' ? this.#reader.at : bytes.length;
    this.#restAt = at;
    const lines = this.#lines;
    this.#lines = 0;
    const cost = this.#visit?.received(lines, at - from) ?? lines;
    if (framed === 'overlong') {
      this.#context.counters.overlong += 1;
      this.#visit?.offend('overlong');
      this.close(dismissals.overlong);
    }
    return cost;
  }

  #line(bytes: Uint8Array, begin: number, end: number): boolean {
    this.#lines += 1;
    const fault = this.#context.framing.faultOf(bytes, begin, end, this.#firstLine);
    if (fault === 'foreign') this.#leaveForeigner();
    else if (fault !== undefined) this.#visit?.offend(fault);
    this.#firstLine = false;
    // The offence may have been the last one.
    if (!this.#closing) this.#handler?.onMessage(bytes, begin, end);
    return !this.#closing;
  }

  /** Keeps a copy of what could not be handled, and reads nothing until it is. */
  #keep(chunk: Uint8Array, at: number, owedMs: number): void {
    const before = this.#rest?.subarray(this.#restAt);
    // The bytes are lent.
    this.#rest = before ? Buffer.concat([before, chunk]) : new Uint8Array(chunk.subarray(at));
    this.#restAt = 0;
    this.#socket.pause();
    if (owedMs > 0) this.hold(owedMs);
    else if (!this.#held) this.#goOn();
    this.#note();
  }

  #forgetRest(): void {
    this.#rest = undefined;
    this.#restAt = 0;
    if (this.#party) this.#context.turns.leave(this.#party, this);
  }

  /** Waits for a turn, or reads. */
  #goOn(): void {
    if (this.waits && this.#party) this.#context.turns.wait(this.#party, this);
    else this.#socket.resume();
    if (!this.#endsAfterRest || this.#rest !== undefined) return;
    this.#endsAfterRest = false;
    if (!this.#closing) this.#handler?.onEnd();
  }

  /** The client speaks another protocol, so its further bytes are ignored. */
  #leaveForeigner(): void {
    this.#visit?.offend('foreign');
    this.close();
  }

  /** Notes what waits, if that has become more or less. May close this connection. */
  #note(): void {
    const { waitingBytes } = this;
    const bytes = waitingBytes > NOTED_BYTES_MIN ? waitingBytes : 0;
    if (bytes === this.#noted) return;
    this.#noted = bytes;
    this.#context.waiting.note(this, bytes);
  }

  #noteLater(): void {
    if (this.#noting) return;
    this.#noting = true;
    setImmediate(() => {
      this.#noting = false;
      this.#note();
    });
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
      this.#write(text);
      if (socket.destroyed) return;
    }
    if (this.#closing) {
      // It may be held, and is not read any more: its end must not wait for that.
      socket.resume();
      socket.setTimeout(this.#context.closeMsMax, () => socket.destroy());
      socket.destroySoon();
    }
  }

  #write(text: string): void {
    const socket = this.#socket;
    // Nearly always ASCII, which is written without conversion.
    const encoding = Buffer.byteLength(text) === text.length ? 'latin1' : 'utf8';
    if (socket.writableLength === 0) {
      this.#writes = 0;
      socket.write(text, encoding);
      if (socket.writableLength === 0) {
        if (this.#noted > 0) this.#note();
        return;
      }
      // TLS says only later that the system has taken everything.
      if (this.transport === 'tls') {
        this.#writes = 1;
        this.#noteLater();
        return;
      }
    } else {
      // As bytes: a text that waits takes more memory than it is long.
      socket.write(Buffer.from(text, encoding));
    }
    this.#writes += 1;
    if (socket.writableLength + this.#writes * limits.unsentWriteBytes > this.#context.sendQueueBytesMax) {
      this.#context.counters.slowReaders += 1;
      this.#visit?.offend('slow-reader');
      this.#destroy();
      return;
    }
    this.#note();
  }
}
