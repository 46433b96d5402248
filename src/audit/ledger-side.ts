import { targetOfBits, workOfTarget } from '#base/bitcoin/target';
import { readTransaction } from '#base/bitcoin/transaction';
import { BlockStore, type LedgerBlock } from '#books/ledger/blocks/block-store';
import { checkLedger } from '#books/ledger/check';
import { divideAgain } from '#books/ledger/explain/explain-block';
import { ExplainError } from '#books/ledger/explain/explanation';
import type { LedgerDatabase } from '#books/ledger/ledger-db';
import type { AuditedJob } from './audited-job.ts';
import type { Differences } from './differences.ts';
import type { AuditRange, SliceRow } from './tables.ts';

interface JobRow {
  readonly serial: bigint;
  readonly height: bigint;
  readonly nbits: bigint;
  readonly network_work: string;
  readonly reward_sats: bigint;
  readonly window_end: string;
}

/** A block as the table `blocks` has it, with its coinbase as `jobs` and its share make it. */
export interface TableBlock {
  readonly hash: string;
  readonly jobId: string;
  readonly account: string;
  readonly height: number;
  readonly rewardSats: bigint;
  /** Hex, without witness; undefined if the row does not name its share. */
  readonly coinbase: string | undefined;
}

/** Compares the ledger, as it is at one moment, with what comes out of the tables. */
export class LedgerSide {
  readonly #database: LedgerDatabase;
  readonly #differences: Differences;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #blocks: ReadonlyMap<string, LedgerBlock>;
  readonly #seenBlocks = new Set<string>();
  readonly #seenJobs = new Set<string>();
  readonly #sealedSerial: number;
  readonly #prunedSerial: number;
  /** Rewards that can not be divided again, and why. */
  readonly skipped: string[] = [];

  /** `database` must be in a read transaction that was begun before anything was asked of the tables. */
  constructor(database: LedgerDatabase, differences: Differences) {
    this.#database = database;
    this.#differences = differences;
    this.#statements = prepare(database);
    this.#blocks = new Map(new BlockStore(database).all().map((block) => [block.hash, block]));
    const taken = this.#statements.taken.get();
    this.#sealedSerial = Number(taken?.sealed_serial ?? -1n);
    this.#prunedSerial = Number(taken?.pruned_serial ?? -1n);
  }

  /** A job's facts and its slice. `rows`: of this job. The slice of a job that is not sealed may still lack shares. */
  job(job: AuditedJob, rows: readonly SliceRow[]): void {
    const { jobId, serial, height, bits, rewardSats, windowEnd } = job;
    this.#seenJobs.add(jobId);
    const kept = this.#statements.job.get(jobId);
    const isSealed = serial <= this.#sealedSerial;
    if (kept === undefined) {
      if (isSealed) this.#differences.add('job', `job ${jobId} is in the tables and not in the ledger`);
      return;
    }
    const of = (what: string): string => `the ledger's ${what} of job ${jobId}`;
    const target = targetOfBits(bits);
    this.#differences.compare('job', of('serial number'), kept.serial, BigInt(serial));
    this.#differences.compare('job', of('height'), kept.height, BigInt(height));
    this.#differences.compare('job', of('nbits'), kept.nbits, BigInt(bits));
    this.#differences.compare('job', of('reward'), kept.reward_sats, rewardSats);
    this.#differences.compare('job', of('window end'), kept.window_end, windowEnd);
    if (target !== undefined) {
      this.#differences.compare('job', of('network work'), BigInt(kept.network_work), workOfTarget(target));
    }
    if (serial > this.#prunedSerial) this.#slice(jobId, rows, isSealed);
  }

  #slice(jobId: string, rows: readonly SliceRow[], isSealed: boolean): void {
    const kept = new Map(this.#statements.slices.all(jobId).map((slice) => [slice.account, slice]));
    const nothing = { work: 0n, shares: 0 };
    const computed = new Map(rows.map((row) => [row.account, row]));
    for (const account of new Set([...kept.keys(), ...computed.keys()])) {
      const { work, shares } = computed.get(account) ?? nothing;
      const slice = kept.get(account);
      const [keptWork, keptShares] = [BigInt(slice?.work ?? 0), Number(slice?.shares ?? 0n)];
      // An open slice may still lack what the tables have; nothing that is in the slice may be missing in the tables.
      const same = isSealed ? keptWork === work && keptShares === shares : keptWork <= work && keptShares <= shares;
      if (same) continue;
      const detail = `the ledger has ${keptShares} shares and work ${keptWork} of ${account} on job ${jobId}, and ${shares} shares and work ${work} come out of the tables`;
      this.#differences.add('slice', detail);
    }
  }

  /** A block of the tables against the ledger's. The ledger may not have heard of a new block yet. */
  block({ hash, jobId, account, height, rewardSats, coinbase }: TableBlock): void {
    this.#seenBlocks.add(hash);
    const kept = this.#blocks.get(hash);
    if (kept === undefined) return;
    const of = (what: string): string => `the ledger's ${what} of block ${hash}`;
    this.#differences.compare('block', of('job'), kept.jobId, jobId);
    this.#differences.compare('block', of('finder'), kept.finder, account);
    this.#differences.compare('block', of('height'), kept.height, height);
    this.#differences.compare('block', of('expected reward'), kept.claimedSats, rewardSats);
    if (kept.booking === undefined || coinbase === undefined) return;
    // A txid leaves the witness out, which the tables do not have.
    const txid = readTransaction(kept.booking.coinbase)?.txid ?? 'no transaction';
    this.#differences.compare('block', of('coinbase'), txid, readTransaction(coinbase)?.txid ?? 'no transaction');
  }

  /** What must be in the tables too and was not seen; each reward of a job that was seen; the books as a whole. */
  finish({ fromMs = Number.NEGATIVE_INFINITY, toMs = Number.POSITIVE_INFINITY }: AuditRange): void {
    for (const { job_id, serial, time_ms } of this.#statements.withSlices.iterate()) {
      const inRange = Number(time_ms) >= fromMs && Number(time_ms) < toMs;
      if (!inRange || this.#seenJobs.has(job_id) || Number(serial) <= this.#prunedSerial) continue;
      this.#differences.add('slice', `the ledger has a slice of job ${job_id}, which is not in the tables`);
    }
    for (const block of this.#blocks.values()) {
      if (!this.#seenJobs.has(block.jobId)) continue;
      if (!this.#seenBlocks.has(block.hash)) {
        this.#differences.add('block', `the ledger has block ${block.hash}, which is not in the tables`);
      }
      if (block.booking !== undefined) this.#reward(block);
    }
    for (const { invariant, detail } of checkLedger(this.#database)) {
      this.#differences.add('books', `${invariant}: ${detail}`);
    }
  }

  #reward({ hash, height, booking }: LedgerBlock): void {
    try {
      // A scheme that pays for slices divides no blocks.
      if (booking?.terms === undefined) return;
      for (const difference of divideAgain(this.#database, hash).differences) {
        this.#differences.add('reward', `block ${hash} at height ${height}: ${difference}`);
      }
    } catch (error) {
      if (!(error instanceof ExplainError)) throw error;
      this.skipped.push(error.message);
    }
  }
}

function prepare(database: LedgerDatabase) {
  return {
    taken: database.prepare<[], { sealed_serial: bigint; pruned_serial: bigint }>(
      'SELECT sealed_serial, pruned_serial FROM taken',
    ),
    job: database.prepare<[string], JobRow>('SELECT * FROM jobs WHERE job_id = ?'),
    slices: database.prepare<[string], { account: string; work: string; shares: bigint }>(
      'SELECT account, work, shares FROM slices WHERE job_id = ?',
    ),
    withSlices: database.prepare<[], { job_id: string; serial: bigint; time_ms: bigint }>(
      `SELECT job_id, serial, time_ms FROM jobs
       WHERE EXISTS (SELECT 1 FROM slices WHERE slices.job_id = jobs.job_id) ORDER BY serial`,
    ),
  };
}
