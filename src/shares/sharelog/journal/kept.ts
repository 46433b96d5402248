/** A place in the log: a batch, and what all batches up to it come to. */
export interface Mark {
  readonly seq: number;
  readonly rows: number;
  readonly bytes: number;
}

export const LOG_START: Mark = { seq: 0, rows: 0, bytes: 0 };

/** What the log holds that not every consumer has confirmed. */
export interface Kept {
  readonly batches: number;
  readonly rows: number;
  readonly bytes: number;
  /** When the oldest of it was handed to the log, ms; undefined if there is nothing. */
  readonly oldestMs: number | undefined;
}

interface TimedMark extends Mark {
  readonly storedMs: number;
}

const MARKS_MAX = 4096;

/**
 * The size of the log that consumers still need. A consumer may be a day behind, which is millions of batches. Above MARKS_MAX only
 * every second batch is remembered, and so on, so the size is slightly overstated.
 */
export class KeptMarks {
  /** Rising, all after `#confirmed`. */
  #marks: TimedMark[] = [];
  #confirmed: Mark;
  #last: Mark;

  /** The log is open: everything up to `confirmed` is gone, and `last` is where it ends. */
  constructor(confirmed: Mark, last: Mark) {
    this.#confirmed = confirmed;
    this.#last = last;
  }

  get last(): Mark {
    return this.#last;
  }

  get confirmedSeq(): number {
    return this.#confirmed.seq;
  }

  get kept(): Kept {
    const { seq, rows, bytes } = this.#confirmed;
    return {
      batches: this.#last.seq - seq,
      rows: this.#last.rows - rows,
      bytes: this.#last.bytes - bytes,
      oldestMs: this.#marks[0]?.storedMs,
    };
  }

  /** A batch is in the log. */
  add(mark: Mark, storedMs: number): void {
    this.#last = mark;
    this.#marks.push({ ...mark, storedMs });
    const { length } = this.#marks;
    if (length <= MARKS_MAX || length % 2 === 1) return;
    // The second of each pair, with the time of the first: the oldest of what the pair stands for.
    this.#marks = this.#marks.flatMap((each, index) => {
      const before = this.#marks[index - 1];
      return index % 2 === 1 && before ? [{ ...each, storedMs: before.storedMs }] : [];
    });
  }

  /** Everything up to and including `seq` may go. */
  confirm(seq: number): void {
    const upTo = this.#marks.findLastIndex((mark) => mark.seq <= seq);
    const mark = this.#marks[upTo];
    if (mark === undefined) return;
    this.#confirmed = mark;
    this.#marks = this.#marks.slice(upTo + 1);
  }

  /** Confirms what is over these bounds, the oldest first; returns how many rows that is. */
  cut(bytesMax: number, oldestMsMin: number): number {
    const { rows } = this.#confirmed;
    const over = (mark: TimedMark): boolean =>
      mark.storedMs < oldestMsMin || this.#last.bytes - this.#confirmed.bytes > bytesMax;
    for (let oldest = this.#marks[0]; oldest !== undefined && over(oldest); oldest = this.#marks[0]) {
      this.confirm(oldest.seq);
    }
    return this.#confirmed.rows - rows;
  }
}
