import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import type { Clock } from '#base/domain/ports';
import { TokenBucket } from '#base/domain/token-bucket';
import { limits } from '#base/limits';
import type { Fields } from './topic.ts';
import { Topic } from './topic.ts';
import { Watcher, wish } from './watcher.ts';

/** Between two looks at what is watched, ms. */
const TICK_MS = 1_000;
const PING_MS = 30_000;
/** Of what a client sends. */
const MESSAGE_BYTES_MAX = 4 * 1024;
/** RFC 6455: the client does what it may not. */
const POLICY_VIOLATION = 1008;

export interface LiveModules {
  readonly clock: Clock;
  /** What there is to watch under a name; undefined if there is no such thing. */
  readonly topic: (name: string) => (() => Promise<Fields>) | undefined;
}

interface Open {
  readonly socket: WebSocket;
  readonly watcher: Watcher;
  readonly messages: TokenBucket;
  isAlive: boolean;
}

/**
 * The live feed. A client says `{"subscribe": ["pool", "blocks"]}` and gets of each topic a snapshot, then what changes. A topic is
 * asked for once a second, for all who watch it together.
 */
export class Live {
  readonly #modules: LiveModules;
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_BYTES_MAX, perMessageDeflate: false });
  readonly #topics = new Map<string, Topic>();
  readonly #open = new Set<Open>();
  readonly #timers: readonly NodeJS.Timeout[];

  constructor(modules: LiveModules) {
    this.#modules = modules;
    this.#timers = [
      setInterval(() => void this.#tick(), TICK_MS).unref(),
      setInterval(() => this.#ping(), PING_MS).unref(),
    ];
  }

  get watchers(): number {
    return this.#open.size;
  }

  /** Takes over a connection whose request asks for a WebSocket. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#server.handleUpgrade(request, socket, head, (opened) => this.#enter(opened));
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
    for (const { socket } of this.#open) socket.terminate();
    this.#server.close();
  }

  #enter(socket: WebSocket): void {
    const rate = { perSecond: limits.liveMessagesPerSecondMax, burst: limits.liveMessagesPerSecondMax * 4 };
    const channel = {
      get waitingBytes(): number {
        return socket.bufferedAmount;
      },
      send: (message: string) => socket.send(message),
    };
    const messages = new TokenBucket(rate, this.#modules.clock.monotonicMs());
    const open: Open = { socket, watcher: new Watcher(channel), messages, isAlive: true };
    this.#open.add(open);
    socket.on('message', (data: RawData, isBinary: boolean) => this.#hear(open, data, isBinary));
    socket.on('pong', () => {
      open.isAlive = true;
    });
    // A frame that breaks the protocol closes the connection; that is all there is to do.
    socket.on('error', () => {});
    socket.once('close', () => {
      open.watcher.forgetAll();
      this.#open.delete(open);
    });
  }

  #hear(open: Open, data: RawData, isBinary: boolean): void {
    const { socket, watcher, messages } = open;
    if (isBinary || !messages.take(1, this.#modules.clock.monotonicMs())) {
      socket.close(POLICY_VIOLATION, 'too many messages, or none that can be read');
      return;
    }
    const read = wish.safeParse(jsonOf(data));
    if (!read.success) {
      say(socket, { error: 'send {"subscribe": ["pool"]}' });
      return;
    }
    if ('unsubscribe' in read.data) {
      for (const name of read.data.unsubscribe) {
        const topic = this.#topics.get(name);
        if (topic !== undefined) watcher.forget(topic);
      }
      return;
    }
    for (const name of read.data.subscribe) this.#subscribe(open, name);
  }

  #subscribe({ socket, watcher }: Open, name: string): void {
    const topic = this.#topicOf(name);
    if (topic === undefined) say(socket, { error: 'there is no such topic', topic: name.slice(0, 100) });
    else if (topic === 'full' || watcher.topics >= limits.liveTopicsPerWatcherMax) {
      say(socket, { error: 'too many topics are watched', topic: name });
    } else if (watcher.watch(topic)) void topic.refresh().then(() => watcher.push());
  }

  #topicOf(name: string): Topic | 'full' | undefined {
    const known = this.#topics.get(name);
    if (known !== undefined) return known;
    const ask = this.#modules.topic(name);
    if (ask === undefined) return undefined;
    // The few topics that are not of one miner always have room.
    const miners = [...this.#topics.keys()].filter(isOfMiner).length;
    if (isOfMiner(name) && miners >= limits.liveMinersMax) return 'full';
    const topic = new Topic(name, ask);
    this.#topics.set(name, topic);
    return topic;
  }

  async #tick(): Promise<void> {
    for (const [name, topic] of this.#topics) if (topic.watchers === 0) this.#topics.delete(name);
    await Promise.all([...this.#topics.values()].map((topic) => topic.refresh()));
    for (const { watcher } of this.#open) watcher.push();
  }

  #ping(): void {
    for (const open of this.#open) {
      if (!open.isAlive) open.socket.terminate();
      open.isAlive = false;
      open.socket.ping();
    }
  }
}

function isOfMiner(name: string): boolean {
  return name.includes(':');
}

function say(socket: WebSocket, message: object): void {
  // Whoever reads no answers gets none.
  if (socket.bufferedAmount === 0) socket.send(JSON.stringify(message));
}

function jsonOf(data: RawData): unknown {
  try {
    return JSON.parse(data.toString());
  } catch {
    return undefined;
  }
}
