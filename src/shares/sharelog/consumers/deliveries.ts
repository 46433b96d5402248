import type { LogHold } from '#base/domain/ports';

type Listener = (consumer: string, seq: number) => void;

/**
 * The progress of the consumers in each journal. A process that opens a journal adds a listener, which is called at once with
 * earlier deliveries, because a consumer may be faster than the writer.
 */
export class Deliveries implements LogHold {
  /** By journal: the last batch that each consumer has for good. */
  readonly #seqs = new Map<string, Map<string, number>>();
  readonly #listeners = new Map<string, Listener>();
  #holds = 0;

  /**
   * From now on nobody is told of deliveries, so every journal keeps the batches that it has. The function that this returns
   * ends that, and tells of all deliveries that came meanwhile; calling it twice is the same as calling it once.
   */
  hold(): () => void {
    this.#holds += 1;
    let isHeld = true;
    return () => {
      if (isHeld) this.#release();
      isHeld = false;
    };
  }

  /** All batches of a journal up to and including `seq` are with that consumer for good. */
  delivered(consumer: string, journal: string, seq: number): void {
    const seqs = this.#seqs.get(journal) ?? new Map<string, number>();
    this.#seqs.set(journal, seqs.set(consumer, seq));
    if (this.#holds === 0) this.#listeners.get(journal)?.(consumer, seq);
  }

  /** Replaces the earlier listener. */
  listen(journal: string, listener: Listener): void {
    this.#listeners.set(journal, listener);
    if (this.#holds === 0) this.#tell(journal);
  }

  /** The journal was removed; a later journal of the same name is a new one. */
  forget(journal: string): void {
    this.#seqs.delete(journal);
    this.#listeners.delete(journal);
  }

  #release(): void {
    this.#holds -= 1;
    if (this.#holds > 0) return;
    for (const journal of [...this.#seqs.keys()]) this.#tell(journal);
  }

  #tell(journal: string): void {
    const listener = this.#listeners.get(journal);
    for (const [consumer, seq] of this.#seqs.get(journal) ?? []) listener?.(consumer, seq);
  }
}
