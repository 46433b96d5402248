import type { Job } from '#base/domain/job';
import type { BlockOutcome, FoundBlock, SubmitOutcome } from '#base/domain/ports';
import type { JudgedShare } from '#base/domain/share';
import { within } from '#base/std/within';
import type { BlockHead } from './candidates/candidate.ts';
import { CandidateStore } from './candidates/candidate-store.ts';
import { folderIdOf } from './journal/identity.ts';
import { type Journal, notOpened, openJournal } from './journal/journal.ts';
import { POOL_JOURNAL } from './journal/journals.ts';
import { headOf } from './rows/block-rows.ts';
import type { ShareLog, ShareLogModules, ShareLogOptions, ShareLogStatus } from './share-log.ts';

export type { ShareLog, ShareLogModules, ShareLogOptions, ShareLogStatus } from './share-log.ts';

/** A block does not wait longer for its name and its job's row, whatever the disk does, ms. */
const NAMED_MS_MAX = 100;

/** The row of a job on its way to the disk. */
interface JobRow {
  readonly serial: number;
  readonly written: Promise<void>;
  readonly finish: () => void;
}

/** Opens the log of a data folder. Rejects if another pool has locked it, or if it can not be written. */
export async function openShareLog(options: ShareLogOptions, modules: ShareLogModules): Promise<ShareLog> {
  let candidates: CandidateStore | undefined;
  // A block's share is not acknowledged before the block itself can not be lost.
  const ready = (): Promise<void> | undefined => candidates?.settled;
  const journal = await openJournal({ ...options, journal: POOL_JOURNAL }, { ...modules, ready });
  try {
    const failing = (reason: string): void => journal.failing(reason);
    candidates = new CandidateStore(options.folder, { failing, spare: modules.spare });
    return new PoolLog(journal, candidates);
  } catch (error) {
    await journal.close();
    throw notOpened(options.folder, error);
  }
}

/** The pool's journal, and its block candidates. */
class PoolLog implements ShareLog {
  readonly #journal: Journal;
  readonly #candidates: CandidateStore;
  /** Settled candidates whose last outcome is among the rows that are not committed yet. */
  #decided: string[] = [];
  /** Those that are handed in (again) and not settled since. */
  readonly #undecided = new Set<string>();
  /** Rows of jobs that are not on the disk yet, in order. */
  readonly #jobRows: JobRow[] = [];

  constructor(journal: Journal, candidates: CandidateStore) {
    this.#journal = journal;
    this.#candidates = candidates;
  }

  get logId(): string {
    return this.#journal.logId;
  }

  get folderId(): string {
    return folderIdOf(this.#journal.logId);
  }

  get node(): string {
    return this.#journal.node;
  }

  get bootId(): string {
    return this.#journal.bootId;
  }

  get epoch(): number {
    return this.#journal.epoch;
  }

  nextEpoch(): number {
    return this.#journal.nextEpoch();
  }

  get unresolved(): readonly BlockHead[] {
    return this.#candidates.unresolved;
  }

  blockOf(hash: string): Promise<Uint8Array | undefined> {
    return this.#candidates.read(hash);
  }

  share(share: JudgedShare): void {
    this.#journal.share(share);
  }

  job(job: Job): void {
    this.#journal.assertOpen();
    this.#journal.rows.job(job);
    let finish = (): void => {};
    const written = new Promise<void>((resolve) => {
      finish = resolve;
    });
    this.#jobRows.push({ serial: job.serial, written, finish });
  }

  closed(serial: number): void {
    this.#journal.closed(serial);
  }

  candidate(block: FoundBlock): Promise<void> {
    this.#journal.assertOpen();
    const head = headOf(block);
    this.#undecided.add(head.hash);
    const noted = this.#candidates.keep(head, () => block.block);
    this.#journal.rows.block(head, { status: 'unknown', reason: 'no answer yet' });
    const jobRow = this.#jobRows.find(({ serial }) => serial === block.job.serial)?.written;
    return within(Promise.all([noted, jobRow]), NAMED_MS_MAX).then(() => {});
  }

  kept(): Promise<void> {
    return this.#candidates.settled ?? Promise.resolve();
  }

  outcome(block: FoundBlock, outcome: SubmitOutcome): void {
    this.resolved(headOf(block), outcome);
  }

  resolved(candidate: BlockHead, outcome: BlockOutcome): void {
    this.#journal.assertOpen();
    this.#journal.rows.block(candidate, outcome);
  }

  settled(hash: string): void {
    this.#journal.assertOpen();
    this.#decided.push(hash);
    this.#undecided.delete(hash);
  }

  commit(durable: () => void): void {
    const newest = this.#jobRows.at(-1);
    if (this.#decided.length === 0 && newest === undefined) {
      this.#journal.commit(durable);
      return;
    }
    const decided = this.#decided;
    this.#decided = [];
    this.#journal.commit(() => {
      this.#jobsWritten(newest?.serial);
      this.#drop(decided);
      durable();
    });
  }

  confirm(consumer: string, seq: number): void {
    this.#journal.confirm(consumer, seq);
  }

  status(): ShareLogStatus {
    return this.#journal.status();
  }

  close(): Promise<void> {
    return this.#journal.close(async (drained) => {
      if (drained) this.#drop(this.#decided);
      this.#candidates.close();
      await this.#candidates.settled;
    });
  }

  #jobsWritten(upTo = -1): void {
    const open = this.#jobRows.findIndex(({ serial }) => serial > upTo);
    const written = this.#jobRows.splice(0, open < 0 ? this.#jobRows.length : open);
    for (const { finish } of written) finish();
  }

  #drop(decided: readonly string[]): void {
    for (const hash of decided) if (!this.#undecided.has(hash)) this.#candidates.drop(hash);
  }
}
