import { createServer, type Socket } from 'node:net';
import type { Wire, WireHandler } from '../domain/ports.ts';
import { limits } from '../limits.ts';
import { Flusher } from './flusher.ts';
import { LineFramer } from './framer.ts';
import {
  canonicalIp,
  type Listener,
  type ListenerCounters,
  type ListenModules,
  type ListenOptions,
  newCounters,
} from './listener.ts';

/** Connections that the kernel keeps for us: a farm that reconnects comes all at once. The system's somaxconn cuts it. */
const BACKLOG = 4096;
/** Silence before TCP asks whether the other end is still there, ms. */
const KEEPALIVE_MS = 60_000;

/** What all connections of one listener share. */
interface TcpContext {
  readonly flusher: Flusher;
  readonly counters: ListenerCounters;
  readonly lineBytesMax: number;
  readonly sendQueueBytesMax: number;
  readonly closeMsMax: number;
}

/** Stratum over TCP: one JSON message per line. Rejects where the address can not be bound. */
export async function listenTcp(options: ListenOptions, modules: ListenModules): Promise<Listener> {
  const counters = newCounters();
  const context: TcpContext = {
    flusher: new Flusher(),
    counters,
    lineBytesMax: options.lineBytesMax ?? limits.lineBytesMax,
    sendQueueBytesMax: options.sendQueueBytesMax ?? limits.sendQueueBytesMax,
    closeMsMax: options.closeMsMax ?? limits.closeMsMax,
  };
  const wires = new Set<TcpWire>();
  const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEPALIVE_MS }, (socket) => {
    const { remoteAddress } = socket;
    // Gone already, between the kernel's accept and ours.
    if (remoteAddress === undefined) {
      socket.destroy();
      return;
    }
    const wire = new TcpWire(socket, canonicalIp(remoteAddress), context);
    const handler = modules.accept(wire);
    if (handler === undefined) {
      counters.refused += 1;
      wire.close();
      return;
    }
    counters.accepted += 1;
    wires.add(wire);
    wire.start(handler, () => wires.delete(wire));
  });
  server.maxConnections = options.connectionsMax ?? limits.connectionsMax;
  server.on('drop', () => {
    counters.refused += 1;
  });

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: options.host, port: options.port, backlog: BACKLOG }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  // After the start an accept can fail (no file descriptors left): that connection is lost and nothing else.
  server.on('error', (error) => modules.logger.warn({ err: error }, 'tcp listener'));
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : options.port;

  let closed: Promise<void> | undefined;
  let accepting = true;
  const stopAccepting = (): void => {
    if (!accepting) return;
    accepting = false;
    closed = new Promise((resolve) => server.close(() => resolve()));
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
      await closed;
    },
  };
}

function ignore(): void {}

class TcpWire implements Wire {
  readonly transport = 'tcp';
  readonly remoteIp: string;
  readonly #socket: Socket;
  readonly #context: TcpContext;
  /** Lines of this tick. */
  #queued = '';
  #marked = false;
  #closing = false;

  constructor(socket: Socket, remoteIp: string, context: TcpContext) {
    this.#socket = socket;
    this.remoteIp = remoteIp;
    this.#context = context;
    // A reset, a broken pipe: 'close' follows, which is all that anybody needs to know.
    socket.on('error', ignore);
  }

  start(handler: WireHandler, onClose: () => void): void {
    const framer = new LineFramer(this.#context.lineBytesMax, (line) => {
      handler.onMessage(line);
      return !this.#closing;
    });
    this.#socket.on('data', (chunk) => {
      if (this.#closing || framer.push(chunk) === 'ok') return;
      this.#context.counters.overlong += 1;
      this.close();
    });
    this.#socket.once('close', () => {
      this.#closing = true;
      onClose();
      handler.onClose();
    });
  }

  send(message: string | Uint8Array): void {
    if (this.#closing) return;
    const text = typeof message === 'string' ? message : Buffer.from(message).toString('utf8');
    this.#queued += `${text}\n`;
    this.#mark();
  }

  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#mark();
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
        this.#closing = true;
        socket.destroy();
        return;
      }
    }
    if (this.#closing) {
      socket.setTimeout(this.#context.closeMsMax, () => socket.destroy());
      socket.destroySoon();
    }
  }
}
