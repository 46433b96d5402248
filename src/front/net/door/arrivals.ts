import type { Visit, Visitor } from './visit.ts';

/** A connection's entry at the door, before and after the WebSocket upgrade. */
export interface Arrival<G extends Visitor> {
  readonly guest: G;
  readonly visit: Visit;
}

/**
 * Accepted connections that have not sent their request yet, by address. uWebSockets.js reports that a connection ended, but not
 * which. So an arrival counts until a request from its address arrives, until all arrivals have ended, or until uWebSockets.js has
 * closed silent connections.
 */
export class Arrivals<G extends Visitor> {
  readonly #ticksMax: number;
  readonly #waiting = new Map<string, { readonly arrival: Arrival<G>; readonly tick: number }[]>();
  /** Open connections without a request, of all addresses. */
  #open = 0;
  #tick = 0;

  constructor(ticksMax: number) {
    this.#ticksMax = ticksMax;
  }

  get open(): number {
    return this.#open;
  }

  /** A connection was accepted. */
  opened(): void {
    this.#open += 1;
  }

  /** A connection that was accepted has ended, or is a WebSocket from now on. */
  closed(): void {
    this.#open -= 1;
    if (this.#open === 0) this.#forget(() => true);
  }

  add(arrival: Arrival<G>): void {
    const { address } = arrival.visit;
    const waiting = this.#waiting.get(address) ?? [];
    waiting.push({ arrival, tick: this.#tick });
    this.#waiting.set(address, waiting);
  }

  /** A connection of this address has sent its request: it takes over one arrival of the address. */
  take(address: string): Arrival<G> | undefined {
    const waiting = this.#waiting.get(address);
    const taken = waiting?.shift()?.arrival;
    if (waiting?.length === 0) this.#waiting.delete(address);
    return taken;
  }

  /** Time passes. */
  tick(): void {
    this.#tick += 1;
    this.#forget(({ tick }) => this.#tick - tick > this.#ticksMax);
  }

  #forget(isOver: (waiting: { readonly tick: number }) => boolean): void {
    for (const [address, waiting] of this.#waiting) {
      while (waiting[0] !== undefined && isOver(waiting[0])) waiting.shift()?.arrival.visit.leave('went');
      if (waiting.length === 0) this.#waiting.delete(address);
    }
  }
}
