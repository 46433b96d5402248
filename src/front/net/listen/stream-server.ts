import { createServer, type Server, type Socket } from 'node:net';
import { canonicalIp, inAnyRange } from '#base/domain/ip';
import { limits } from '#base/limits';
import type { Visit, Visitor } from '../door/visit.ts';
import { Flusher } from './flusher.ts';
import { lines } from './lines.ts';
import { type Listener, type ListenModules, type ListenOptions, newCounters } from './listener.ts';
import { readPreamble } from './preamble.ts';
import type { StreamContext, StreamWire } from './stream-wire.ts';
import { Turns } from './turns.ts';
import { WaitingBytes } from './waiting-bytes.ts';

/** The listen backlog, because a farm reconnects all at once. The system's somaxconn may limit it. */
const BACKLOG = 4096;
/** Silence before TCP sends keepalive probes, ms. */
const KEEPALIVE_MS = 60_000;

/** Takes a connection, whose client is known, when its handshake must be over by `performance.now`. */
export type Welcome = (socket: Socket, remoteIp: string, handshakeEndsMs: number, server: StreamServer) => void;

function ignore(): void {}

/** A TCP port: takes connections, reads what proxies announce, and follows each connection until it is a wire. */
export class StreamServer implements Listener {
  readonly counters = newCounters();
  readonly context: StreamContext;
  readonly #options: ListenOptions;
  readonly #modules: ListenModules;
  readonly #welcome: Welcome;
  readonly #server: Server;
  readonly #wires = new Set<StreamWire>();
  /** Connections that are no wire yet. */
  readonly #strangers = new Set<Socket>();
  #port: number;
  #closed: Promise<void> | undefined;

  constructor(options: ListenOptions, modules: ListenModules, welcome: Welcome) {
    this.#options = options;
    this.#modules = modules;
    this.#welcome = welcome;
    this.#port = options.port;
    this.context = {
      flusher: new Flusher(),
      counters: this.counters,
      framing: modules.framing ?? lines,
      turns: modules.turns ?? new Turns(),
      waiting: modules.waiting ?? new WaitingBytes(limits.waitingBytesMax),
      lineBytesMax: options.lineBytesMax ?? limits.lineBytesMax,
      sendQueueBytesMax: options.sendQueueBytesMax ?? limits.sendQueueBytesMax,
      closeMsMax: options.closeMsMax ?? limits.closeMsMax,
      halfOpenMsMax: options.halfOpenMsMax ?? limits.halfOpenMsMax,
    };
    // A client that ends its half of the connection after a submit still waits for the reply.
    const keepAlive = { keepAlive: true, keepAliveInitialDelay: KEEPALIVE_MS };
    this.#server = createServer({ noDelay: true, allowHalfOpen: true, ...keepAlive }, (socket) => this.#take(socket));
    this.#server.maxConnections = options.connectionsMax ?? limits.connectionsMax;
    this.#server.on('drop', () => {
      this.counters.refused += 1;
      modules.door?.full();
    });
  }

  get address(): Listener['address'] {
    return { host: this.#options.host, port: this.#port };
  }

  get connections(): number {
    return this.#wires.size;
  }

  /** Rejects if the address can not be bound. */
  async bind(): Promise<void> {
    const { host, port } = this.#options;
    const server = this.#server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port, backlog: BACKLOG }, () => {
        server.off('error', reject);
        resolve();
      });
    });
    const bound = server.address();
    if (typeof bound === 'object' && bound !== null) this.#port = bound.port;
    // After the start an accept can fail (no file descriptors left): only that connection is lost.
    server.on('error', (error) => this.#modules.logger.warn({ err: error }, 'tcp listener'));
  }

  stopAccepting(): void {
    this.#closed ??= new Promise((resolve) => this.#server.close(() => resolve()));
  }

  async close(): Promise<void> {
    this.stopAccepting();
    for (const wire of this.#wires) wire.close();
    for (const socket of this.#strangers) socket.destroy();
    await this.#closed;
  }

  /** Asks the door, and resets the connection if the door refuses it. `visit` is undefined if there is no door. */
  admit(socket: Socket, remoteIp: string, visitor: Visitor): { readonly visit: Visit | undefined } | undefined {
    const { door } = this.#modules;
    const visit = door?.enter(remoteIp, visitor);
    if (door === undefined || visit !== undefined) return { visit };
    this.counters.refused += 1;
    this.#strangers.delete(socket);
    // A reset leaves nothing behind in the system's tables.
    socket.resetAndDestroy();
    return undefined;
  }

  /** A connection that is no wire yet: `close` ends it. */
  await(socket: Socket): void {
    this.#strangers.add(socket);
    socket.on('error', ignore);
  }

  /** Goes on with an admitted connection, at once or, if its address has misbehaved, after a while. */
  whenDue(socket: Socket, visit: Visit | undefined, next: () => void): void {
    if (visit === undefined || visit.slowedMs === 0) {
      next();
      return;
    }
    this.await(socket);
    const gone = (): void => {
      clearTimeout(timer);
      this.#strangers.delete(socket);
      visit.leave('went');
    };
    const timer = setTimeout(() => {
      socket.off('close', gone);
      next();
    }, visit.slowedMs);
    socket.once('close', gone);
  }

  /** Begins a session. `socket` is the connection's own, below TLS. */
  serve(wire: StreamWire, socket: Socket, visit: Visit | undefined): void {
    this.#strangers.delete(socket);
    const handler = this.#modules.accept(wire);
    if (handler === undefined) {
      this.counters.refused += 1;
      visit?.leave('unwanted');
      wire.close();
      return;
    }
    this.counters.accepted += 1;
    this.#wires.add(wire);
    wire.start(handler, visit, () => this.#wires.delete(wire));
  }

  /**
   * Closes the connection: the handshake failed or took too long, or the client disconnected or sent an alert.
   */
  fail(socket: Socket, visit: Visit | undefined, how: 'failed' | 'late' | 'went' | 'declined'): void {
    this.counters.badHandshakes += 1;
    // A health check connects and disconnects without a handshake.
    const tried = socket.bytesRead > 0;
    if (tried && how !== 'declined') visit?.offend(how === 'went' ? 'hung-up' : 'bad-handshake');
    visit?.leave(tried ? 'unwanted' : how === 'late' ? 'dismissed' : 'went');
    this.#strangers.delete(socket);
    socket.destroy();
  }

  #take(socket: Socket): void {
    const { remoteAddress } = socket;
    // Gone already, between the kernel's accept and ours.
    if (remoteAddress === undefined) {
      socket.destroy();
      return;
    }
    const { proxies, handshakeMsMax = limits.handshakeMsMax } = this.#options;
    const remoteIp = canonicalIp(remoteAddress);
    const endsMs = performance.now() + handshakeMsMax;
    if (proxies === undefined || !inAnyRange(proxies, remoteIp)) {
      this.#welcome(socket, remoteIp, endsMs, this);
      return;
    }
    this.await(socket);
    readPreamble(socket, handshakeMsMax, (result) => {
      if ('fault' in result) this.fail(socket, undefined, 'failed');
      else this.#welcome(socket, result.source ?? remoteIp, endsMs, this);
    });
  }
}

/** Listens on a TCP port. Rejects if the address can not be bound. */
export async function listenStream(
  options: ListenOptions,
  modules: ListenModules,
  welcome: Welcome,
): Promise<StreamServer> {
  const server = new StreamServer(options, modules, welcome);
  await server.bind();
  return server;
}
