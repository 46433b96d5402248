import type { BlockStatus } from '../blocks/block.ts';
import type { LedgerDatabase } from '../ledger-db.ts';

/** A block of the pool without its credits. */
export interface BlockSummary {
  /** Header hash, 64 hex digits, display order. */
  readonly hash: string;
  readonly height: number;
  /** As in the table `jobs`. */
  readonly jobId: string;
  /** The account whose share the block is; empty if that is unknown. */
  readonly finder: string;
  readonly foundMs: number;
  readonly status: BlockStatus;
  readonly confirmations: number;
  /** All outputs of the coinbase; before the block is booked what the job's coinbase was to pay. */
  readonly rewardSats: bigint;
  /** The next three are undefined before the block was booked. */
  readonly feeSats: bigint | undefined;
  readonly donationSats: bigint | undefined;
  readonly restSats: bigint | undefined;
  /** Expected hashes of a block at its target; undefined if its job is not in the ledger any more. */
  readonly networkWork: bigint | undefined;
}

interface SummaryRow {
  readonly hash: string;
  readonly height: bigint;
  readonly job_id: string;
  readonly finder: string;
  readonly found_ms: bigint;
  readonly status: BlockStatus;
  readonly confirmations: bigint;
  readonly claimed_sats: bigint;
  readonly reward_sats: bigint | null;
  readonly fee_sats: bigint | null;
  readonly donation_sats: bigint | null;
  readonly rest_sats: bigint | null;
  readonly network_work: string | null;
}

const COLUMNS = `blocks.hash, blocks.height, blocks.job_id, finder, found_ms, status, confirmations, claimed_sats,
  blocks.reward_sats, fee_sats, donation_sats, rest_sats, network_work`;

/** Where a page of blocks begins: behind the block of this height and hash. */
export interface BlockPosition {
  readonly height: number;
  readonly hash: string;
}

/** Blocks of the pool, highest first. `before` is not included. */
export function blocksBefore(
  database: LedgerDatabase,
  { before, count }: { readonly before: BlockPosition | undefined; readonly count: number },
): BlockSummary[] {
  const page = database.prepare<[number, string, number], SummaryRow>(
    `SELECT ${COLUMNS} FROM blocks LEFT JOIN jobs ON jobs.job_id = blocks.job_id
     WHERE (blocks.height, blocks.hash) < (?, ?) ORDER BY blocks.height DESC, blocks.hash DESC LIMIT ?`,
  );
  const { height, hash } = before ?? { height: Number.MAX_SAFE_INTEGER, hash: '' };
  return page.all(height, hash, count).map(summaryOf);
}

export function blockSummary(database: LedgerDatabase, hash: string): BlockSummary | undefined {
  const row = database
    .prepare<[string], SummaryRow>(
      `SELECT ${COLUMNS} FROM blocks LEFT JOIN jobs ON jobs.job_id = blocks.job_id WHERE blocks.hash = ?`,
    )
    .get(hash);
  return row && summaryOf(row);
}

/** How many blocks have each status. */
export function blockCounts(database: LedgerDatabase): Record<BlockStatus, number> {
  const counts: Record<BlockStatus, number> = { found: 0, confirmed: 0, mature: 0, orphaned: 0 };
  const rows = database
    .prepare<[], { status: BlockStatus; count: bigint }>('SELECT status, count(*) AS count FROM blocks GROUP BY status')
    .all();
  for (const { status, count } of rows) counts[status] = Number(count);
  return counts;
}

/** What one account got of a block. */
export interface BlockShare {
  readonly account: string;
  readonly sats: bigint;
  /** Of these, paid by the coinbase itself. */
  readonly directSats: bigint;
  readonly work: bigint;
}

/** The credits of a block in byte order of their accounts, behind `after`. */
export function blockCredits(database: LedgerDatabase, hash: string, after: string, count: number): BlockShare[] {
  return database
    .prepare<[string, string, number], { account: string; sats: bigint; directSats: bigint; work: string }>(
      `SELECT account, sats, direct_sats AS directSats, work FROM block_credits
       WHERE hash = ? AND account > ? ORDER BY account LIMIT ?`,
    )
    .all(hash, after, count)
    .map(({ work, ...rest }) => ({ ...rest, work: BigInt(work) }));
}

function summaryOf(row: SummaryRow): BlockSummary {
  return {
    hash: row.hash,
    height: Number(row.height),
    jobId: row.job_id,
    finder: row.finder,
    foundMs: Number(row.found_ms),
    status: row.status,
    confirmations: Number(row.confirmations),
    rewardSats: row.reward_sats ?? row.claimed_sats,
    feeSats: row.fee_sats ?? undefined,
    donationSats: row.donation_sats ?? undefined,
    restSats: row.rest_sats ?? undefined,
    networkWork: row.network_work === null ? undefined : BigInt(row.network_work),
  };
}
