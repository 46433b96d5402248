import { createServer, type Socket } from 'node:net';
import { canonicalIp, inAnyRange } from '#base/domain/ip';
import { limits } from '#base/limits';
import type { Visit, Visitor } from '../door/visit.ts';
import { Flusher } from './flusher.ts';
import { type Listener, type ListenModules, type ListenOptions, newCounters } from './listener.ts';
import { readPreamble } from './preamble.ts';
import type { StreamContext, StreamWire } from './stream-wire.ts';
import { Turns } from './turns.ts';
import { WaitingBytes } from './waiting-bytes.ts';

/** Connections that the kernel keeps for us: a farm that reconnects comes all at once. The system's somaxconn cuts it. */
const BACKLOG = 4096;
/** Silence before TCP asks whether the other end is still there, ms. */
const KEEPALIVE_MS = 60_000;

/** What a listener does with its connections. */
export interface StreamServer {
  readonly context: StreamContext;
  /** Asks the door; where it says no, the connection is gone. `visit` is undefined where there is no door. */
  admit(socket: Socket, remoteIp: string, visitor: Visitor): { readonly visit: Visit | undefined } | undefined;
  /** A connection that is no wire yet: `close` ends it. */
  await(socket: Socket): void;
  /** Goes on with an admitted connection, at once or, if its address has misbehaved, after a while. */
  whenDue(socket: Socket, visit: Visit | undefined, next: () => void): void;
  /** Begins a session. `socket` is the connection's own, below TLS. */
  serve(wire: StreamWire, socket: Socket, visit: Visit | undefined): void;
  /**
   * The handshake failed, its time was over, the client went, or said that it does not want to go on, as it may: the connection is
   * closed.
   */
  fail(socket: Socket, visit: Visit | undefined, how: 'failed' | 'late' | 'went' | 'declined'): void;
}

/** Takes a connection, whose client is known, when its handshake must be over by `performance.now`. */
export type Welcome = (socket: Socket, remoteIp: string, handshakeEndsMs: number, server: StreamServer) => void;

function ignore(): void {}

/**
 * Listens on a TCP port: takes connections and reads what proxies announce. Rejects where the address can not be bound.
 */
export async function listenStream(
  options: ListenOptions,
  modules: ListenModules,
  welcome: Welcome,
): Promise<Listener> {
  const counters = newCounters();
  const handshakeMsMax = options.handshakeMsMax ?? limits.handshakeMsMax;
  const context: StreamContext = {
    flusher: new Flusher(),
    counters,
    turns: modules.turns ?? new Turns(),
    waiting: modules.waiting ?? new WaitingBytes(limits.waitingBytesMax),
    lineBytesMax: options.lineBytesMax ?? limits.lineBytesMax,
    sendQueueBytesMax: options.sendQueueBytesMax ?? limits.sendQueueBytesMax,
    closeMsMax: options.closeMsMax ?? limits.closeMsMax,
    halfOpenMsMax: options.halfOpenMsMax ?? limits.halfOpenMsMax,
  };
  const wires = new Set<StreamWire>();
  /** Connections that are no wire yet. */
  const strangers = new Set<Socket>();

  const server: StreamServer = {
    context,
    admit(socket, remoteIp, visitor) {
      const visit = modules.door?.enter(remoteIp, visitor);
      if (modules.door === undefined || visit !== undefined) return { visit };
      counters.refused += 1;
      strangers.delete(socket);
      // A reset leaves nothing behind in the system's tables.
      socket.resetAndDestroy();
      return undefined;
    },
    await(socket) {
      strangers.add(socket);
      socket.on('error', ignore);
    },
    whenDue(socket, visit, next) {
      if (visit === undefined || visit.slowedMs === 0) {
        next();
        return;
      }
      server.await(socket);
      const gone = (): void => {
        clearTimeout(timer);
        strangers.delete(socket);
        visit.leave('went');
      };
      const timer = setTimeout(() => {
        socket.off('close', gone);
        next();
      }, visit.slowedMs);
      socket.once('close', gone);
    },
    serve(wire, socket, visit) {
      strangers.delete(socket);
      const handler = modules.accept(wire);
      if (handler === undefined) {
        counters.refused += 1;
        visit?.leave('unwanted');
        wire.close();
        return;
      }
      counters.accepted += 1;
      wires.add(wire);
      wire.start(handler, visit, () => wires.delete(wire));
    },
    fail(socket, visit, how) {
      counters.badHandshakes += 1;
      // A health check connects and goes; that is no attempt at a handshake.
      const tried = socket.bytesRead > 0;
      if (tried && how !== 'declined') visit?.offend(how === 'went' ? 'hung-up' : 'bad-handshake');
      visit?.leave(tried ? 'unwanted' : how === 'late' ? 'dismissed' : 'went');
      strangers.delete(socket);
      socket.destroy();
    },
  };

  // A client that ends its half of the connection after a submit still waits for the reply.
  const keepAlive = { keepAlive: true, keepAliveInitialDelay: KEEPALIVE_MS };
  const listening = createServer({ noDelay: true, allowHalfOpen: true, ...keepAlive }, (socket) => {
    const { remoteAddress } = socket;
    // Gone already, between the kernel's accept and ours.
    if (remoteAddress === undefined) {
      socket.destroy();
      return;
    }
    const remoteIp = canonicalIp(remoteAddress);
    const endsMs = performance.now() + handshakeMsMax;
    if (options.proxies === undefined || !inAnyRange(options.proxies, remoteIp)) {
      welcome(socket, remoteIp, endsMs, server);
      return;
    }
    server.await(socket);
    readPreamble(socket, handshakeMsMax, (result) => {
      if ('fault' in result) server.fail(socket, undefined, 'failed');
      else welcome(socket, result.source ?? remoteIp, endsMs, server);
    });
  });
  listening.maxConnections = options.connectionsMax ?? limits.connectionsMax;
  listening.on('drop', () => {
    counters.refused += 1;
    modules.door?.full();
  });

  await new Promise<void>((resolve, reject) => {
    listening.once('error', reject);
    listening.listen({ host: options.host, port: options.port, backlog: BACKLOG }, () => {
      listening.off('error', reject);
      resolve();
    });
  });
  // After the start an accept can fail (no file descriptors left): that connection is lost and nothing else.
  listening.on('error', (error) => modules.logger.warn({ err: error }, 'tcp listener'));
  const bound = listening.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : options.port;

  let closed: Promise<void> | undefined;
  let accepting = true;
  const stopAccepting = (): void => {
    if (!accepting) return;
    accepting = false;
    closed = new Promise((resolve) => listening.close(() => resolve()));
  };
  return {
    address: { host: options.host, port },
    counters,
    get connections() {
      return wires.size;
    },
    stopAccepting,
    async close() {
      stopAccepting();
      for (const wire of wires) wire.close();
      for (const socket of strangers) socket.destroy();
      await closed;
    },
  };
}
