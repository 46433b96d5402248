import type { LogReader } from '#shares/sharelog/consumers/log-reader';
import type { Position, ShipState } from './ship-state.ts';

/** Heads that one look takes. */
const LOOK = { rowsMax: 2_000, bytesMax: 1024 * 1024 };

/**
 * How far each journal has been delivered. A position belongs to a life, and a journal's batches are of one life after
 * another: where a copy of the folder has gone on by itself, numbers come again that another life had delivered. What is
 * delivered are always the first of a journal's batches.
 */
export class Progress {
  readonly #state: ShipState;
  readonly #known = new Map<string, Position>();

  constructor(state: ShipState) {
    this.#state = state;
  }

  /** The last batch of the journal that is in, and the rows up to it. */
  of(reader: LogReader): Position {
    const known = this.#known.get(reader.logId);
    if (known !== undefined) return known;
    const position = this.#find(reader);
    this.#known.set(reader.logId, position);
    return position;
  }

  /** All batches up to this one are in. */
  reached(logId: string, { seq, rowsTotal }: Position): void {
    this.#known.set(logId, { seq, rowsTotal });
  }

  /** The positions have changed. */
  clear(): void {
    this.#known.clear();
  }

  /** Looks through the delivered batches that the log still has: no more than its last files. */
  #find(reader: LogReader): Position {
    let position: Position | undefined;
    for (;;) {
      const heads = reader.heads(position?.seq ?? 0, LOOK);
      if (heads.length === 0) return position ?? this.#before(reader, Number.POSITIVE_INFINITY);
      for (const head of heads) {
        if (this.#state.position(reader.lifeOf(head)).seq < head.seq) {
          return position ?? this.#before(reader, head.seq);
        }
        position = { seq: head.seq, rowsTotal: head.rowsTotal };
      }
    }
  }

  /** By what the lives before the oldest batch have come to, whose own batches are gone. */
  #before(reader: LogReader, oldest: number): Position {
    return reader.lives
      .map((life) => this.#state.position(life))
      .reduce((a, b) => (b.seq < oldest && b.seq > a.seq ? b : a), { seq: 0, rowsTotal: 0 });
  }
}
