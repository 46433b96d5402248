import { toDisplayHash, toHex } from '#base/bitcoin/bytes';
import { BoundedMap } from '#base/domain/bounded-map';
import type { Logger, NodeWatch } from '#base/domain/ports';
import { type Subscription, subscribeBlocks } from './zmq.ts';

export interface BlockSignalsModules {
  readonly logger: Logger;
  readonly pause: (ms: number) => Promise<void>;
  /** A node signals a block: the new tip's hash, internal order. */
  readonly onBlock: (hash: Uint8Array) => void;
}

/** An endpoint may take so long to connect, and a signal may come so long after polling has found its block. */
const GRACE_MS = 2000;
/** Signalled hashes that are remembered: a node that catches up signals many blocks at once. */
const SIGNALLED_MAX = 256;

/**
 * The nodes' ZeroMQ endpoints. ZeroMQ reports no error for an endpoint that does not exist, or that publishes something else.
 * This class logs which endpoints are not connected, and that a block came without a signal. Polling finds those blocks.
 */
export class BlockSignals {
  readonly #addresses: readonly string[];
  readonly #modules: BlockSignalsModules;
  readonly #subscriptions: Subscription[] = [];
  readonly #connected = new Set<string>();
  readonly #signalled = new BoundedMap<true>(SIGNALLED_MAX);
  #missed = 0;
  #missing = false;
  /** Whether signals can be expected: the block of the first template may be older than the subscriptions. */
  #expecting = false;
  #closed = false;

  constructor(addresses: readonly string[], modules: BlockSignalsModules) {
    this.#addresses = addresses;
    this.#modules = modules;
  }

  get counts(): Pick<NodeWatch, 'signalsConfigured' | 'signalsConnected' | 'signalsMissed'> {
    return {
      signalsConfigured: this.#addresses.length,
      signalsConnected: this.#connected.size,
      signalsMissed: this.#missed,
    };
  }

  /** Subscribes to every endpoint, and reports those that are not connected after the grace. */
  async open(): Promise<void> {
    if (this.#addresses.length === 0) return;
    for (const address of this.#addresses) {
      const subscription = await subscribeBlocks(address, {
        logger: this.#modules.logger,
        onBlock: (hash) => this.#heard(hash),
        onState: (connected) => this.#turned(address, connected),
      });
      if (subscription === undefined) return;
      if (this.#closed) subscription.close();
      else this.#subscriptions.push(subscription);
    }
    await this.#modules.pause(GRACE_MS);
    for (const address of this.#addresses) if (!this.#connected.has(address)) this.#report(address);
  }

  /** A template builds on this block (internal order): its signal has come or will come, unless it is the first one. */
  expect(hash: Uint8Array): void {
    const isFirst = !this.#expecting;
    this.#expecting = this.#subscriptions.length > 0;
    if (isFirst) {
      // Later templates on the same block are no news either.
      this.#signalled.set(toHex(hash), true);
      return;
    }
    void this.#modules.pause(GRACE_MS).then(() => this.#judge(hash));
  }

  close(): void {
    this.#closed = true;
    for (const subscription of this.#subscriptions.splice(0)) subscription.close();
  }

  #heard(hash: Uint8Array): void {
    this.#signalled.set(toHex(hash), true);
    if (this.#missing) this.#modules.logger.info({ hash: toDisplayHash(hash) }, 'ZeroMQ signals blocks again');
    this.#missing = false;
    this.#modules.onBlock(hash);
  }

  #judge(hash: Uint8Array): void {
    if (this.#closed || this.#signalled.has(toHex(hash))) return;
    this.#missed += 1;
    if (this.#missing) return;
    this.#missing = true;
    const fields = { hash: toDisplayHash(hash), zmq: this.#addresses };
    this.#modules.logger.warn(fields, 'polling found a block that ZeroMQ did not signal: check zmqpubhashblock');
  }

  #turned(address: string, connected: boolean): void {
    if (connected) {
      this.#connected.add(address);
      this.#modules.logger.info({ zmq: address }, 'ZeroMQ is connected');
    } else if (this.#connected.delete(address)) this.#report(address);
  }

  #report(address: string): void {
    if (this.#closed) return;
    this.#modules.logger.warn({ zmq: address }, 'ZeroMQ is not connected: new blocks are found by polling only');
  }
}
