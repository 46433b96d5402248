import type Database from 'better-sqlite3';
import type { Candidate } from './candidate.ts';
import type { CommitBody } from './open-batch.ts';
import { batchKinds, ROW_FORMAT } from './rows.ts';

/** One commit on its way to the disk. */
export interface Commit extends CommitBody {
  /** Pool clock when it was handed over, ms. */
  readonly handedMs: number;
}

/** What the log holds. */
export interface Kept {
  readonly batches: number;
  readonly rows: number;
  readonly bytes: number;
}

/** A place in the log: a batch, and what all batches up to it come to. */
export interface Mark {
  readonly seq: number;
  readonly rows: number;
  readonly bytes: number;
}

interface CandidateRow {
  readonly hash: string;
  readonly height: number;
  readonly job_id: string;
  readonly account: string;
  readonly rig: string;
  readonly reward_sats: number;
  readonly network_difficulty: number;
  readonly share_difficulty: number;
  readonly found_ms: number;
  readonly block: Buffer;
}

/** The log's tables: commits in, confirmed batches out. Synchronous; the log's thread owns it. */
export class LogStore {
  readonly #database: Database.Database;
  readonly #insertBatch: Database.Statement<
    [number, number, number, number, number, number, number, number, Uint8Array]
  >;
  readonly #insertCandidate: Database.Statement<
    [string, number, string, string, string, bigint, number, number, number, Uint8Array]
  >;
  readonly #settle: Database.Statement<[string]>;
  readonly #setLast: Database.Statement<[number, number, number]>;
  readonly #readLast: Database.Statement<[], Mark>;
  readonly #oldest: Database.Statement<[number, number], Mark>;
  readonly #deleteUpTo: Database.Statement<[number]>;
  readonly #oldestStored: Database.Statement<[], { stored_ms: number }>;
  /** The last batch written. */
  #last: Mark;
  /** The last batch deleted. */
  #deleted: Mark;

  /** `last`: where the log ended when its file was opened again in the middle of a doubtful `write`; it decides that. */
  constructor(database: Database.Database, last?: Mark) {
    this.#database = database;
    this.#insertBatch = database.prepare('INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.#insertCandidate = database.prepare('INSERT OR REPLACE INTO candidates VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.#settle = database.prepare('DELETE FROM candidates WHERE hash = ?');
    this.#setLast = database.prepare('UPDATE log SET last_seq = ?, rows_total = ?, bytes_total = ?');
    this.#readLast = database.prepare('SELECT last_seq AS seq, rows_total AS rows, bytes_total AS bytes FROM log');
    this.#oldest = database.prepare(
      'SELECT seq, rows_total AS rows, bytes_total AS bytes FROM batches WHERE seq <= ? ORDER BY seq LIMIT ?',
    );
    this.#deleteUpTo = database.prepare('DELETE FROM batches WHERE seq <= ?');
    this.#oldestStored = database.prepare('SELECT stored_ms FROM batches ORDER BY seq LIMIT 1');
    this.#last = last ?? this.#storedLast();
    this.#deleted =
      database
        .prepare<[], Mark>(
          `SELECT seq - 1 AS seq, rows_total - rows AS rows, bytes_total - bytes AS bytes
           FROM batches ORDER BY seq LIMIT 1`,
        )
        .get() ?? this.#last;
  }

  get kept(): Kept {
    return {
      batches: this.#last.seq - this.#deleted.seq,
      rows: this.#last.rows - this.#deleted.rows,
      bytes: this.#last.bytes - this.#deleted.bytes,
    };
  }

  /** The last batch ever written, as far as is known for sure; number 0 for none. */
  get last(): Mark {
    return this.#last;
  }

  /** Whether a `write` that threw has left nothing behind. */
  clean(): boolean {
    return this.#storedLast().seq === this.#last.seq;
  }

  /** When the oldest kept batch was stored, ms; undefined where none is kept. */
  oldestStoredMs(): number | undefined {
    return this.#oldestStored.get()?.stored_ms;
  }

  unresolved(): Candidate[] {
    return this.#database
      .prepare<[], CandidateRow>('SELECT * FROM candidates ORDER BY found_ms, hash')
      .all()
      .map((row) => ({
        hash: row.hash,
        height: row.height,
        jobId: row.job_id,
        account: row.account,
        rig: row.rig,
        rewardSats: BigInt(row.reward_sats),
        networkDifficulty: row.network_difficulty,
        shareDifficulty: row.share_difficulty,
        foundMs: row.found_ms,
        block: new Uint8Array(row.block),
      }));
  }

  /**
   * Writes commits in one transaction and returns when they are on the disk; throws, with nothing written, where they
   * can not be. Safe to call again with the same commits, even where the disk failed at the very end: whether that
   * transaction counts is read back first.
   */
  write(commits: readonly Commit[]): void {
    const batches = commits.reduce((sum, commit) => sum + commit.batches.length, 0);
    if (this.#storedLast().seq !== this.#last.seq + batches) {
      this.#transaction(() => {
        const last = commits.reduce((mark, commit) => this.#insert(commit, mark), this.#last);
        this.#setLast.run(last.seq, last.rows, last.bytes);
      });
    }
    this.#last = this.#storedLast();
  }

  /**
   * Deletes the oldest batches up to and including `seq`, as many as come to about `bytesMax` (one at least), in a
   * transaction of its own. Returns the rows deleted; 0 where there is nothing left to delete.
   */
  trim(seq: number, bytesMax: number): number {
    const from = this.#deleted;
    const marks = this.#oldest.all(seq, TRIM_BATCHES_MAX);
    const upTo = marks.find((mark) => mark.bytes - from.bytes >= bytesMax) ?? marks.at(-1);
    if (upTo === undefined) return 0;
    this.#transaction(() => this.#deleteUpTo.run(upTo.seq));
    this.#deleted = upTo;
    return upTo.rows - from.rows;
  }

  /** Writes one commit after `from`; returns where the log then ends. */
  #insert(commit: Commit, from: Mark): Mark {
    const storedMs = Math.trunc(commit.handedMs);
    let { seq, rows, bytes } = from;
    for (const batch of commit.batches) {
      seq += 1;
      rows += batch.rows;
      bytes += batch.length;
      const body = new Uint8Array(batch.buffer, 0, batch.length);
      const kind = batchKinds[batch.kind];
      this.#insertBatch.run(seq, kind, ROW_FORMAT, batch.rows, batch.length, rows, bytes, storedMs, body);
    }
    for (const c of commit.candidates) {
      this.#insertCandidate.run(
        c.hash,
        c.height,
        c.jobId,
        c.account,
        c.rig,
        c.rewardSats,
        c.networkDifficulty,
        c.shareDifficulty,
        Math.trunc(c.foundMs),
        c.block,
      );
    }
    for (const { hash, final } of commit.settlements) if (final) this.#settle.run(hash);
    return { seq, rows, bytes };
  }

  #storedLast(): Mark {
    const mark = this.#readLast.get();
    if (mark === undefined) throw new Error('the share log has lost its sequence');
    return mark;
  }

  /** better-sqlite3's own wrapper leaves a failed COMMIT's transaction open when SQLite does. */
  #transaction(work: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.inTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }
}

/** Batches looked at in one step of trimming. */
const TRIM_BATCHES_MAX = 512;
