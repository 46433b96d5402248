import { canonicalIp, formatIp, inAnyRange, parseIp } from '#base/domain/ip';
import type { WireHandler } from '#base/domain/ports';
import { limits } from '#base/limits';
import { App, type HttpRequest, type HttpResponse, listenUws, type WebSocket } from '#base/uws';
import { Arrivals } from '../door/arrivals.ts';
import type { Visit, Visitor } from '../door/visit.ts';
import { Flusher } from './flusher.ts';
import { type Listener, type ListenModules, type ListenOptions, newCounters } from './listener.ts';
import { Turns } from './turns.ts';
import { WaitingBytes } from './waiting-bytes.ts';
import { TRY_AGAIN_LATER, type WebSocketContext, WebSocketWire } from './websocket-wire.ts';

/** Silence (our pings are answered by the other end) before a connection counts as dead, seconds. */
const IDLE_SECONDS_MAX = 120;
/** The reason that uWebSockets.js gives, to us alone, for a message over maxPayloadLength; the code is 1006 as for any cut. */
const TOO_BIG = 'Received too big message';
const TICK_MS = 1000;
/** uWebSockets.js closes a connection without a request after 10 s, which it counts in steps of 4 s. */
const ARRIVAL_TICKS_MAX = 12;
/** A masked frame without a payload. */
const FRAME_BYTES_MIN = 6;

interface Connection {
  readonly remoteIp: string;
  readonly guest: Guest;
  /** Undefined where there is no door. */
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
  /** It was shown out before it was a WebSocket. */
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
 * Stratum over WebSocket, at the path `/`: one JSON message per frame, text or binary; the pool's are text. Rejects
 * where the address can not be bound.
 */
export async function listenWebSocket(options: ListenOptions, modules: ListenModules): Promise<Listener> {
  const counters = newCounters();
  const connectionsMax = options.connectionsMax ?? limits.connectionsMax;
  const context: WebSocketContext = {
    flusher: new Flusher(),
    counters,
    turns: modules.turns ?? new Turns(),
    waiting: modules.waiting ?? new WaitingBytes(limits.waitingBytesMax),
  };
  const wires = new Set<WebSocketWire>();
  const arrivals = new Arrivals<Guest>(ARRIVAL_TICKS_MAX);
  let tick = 0;
  const ticker = setInterval(() => {
    tick += 1;
    arrivals.tick();
  }, TICK_MS);
  let emptied: (() => void) | undefined;
  const app = App();

  app.filter((res, count) => (Number(count) > 0 ? arrive(res) : arrivals.closed()));

  /** A connection was accepted: whom the door refuses is closed before it says anything. */
  function arrive(res: HttpResponse): void {
    arrivals.opened();
    const remoteIp = canonicalIp(Buffer.from(res.getRemoteAddressAsText()).toString('latin1'));
    // A proxy says with the request whom it speaks for.
    if (modules.door === undefined || inAnyRange(options.proxies ?? [], remoteIp)) return;
    const guest = new Guest();
    const visit = modules.door.enter(remoteIp, guest);
    if (visit !== undefined) {
      arrivals.add({ guest, visit });
      return;
    }
    counters.refused += 1;
    res.close();
  }

  /** The place that a request's connection has at the door; undefined if it is not let in. */
  function placeOf(remoteIp: string): Pick<Connection, 'guest' | 'visit'> | undefined {
    const guest = new Guest();
    if (modules.door === undefined) return { guest, visit: undefined };
    const arrival = arrivals.take(remoteIp);
    if (arrival?.guest.dismissed === true) {
      arrival.visit.leave('dismissed');
      return undefined;
    }
    if (arrival !== undefined) return arrival;
    const visit = modules.door.enter(remoteIp, guest);
    return visit && { guest, visit };
  }

  /** Counts a ping or a pong. An honest client sends a few a minute. */
  function control(socket: WebSocket<Connection>, bytes: number): void {
    const connection = socket.getUserData();
    const { visit } = connection;
    if (connection.controlsTick !== tick) {
      connection.controlsTick = tick;
      connection.controls = 0;
    }
    connection.controls += 1;
    visit?.received(0, FRAME_BYTES_MIN + bytes);
    if (connection.controls <= limits.controlFramesPerSecondMax) return;
    visit?.offend('junk');
    // At once: thousands more of them may be in what was read already. The offence may have closed it.
    if (connection.wire?.open === true) socket.close();
  }

  app.ws<Connection>('/', {
    maxPayloadLength: options.lineBytesMax ?? limits.lineBytesMax,
    maxBackpressure: options.sendQueueBytesMax ?? limits.sendQueueBytesMax,
    idleTimeout: IDLE_SECONDS_MAX,
    sendPingsAutomatically: true,
    upgrade(res, req, context) {
      const remoteIp = clientOf(res, options);
      if (remoteIp === undefined) {
        counters.badHandshakes += 1;
        res.close();
        return;
      }
      const place = placeOf(remoteIp);
      if (place === undefined) {
        counters.refused += 1;
        res.close();
        return;
      }
      const refusal =
        wires.size >= connectionsMax
          ? '503 Service Unavailable'
          : isForeign(req, options.origins ?? [])
            ? '403 Forbidden'
            : undefined;
      if (refusal !== undefined) {
        counters.refused += 1;
        place.visit?.leave('unwanted');
        refuse(res, refusal);
        return;
      }
      arrivals.closed();
      res.upgrade<Connection>(
        { remoteIp, ...place, wire: undefined, handler: undefined, controls: 0, controlsTick: tick },
        req.getHeader('sec-websocket-key'),
        req.getHeader('sec-websocket-protocol'),
        req.getHeader('sec-websocket-extensions'),
        context,
      );
    },
    open(socket) {
      const connection = socket.getUserData();
      const wire = new WebSocketWire(socket, connection.remoteIp, connection.visit, context);
      connection.wire = wire;
      connection.guest.wire = wire;
      wires.add(wire);
      connection.handler = modules.accept(wire);
      if (connection.handler === undefined) {
        counters.refused += 1;
        connection.visit?.leave('unwanted');
        wire.close(undefined, TRY_AGAIN_LATER);
      } else {
        counters.accepted += 1;
        wire.start(connection.handler);
      }
    },
    message(socket, message) {
      socket.getUserData().wire?.take(new Uint8Array(message));
    },
    drain: (socket) => socket.getUserData().wire?.drained(),
    ping: (socket, message) => control(socket, message.byteLength),
    pong: (socket, message) => control(socket, message.byteLength),
    close(socket, _code, reason) {
      const { wire, handler, visit } = socket.getUserData();
      if (Buffer.from(reason).toString('latin1') === TOO_BIG) {
        counters.overlong += 1;
        visit?.offend('overlong');
      }
      if (wire?.overflowed === true) visit?.offend('slow-reader');
      visit?.leave(wire?.closing === true ? 'dismissed' : 'went');
      wire?.gone();
      if (wire) wires.delete(wire);
      handler?.onClose();
      if (wires.size === 0) emptied?.();
    },
  });
  app.any('/*', (res) => {
    const remoteIp = clientOf(res, options);
    // A browser that looks what is here has done nothing wrong.
    if (remoteIp !== undefined) arrivals.take(remoteIp)?.visit.leave('unwanted');
    refuse(res, '426 Upgrade Required');
  });

  const listening = await listenUws(app, options.host, options.port, options.shared).catch((error: unknown) => {
    clearInterval(ticker);
    throw error;
  });
  let closed: Promise<void> | undefined;
  const closeAll = async (): Promise<void> => {
    listening.stop();
    clearInterval(ticker);
    for (const wire of wires) wire.close();
    // A peer that does not take its last messages is cut off.
    const patience = setTimeout(() => app.close(), options.closeMsMax ?? limits.closeMsMax);
    await new Promise<void>((resolve) => {
      emptied = resolve;
      if (wires.size === 0) resolve();
    });
    clearTimeout(patience);
    app.close();
  };
  return {
    address: { host: options.host, port: listening.port },
    counters,
    get connections() {
      return wires.size;
    },
    stopAccepting: () => listening.stop(),
    close() {
      closed ??= closeAll();
      return closed;
    },
  };
}

/**
 * Refuses a request and closes its connection. Answered in a later turn: until then uWebSockets.js ends a connection that has
 * another request, while one that follows an answer within the same read would be served. Behind a proxy that one could
 * bring a PROXY header of its own.
 */
function refuse(res: HttpResponse, status: string): void {
  let gone = false;
  res.onAborted(() => {
    gone = true;
  });
  setImmediate(() => {
    if (gone) return;
    res.cork(() => {
      res.writeStatus(status);
      if (status.startsWith('426')) res.writeHeader('Upgrade', 'websocket');
      res.end('Stratum over WebSocket\n', true);
    });
  });
}

/** True for a request that a page of another site has a browser make: only browsers say where they come from (RFC 6454). */
function isForeign(req: HttpRequest, origins: readonly string[]): boolean {
  const origin = req.getHeader('origin').toLowerCase();
  return origin !== '' && !origins.includes('*') && !origins.includes(origin);
}

/** Whom a connection is from; undefined where a proxy does not say. Proxies must send a PROXY header of version 2. */
function clientOf(res: HttpResponse, { proxies }: ListenOptions): string | undefined {
  const remoteIp = canonicalIp(Buffer.from(res.getRemoteAddressAsText()).toString('latin1'));
  if (proxies === undefined || !inAnyRange(proxies, remoteIp)) return remoteIp;
  const announced = parseIp(Buffer.from(res.getProxiedRemoteAddressAsText()).toString('latin1'));
  return announced && formatIp(announced);
}
