import { z } from 'zod';
import type { Topic } from './topic.ts';

/** What a watcher sends. */
export const wish = z.union([
  z.strictObject({ subscribe: z.array(z.string().max(200)).max(16) }),
  z.strictObject({ unsubscribe: z.array(z.string().max(200)).max(16) }),
]);

/** What carries messages to a watcher. */
export interface Channel {
  /** Bytes that wait to be read. */
  readonly waitingBytes: number;
  send(message: string): void;
}

/**
 * Somebody who watches topics. At most one edition of each topic is on its way to a watcher: one that reads slowly misses what
 * was between, and gets the newest when it has read.
 */
export class Watcher {
  readonly #channel: Channel;
  /** By topic, the edition that was sent; 0 for none. */
  readonly #sent = new Map<Topic, number>();

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  get topics(): number {
    return this.#sent.size;
  }

  /** False if it watches the topic already. */
  watch(topic: Topic): boolean {
    if (this.#sent.has(topic)) return false;
    this.#sent.set(topic, 0);
    topic.watchers += 1;
    return true;
  }

  forget(topic: Topic): void {
    if (this.#sent.delete(topic)) topic.watchers -= 1;
  }

  forgetAll(): void {
    for (const topic of [...this.#sent.keys()]) this.forget(topic);
  }

  /** Sends what is new. Nothing is sent while something waits to be read. */
  push(): void {
    for (const [topic, sent] of this.#sent) {
      const { edition } = topic;
      if (edition === undefined || edition.number === sent) continue;
      if (this.#channel.waitingBytes > 0) return;
      const follows = sent > 0 && sent === edition.number - 1;
      this.#channel.send(follows ? (edition.delta ?? edition.snapshot) : edition.snapshot);
      this.#sent.set(topic, edition.number);
    }
  }
}
