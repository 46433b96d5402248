type Listener = (consumer: string, seq: number) => void;

/**
 * The progress of the consumers in each journal. A process that opens a journal adds a listener, which is called at once with
 * earlier deliveries, because a consumer may be faster than the writer.
 */
export class Deliveries {
  /** By journal: the last batch that each consumer has for good. */
  readonly #seqs = new Map<string, Map<string, number>>();
  readonly #listeners = new Map<string, Listener>();

  /** All batches of a journal up to and including `seq` are with that consumer for good. */
  delivered(consumer: string, journal: string, seq: number): void {
    const seqs = this.#seqs.get(journal) ?? new Map<string, number>();
    this.#seqs.set(journal, seqs.set(consumer, seq));
    this.#listeners.get(journal)?.(consumer, seq);
  }

  /** Replaces the earlier listener. */
  listen(journal: string, listener: Listener): void {
    this.#listeners.set(journal, listener);
    for (const [consumer, seq] of this.#seqs.get(journal) ?? []) listener(consumer, seq);
  }

  /** The journal was removed; a later journal of the same name is a new one. */
  forget(journal: string): void {
    this.#seqs.delete(journal);
    this.#listeners.delete(journal);
  }
}
