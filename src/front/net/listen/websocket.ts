import { canonicalIp, inAnyRange } from '#base/domain/ip';
import type { WireHandler } from '#base/domain/ports';
import { limits } from '#base/limits';
import {
  App,
  type HttpRequest,
  type HttpResponse,
  listenUws,
  type UpgradeContext,
  type UwsListening,
  type WebSocket,
} from '#base/uws';
import { Arrivals } from '../door/arrivals.ts';
import type { Visit, Visitor } from '../door/visit.ts';
import { Flusher } from './flusher.ts';
import { lines } from './lines.ts';
import { type Listener, type ListenModules, type ListenOptions, newCounters } from './listener.ts';
import { Turns } from './turns.ts';
import { clientOf, isForeign, refuse } from './upgrade-request.ts';
import { WaitingBytes } from './waiting-bytes.ts';
import { TRY_AGAIN_LATER, type WebSocketContext, WebSocketWire } from './websocket-wire.ts';

/** Silence (our pings are answered by the other end) before a connection counts as dead, seconds. */
const IDLE_SECONDS_MAX = 120;
/** The reason that uWebSockets.js reports to the pool for a message over maxPayloadLength; the code is 1006. */
const TOO_BIG = 'Received too big message';
const TICK_MS = 1000;
/** uWebSockets.js closes a connection without a request after 10 s, which it counts in steps of 4 s. */
const ARRIVAL_TICKS_MAX = 12;
/** A masked frame without a payload. */
const FRAME_BYTES_MIN = 6;

interface Connection {
  readonly remoteIp: string;
  readonly guest: Guest;
  /** Undefined if there is no door. */
  readonly visit: Visit | undefined;
  wire: WebSocketWire | undefined;
  handler: WireHandler | undefined;
  /** Pings and pongs in the current second. */
  controls: number;
  controlsTick: number;
}

/** A connection as the door has it, before and after there is a wire. */
class Guest implements Visitor {
  wire: WebSocketWire | undefined;
  /** The door closed it before it became a WebSocket. */
  dismissed = false;

  close(why: string): void {
    this.dismissed = true;
    this.wire?.close(why);
  }

  hold(ms: number): void {
    this.wire?.hold(ms);
  }

  expel(name: string): void {
    this.wire?.expel(name);
  }
}

/**
 * A WebSocket port, at the path `/`: one message per frame, text or binary; the pool sends text. uWebSockets.js reports a
 * connection when it is accepted, and the client's address with the request.
 */
class WebSocketListener implements Listener {
  readonly counters = newCounters();
  readonly #options: ListenOptions;
  readonly #modules: ListenModules;
  readonly #context: WebSocketContext;
  readonly #app = App();
  readonly #wires = new Set<WebSocketWire>();
  readonly #arrivals = new Arrivals<Guest>(ARRIVAL_TICKS_MAX);
  readonly #ticker: NodeJS.Timeout;
  #tick = 0;
  /** Undefined until the address is bound. */
  #listening: UwsListening | undefined;
  /** Called when the last connection is gone. */
  #emptied = (): void => {};
  #closed: Promise<void> | undefined;

  constructor(options: ListenOptions, modules: ListenModules) {
    this.#options = options;
    this.#modules = modules;
    this.#context = {
      flusher: new Flusher(),
      framing: modules.framing ?? lines,
      counters: this.counters,
      turns: modules.turns ?? new Turns(),
      waiting: modules.waiting ?? new WaitingBytes(limits.waitingBytesMax),
    };
    this.#ticker = setInterval(() => {
      this.#tick += 1;
      this.#arrivals.tick();
    }, TICK_MS);
    this.#app.filter((res, count) => (Number(count) > 0 ? this.#arrive(res) : this.#arrivals.closed()));
    this.#serveSockets();
    this.#app.any('/*', (res) => {
      const remoteIp = clientOf(res, options);
      // A browser that opens this port by plain HTTP is no misconduct.
      if (remoteIp !== undefined) this.#arrivals.take(remoteIp)?.visit.leave('unwanted');
      refuse(res, '426 Upgrade Required');
    });
  }

  get address(): Listener['address'] {
    const { host, port } = this.#options;
    return { host, port: this.#listening?.port ?? port };
  }

  get connections(): number {
    return this.#wires.size;
  }

  /** Rejects if the address can not be bound. */
  async bind(): Promise<void> {
    const { host, port, shared } = this.#options;
    try {
      this.#listening = await listenUws(this.#app, host, port, shared);
    } catch (error) {
      clearInterval(this.#ticker);
      throw error;
    }
  }

  stopAccepting(): void {
    this.#listening?.stop();
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  async #closeAll(): Promise<void> {
    this.stopAccepting();
    clearInterval(this.#ticker);
    for (const wire of this.#wires) wire.close();
    // A peer that does not take its last messages is cut off.
    const patience = setTimeout(() => this.#app.close(), this.#options.closeMsMax ?? limits.closeMsMax);
    await new Promise<void>((resolve) => {
      this.#emptied = resolve;
      if (this.#wires.size === 0) resolve();
    });
    clearTimeout(patience);
    this.#app.close();
  }

  #serveSockets(): void {
    const { lineBytesMax = limits.lineBytesMax, sendQueueBytesMax = limits.sendQueueBytesMax } = this.#options;
    this.#app.ws<Connection>('/', {
      maxPayloadLength: lineBytesMax,
      maxBackpressure: sendQueueBytesMax,
      idleTimeout: IDLE_SECONDS_MAX,
      sendPingsAutomatically: true,
      upgrade: (res, req, context) => this.#upgrade(res, req, context),
      open: (socket) => this.#opened(socket),
      message: (socket, message) => socket.getUserData().wire?.take(new Uint8Array(message)),
      drain: (socket) => socket.getUserData().wire?.drained(),
      ping: (socket, message) => this.#control(socket, message.byteLength),
      pong: (socket, message) => this.#control(socket, message.byteLength),
      close: (socket, _code, reason) => this.#gone(socket.getUserData(), reason),
    });
  }

  /** A connection was accepted. If the door refuses it, it is closed before its request. */
  #arrive(res: HttpResponse): void {
    const { door } = this.#modules;
    this.#arrivals.opened();
    const remoteIp = canonicalIp(Buffer.from(res.getRemoteAddressAsText()).toString('latin1'));
    // A proxy sends the client's address with the request.
    if (door === undefined || inAnyRange(this.#options.proxies ?? [], remoteIp)) return;
    const guest = new Guest();
    const visit = door.enter(remoteIp, guest);
    if (visit !== undefined) {
      this.#arrivals.add({ guest, visit });
      return;
    }
    this.counters.refused += 1;
    res.close();
  }

  /** The place that a request's connection has at the door; undefined if it is not let in. */
  #placeOf(remoteIp: string): Pick<Connection, 'guest' | 'visit'> | undefined {
    const { door } = this.#modules;
    const guest = new Guest();
    if (door === undefined) return { guest, visit: undefined };
    const arrival = this.#arrivals.take(remoteIp);
    if (arrival?.guest.dismissed === true) {
      arrival.visit.leave('dismissed');
      return undefined;
    }
    if (arrival !== undefined) return arrival;
    const visit = door.enter(remoteIp, guest);
    return visit && { guest, visit };
  }

  #upgrade(res: HttpResponse, req: HttpRequest, context: UpgradeContext): void {
    const remoteIp = clientOf(res, this.#options);
    if (remoteIp === undefined) {
      this.counters.badHandshakes += 1;
      res.close();
      return;
    }
    const place = this.#placeOf(remoteIp);
    if (place === undefined) {
      this.counters.refused += 1;
      res.close();
      return;
    }
    const refusal = this.#refusalOf(req);
    if (refusal !== undefined) {
      this.counters.refused += 1;
      place.visit?.leave('unwanted');
      refuse(res, refusal);
      return;
    }
    this.#arrivals.closed();
    res.upgrade<Connection>(
      { remoteIp, ...place, wire: undefined, handler: undefined, controls: 0, controlsTick: this.#tick },
      req.getHeader('sec-websocket-key'),
      req.getHeader('sec-websocket-protocol'),
      req.getHeader('sec-websocket-extensions'),
      context,
    );
  }

  /** The status with which a request is refused; undefined if it is not. */
  #refusalOf(req: HttpRequest): string | undefined {
    const { connectionsMax = limits.connectionsMax, origins = [] } = this.#options;
    if (this.#wires.size >= connectionsMax) return '503 Service Unavailable';
    return isForeign(req, origins) ? '403 Forbidden' : undefined;
  }

  #opened(socket: WebSocket<Connection>): void {
    const connection = socket.getUserData();
    const wire = new WebSocketWire(socket, connection.remoteIp, connection.visit, this.#context);
    connection.wire = wire;
    connection.guest.wire = wire;
    this.#wires.add(wire);
    connection.handler = this.#modules.accept(wire);
    if (connection.handler === undefined) {
      this.counters.refused += 1;
      connection.visit?.leave('unwanted');
      wire.close(undefined, TRY_AGAIN_LATER);
    } else {
      this.counters.accepted += 1;
      wire.start(connection.handler);
    }
  }

  #gone({ wire, handler, visit }: Connection, reason: ArrayBuffer): void {
    if (Buffer.from(reason).toString('latin1') === TOO_BIG) {
      this.counters.overlong += 1;
      visit?.offend('overlong');
    }
    if (wire?.overflowed === true) visit?.offend('slow-reader');
    visit?.leave(wire?.closing === true ? 'dismissed' : 'went');
    wire?.gone();
    if (wire) this.#wires.delete(wire);
    handler?.onClose();
    if (this.#wires.size === 0) this.#emptied();
  }

  /** Counts a ping or a pong. An honest client sends a few a minute. */
  #control(socket: WebSocket<Connection>, bytes: number): void {
    const connection = socket.getUserData();
    const { visit } = connection;
    if (connection.controlsTick !== this.#tick) {
      connection.controlsTick = this.#tick;
      connection.controls = 0;
    }
    connection.controls += 1;
    visit?.received(0, FRAME_BYTES_MIN + bytes);
    if (connection.controls <= limits.controlFramesPerSecondMax) return;
    visit?.offend('junk');
    // At once, because thousands more pings may be in the bytes already read. The offence may have closed the connection.
    if (connection.wire?.open === true) socket.close();
  }
}

/** Listens for WebSockets. Rejects if the address can not be bound. */
export async function listenWebSocket(options: ListenOptions, modules: ListenModules): Promise<Listener> {
  const listener = new WebSocketListener(options, modules);
  await listener.bind();
  return listener;
}
