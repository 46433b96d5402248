import type { Wire, WireHandler } from '#base/domain/ports';
import type { JudgedShare } from '#base/domain/share';
import { limits } from '#base/limits';
import type { WebSocket } from '#base/uws';
import { dismissals } from '../door/dismissals.ts';
import type { Visit, Visitor } from '../door/visit.ts';
import type { Flusher } from './flusher.ts';
import type { Framing } from './framing.ts';
import type { ListenerCounters } from './listener.ts';
import { costOf, Party, type Taker, type Turns } from './turns.ts';
import { type Holder, NOTED_BYTES_MIN, type WaitingBytes } from './waiting-bytes.ts';

/** What all WebSockets of one listener share. */
export interface WebSocketContext {
  readonly flusher: Flusher;
  /** Checks the messages; the WebSocket itself frames them. */
  readonly framing: Pick<Framing, 'faultOf'>;
  readonly counters: ListenerCounters;
  readonly turns: Turns;
  readonly waiting: WaitingBytes;
}

/** The native socket, as far as a wire needs it. */
type NativeSocket = Pick<WebSocket<unknown>, 'send' | 'cork' | 'end' | 'close' | 'getBufferedAmount'>;

/** What `send` returns if everything was written, and if a message would go over maxBackpressure and was not queued. */
const [SENT, DROPPED] = [1, 2];
/** RFC 6455 close codes. */
const GOING_AWAY = 1001;
export const TRY_AGAIN_LATER = 1013;

/** Messages over a WebSocket. */
export class WebSocketWire implements Wire, Visitor, Taker, Holder {
  readonly transport = 'websocket';
  readonly remoteIp: string;
  readonly #context: WebSocketContext;
  readonly #visit: Visit | undefined;
  readonly #party: Party;
  #handler: WireHandler | undefined;
  /** Undefined once it is closed: the native socket may not be touched after that. */
  #socket: NativeSocket | undefined;
  #queued: (string | Uint8Array)[] = [];
  #marked = false;
  #isBehind = false;
  #overflowed = false;
  #closeCode: number | undefined;
  /** Messages that wait for a turn, in order, and what they take in memory. */
  #rest: Uint8Array[] = [];
  #restBytes = 0;
  #held = false;
  /** Messages handled at once in the turn of this number. */
  #handled = 0;
  #turn = 0;
  /** What was noted of `waitingBytes`. */
  #noted = 0;
  readonly #sendQueued = (): void => {
    const queued = this.#queued;
    this.#queued = [];
    for (const message of queued) {
      const result = this.#socket?.send(message, false);
      if (result !== SENT) this.#isBehind = true;
      if (result === DROPPED) this.#overflowed = true;
    }
  };

  constructor(socket: NativeSocket, remoteIp: string, visit: Visit | undefined, context: WebSocketContext) {
    this.#socket = socket;
    this.remoteIp = remoteIp;
    this.#visit = visit;
    this.#party = visit?.peer.party ?? new Party();
    this.#context = context;
  }

  /** It was closed for not reading. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  /** False once the connection is gone. */
  get open(): boolean {
    return this.#socket !== undefined;
  }

  get closing(): boolean {
    return this.#closeCode !== undefined || this.#socket === undefined;
  }

  /** From now on messages go to the handler. */
  start(handler: WireHandler): void {
    this.#handler = handler;
  }

  send(message: string | Uint8Array): void {
    if (this.closing) return;
    this.#queued.push(message);
    this.#mark();
  }

  close(why?: string, code = GOING_AWAY): void {
    if (this.closing) return;
    this.#closeCode = code;
    this.#mark();
    const message = why === undefined ? undefined : this.#handler?.closingMessage(why);
    // To a client that does not read, one more message could be one too many.
    if (message !== undefined && this.#socket?.getBufferedAmount() === 0) this.#queued.push(message);
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

  /** uWebSockets.js can not stop reading, so further messages wait here. If too many wait, the connection is closed. */
  hold(ms: number): void {
    if (this.#held || this.closing) return;
    this.#held = true;
    setTimeout(() => {
      this.#held = false;
      this.#goOn();
    }, ms).unref();
  }

  /** A message has come; its bytes are lent. */
  take(message: Uint8Array): void {
    if (this.closing) return;
    const { turns } = this.#context;
    const owedMs = this.#visit?.owedMs() ?? 0;
    if (owedMs > 0) this.hold(owedMs);
    if (this.#turn !== turns.turn) {
      this.#turn = turns.turn;
      this.#handled = 0;
    }
    if (this.#held || this.#rest.length > 0 || this.#handled >= turns.share(this.#party)) {
      this.#keep(message);
      return;
    }
    this.#handled += 1;
    turns.spend(this.#party, costOf(this.#handle(message), message.length));
  }

  get works(): boolean {
    return this.#visit?.idle === false;
  }

  get waits(): boolean {
    return this.#rest.length > 0 && !this.#held && !this.closing;
  }

  takeTurn(linesMax: number): number {
    const owedMs = this.#visit?.owedMs() ?? 0;
    if (owedMs > 0) this.hold(owedMs);
    let cost = 0;
    let taken = 0;
    for (const message of this.#rest) {
      if (cost >= linesMax || this.#held || this.closing) break;
      taken += 1;
      this.#restBytes -= sizeOf(message);
      cost += costOf(this.#handle(message), message.length);
    }
    if (taken > 0) this.#rest = this.#rest.slice(taken);
    this.#note();
    return cost;
  }

  get waitingBytes(): number {
    return this.#socket === undefined ? 0 : this.#restBytes + this.#socket.getBufferedAmount();
  }

  drop(): void {
    this.#context.counters.overMemory += 1;
    this.#closeCode ??= TRY_AGAIN_LATER;
    this.#socket?.close();
  }

  /** The system has taken some of what was unsent. */
  drained(): void {
    this.#note();
  }

  gone(): void {
    this.#socket = undefined;
    this.#queued = [];
    this.#rest = [];
    this.#restBytes = 0;
    this.#context.turns.leave(this.#party, this);
    this.#note();
  }

  /** Returns what the message cost, in lines. */
  #handle(message: Uint8Array): number {
    const cost = this.#visit?.received(1, message.length) ?? 1;
    const fault = this.#context.framing.faultOf(message, 0, message.length, false);
    if (fault !== undefined) this.#visit?.offend(fault);
    // It may have been one too many.
    if (!this.closing) this.#handler?.onMessage(message, 0, message.length);
    return cost;
  }

  #keep(message: Uint8Array): void {
    // Not `slice`, which is a view if the bytes are a Buffer.
    const kept = new Uint8Array(message);
    this.#rest.push(kept);
    this.#restBytes += sizeOf(kept);
    const crowded = this.#context.turns.keep(this.#party) > limits.keptPerTurnAndAddressMax;
    const small = this.works || this.#rest.length <= limits.crowdedMessagesMax;
    if (this.#restBytes > limits.waitingMessageBytesMax || (crowded && !small)) {
      this.close(dismissals.tooFast, TRY_AGAIN_LATER);
      // At once: nothing else of what was read is taken up then.
      this.flush();
      return;
    }
    this.#goOn();
    this.#note();
  }

  #goOn(): void {
    if (this.waits) this.#context.turns.wait(this.#party, this);
  }

  /** Notes what waits, if that has become more or less. May close this connection. */
  #note(): void {
    const { waitingBytes } = this;
    const bytes = waitingBytes > NOTED_BYTES_MIN ? waitingBytes : 0;
    if (bytes === this.#noted) return;
    this.#noted = bytes;
    this.#context.waiting.note(this, bytes);
  }

  #mark(): void {
    if (this.#marked) return;
    this.#marked = true;
    this.#context.flusher.mark(this);
  }

  /** All frames of a tick in one write, which a single one is by itself. */
  flush(): void {
    this.#marked = false;
    if (this.#queued.length === 1) this.#sendQueued();
    else if (this.#queued.length > 1) this.#socket?.cork(this.#sendQueued);
    if (this.#overflowed) {
      this.#context.counters.slowReaders += 1;
      this.#socket?.close();
      return;
    }
    if (this.#isBehind) {
      this.#isBehind = false;
      this.#note();
    }
    if (this.#closeCode !== undefined) this.#socket?.end(this.#closeCode);
  }
}

/** What a message takes in memory, bytes. */
function sizeOf(message: Uint8Array): number {
  return message.length + limits.waitingMessageBytes;
}
