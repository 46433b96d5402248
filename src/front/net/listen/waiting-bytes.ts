/** A connection with bytes that wait in memory: to be handled, or to be written. */
export interface Holder {
  /** Bytes that wait now. */
  readonly waitingBytes: number;
  /** Closes the connection and lets go of what waits: `waitingBytes` is 0 from then on. */
  drop(): void;
}

/** Less than this is not noted of a connection, bytes. */
export const NOTED_BYTES_MIN = 1024;

/** The part of the bound to which closing reduces the sum, so that the costly closing is not repeated for each further byte. */
const LEFT = 0.75;

/**
 * Bounds the sum of what waits in memory for all connections of a process. If the sum passes the bound, the connections with the most
 * are closed.
 */
export class WaitingBytes {
  readonly #bytesMax: number;
  /** As they were noted last. */
  readonly #bytesOf = new Map<Holder, number>();
  #sum = 0;
  #shrinking = false;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** At least what waits, since what was written meanwhile may not have been noted. */
  get sum(): number {
    return this.#sum;
  }

  /** Connections for which something waits. */
  get holders(): number {
    return this.#bytesOf.size;
  }

  /** Notes what waits for a connection now. To be called after each increase, and with 0 bytes when the connection is gone. */
  note(holder: Holder, bytes: number): void {
    this.#sum += bytes - (this.#bytesOf.get(holder) ?? 0);
    if (bytes > 0) this.#bytesOf.set(holder, bytes);
    else this.#bytesOf.delete(holder);
    // A connection that is closed notes that as well.
    if (this.#sum > this.#bytesMax && !this.#shrinking) this.#shrink();
  }

  #shrink(): void {
    for (const holder of [...this.#bytesOf.keys()]) this.#refresh(holder);
    if (this.#sum <= this.#bytesMax) return;
    this.#shrinking = true;
    const largest = [...this.#bytesOf].sort(([, a], [, b]) => b - a);
    try {
      for (const [holder] of largest) {
        if (this.#sum <= this.#bytesMax * LEFT) break;
        holder.drop();
        this.#refresh(holder);
      }
    } finally {
      this.#shrinking = false;
    }
  }

  #refresh(holder: Holder): void {
    const bytes = holder.waitingBytes;
    this.#sum += bytes - (this.#bytesOf.get(holder) ?? 0);
    if (bytes > 0) this.#bytesOf.set(holder, bytes);
    else this.#bytesOf.delete(holder);
  }
}
