import type { Line } from '../entries/entry.ts';
import type { LedgerDatabase } from '../ledger-db.ts';
import type { BlockStatus } from './block.ts';

/** A block that the pool found. */
export interface FoundBlock {
  /** Header hash, 64 hex digits, display order. */
  readonly hash: string;
  /** As in the tables. */
  readonly jobId: string;
  /** The account whose share the block is; empty if that is unknown. */
  readonly finder: string;
  readonly height: number;
  readonly foundMs: number;
  /** What the job's coinbase was to pay. */
  readonly claimedSats: bigint;
}

/** A block as the ledger has it. */
export interface LedgerBlock extends FoundBlock {
  readonly status: BlockStatus;
  /** When the chain was last looked at; 0 off the chain. */
  readonly confirmations: number;
  /** How often it was booked. */
  readonly bookings: number;
  /** Undefined before the first booking. */
  readonly booking: BlockBooking | undefined;
}

/** A block without its booking, which may have a credit for each of very many accounts. */
export type BlockState = Omit<LedgerBlock, 'booking'> & {
  /** It was booked at least once, so that its booking is there. */
  readonly isDivided: boolean;
};

/** How a block's reward is divided and booked: the same each time. */
export interface BlockBooking {
  /** The coinbase transaction, hex. */
  readonly coinbase: string;
  readonly rewardSats: bigint;
  readonly ownSats: bigint;
  readonly feeSats: bigint;
  readonly donationSats: bigint;
  readonly restSats: bigint;
  readonly lines: readonly Line[];
  /** What the division depended on (`writeTerms`); undefined if the scheme divides no blocks. */
  readonly terms?: string | undefined;
  readonly credits: readonly BlockCredit[];
}

export interface BlockCredit {
  readonly account: string;
  readonly sats: bigint;
  /** Of these, paid by the coinbase itself. */
  readonly directSats: bigint;
  readonly weight: bigint;
  readonly work: bigint;
}

interface StateRow {
  readonly hash: string;
  readonly job_id: string;
  readonly finder: string;
  readonly height: bigint;
  readonly found_ms: bigint;
  readonly claimed_sats: bigint;
  readonly status: BlockStatus;
  readonly confirmations: bigint;
  readonly bookings: bigint;
  readonly lines: string | null;
}

interface BlockRow extends StateRow {
  readonly coinbase: string | null;
  readonly reward_sats: bigint | null;
  readonly own_sats: bigint | null;
  readonly fee_sats: bigint | null;
  readonly donation_sats: bigint | null;
  readonly rest_sats: bigint | null;
  readonly terms: string | null;
}

/** The tables `blocks`, `block_credits` and `foreign_blocks`. What belongs together is written in the caller's transaction. */
export class BlockStore {
  readonly #statements: ReturnType<typeof prepare>;

  constructor(database: LedgerDatabase) {
    this.#statements = prepare(database);
  }

  /** False if the block is known. */
  add({ hash, jobId, finder, height, foundMs, claimedSats }: FoundBlock): boolean {
    return this.#statements.add.run(hash, jobId, finder, height, foundMs, claimedSats).changes > 0;
  }

  find(hash: string): LedgerBlock | undefined {
    const row = this.#statements.find.get(hash);
    return row && this.#block(row);
  }

  state(hash: string): BlockState | undefined {
    const row = this.#statements.state.get(hash);
    return row && stateOf(row);
  }

  has(hash: string): boolean {
    return this.#statements.has.get(hash) !== undefined;
  }

  /** The first block behind this one, in the order of their hashes. */
  hashBehind(hash: string): string | undefined {
    return this.#statements.behind.get(hash);
  }

  /** All blocks, by height. */
  all(): LedgerBlock[] {
    return this.#statements.all.all().map((row) => this.#block(row));
  }

  /** Blocks that are above a height, or neither mature nor orphaned; by height. */
  unsettledAbove(height: number): BlockState[] {
    return this.#statements.unsettled.all(height).map(stateOf);
  }

  /** The job of the highest block below a height that is booked now. */
  bookedJobBelow(height: number): string | undefined {
    return this.#statements.bookedBelow.get(height);
  }

  /** The same, of those whose job was made under PROP. */
  bookedPropJobBelow(height: number): string | undefined {
    return this.#statements.bookedPropBelow.get(height);
  }

  /** Of the rewards of the newest `blocks` that are booked now, the part that was paid to accounts directly; 0 without blocks. */
  directRatio(blocks: number): number {
    const { reward, own } = this.#statements.newest.get(blocks) ?? { reward: null, own: null };
    return reward === null || reward === 0n ? 0 : Number(reward - (own ?? 0n)) / Number(reward);
  }

  setStatus(hash: string, status: BlockStatus): void {
    this.#statements.setStatus.run(status, hash);
  }

  setConfirmations(hash: string, confirmations: number): void {
    this.#statements.setConfirmations.run(confirmations, hash, confirmations);
  }

  countBooking(hash: string): void {
    this.#statements.countBooking.run(hash);
  }

  /** How the block is booked, at its first booking. */
  setBooking(hash: string, booking: BlockBooking): void {
    const { coinbase, rewardSats, ownSats, feeSats, donationSats, restSats, lines, terms, credits } = booking;
    const text = JSON.stringify(lines.map(({ account, sats }) => [account, String(sats)]));
    this.#statements.setBooking.run({
      ...{ coinbase, rewardSats, ownSats, feeSats, donationSats, restSats, hash },
      lines: text,
      terms: terms ?? null,
    });
    for (const { account, sats, directSats, weight, work } of credits) {
      this.#statements.addCredit.run(hash, account, sats, directSats, String(weight), String(work));
    }
  }

  /** A block of the chain that pays the pool and is none of the ledger's. */
  addForeign(block: { hash: string; height: number; sats: bigint; seenMs: number; reason: string }): boolean {
    const { hash, height, sats, seenMs, reason } = block;
    return this.#statements.addForeign.run(hash, height, sats, seenMs, reason).changes > 0;
  }

  foreign(): { hash: string; height: number; sats: bigint; reason: string }[] {
    return this.#statements.foreign.all().map(({ height, ...rest }) => ({ ...rest, height: Number(height) }));
  }

  #block(row: BlockRow): LedgerBlock {
    const { isDivided: _, ...state } = stateOf(row);
    return { ...state, booking: this.#booking(row) };
  }

  #booking(row: BlockRow): BlockBooking | undefined {
    if (row.coinbase === null || row.lines === null) return undefined;
    const credits = this.#statements.credits.all(row.hash);
    return {
      coinbase: row.coinbase,
      rewardSats: row.reward_sats ?? 0n,
      ownSats: row.own_sats ?? 0n,
      feeSats: row.fee_sats ?? 0n,
      donationSats: row.donation_sats ?? 0n,
      restSats: row.rest_sats ?? 0n,
      lines: (JSON.parse(row.lines) as [string, string][]).map(([account, sats]) => ({ account, sats: BigInt(sats) })),
      terms: row.terms ?? undefined,
      credits: credits.map(({ weight, work, ...rest }) => ({ ...rest, weight: BigInt(weight), work: BigInt(work) })),
    };
  }
}

function stateOf(row: StateRow): BlockState {
  return {
    hash: row.hash,
    jobId: row.job_id,
    finder: row.finder,
    height: Number(row.height),
    foundMs: Number(row.found_ms),
    claimedSats: row.claimed_sats,
    status: row.status,
    confirmations: Number(row.confirmations),
    bookings: Number(row.bookings),
    isDivided: row.lines !== null,
  };
}

interface CreditRow {
  readonly account: string;
  readonly sats: bigint;
  readonly directSats: bigint;
  readonly weight: string;
  readonly work: string;
}

/** Of `lines`, which may be long, that they are there is enough. */
const STATE_COLUMNS =
  'hash, job_id, finder, height, found_ms, claimed_sats, status, confirmations, bookings, substr(lines, 1, 1) AS lines';

function prepare(database: LedgerDatabase) {
  return {
    add: database.prepare<[string, string, string, number, number, bigint]>(
      `INSERT INTO blocks (hash, job_id, finder, height, found_ms, claimed_sats, status, confirmations, bookings)
       VALUES (?, ?, ?, ?, ?, ?, 'found', 0, 0) ON CONFLICT DO NOTHING`,
    ),
    find: database.prepare<[string], BlockRow>('SELECT * FROM blocks WHERE hash = ?'),
    state: database.prepare<[string], StateRow>(`SELECT ${STATE_COLUMNS} FROM blocks WHERE hash = ?`),
    has: database.prepare<[string], bigint>('SELECT 1 FROM blocks WHERE hash = ?').pluck(),
    behind: database.prepare<[string], string>('SELECT hash FROM blocks WHERE hash > ? ORDER BY hash LIMIT 1').pluck(),
    all: database.prepare<[], BlockRow>('SELECT * FROM blocks ORDER BY height, hash'),
    unsettled: database.prepare<[number], StateRow>(
      `SELECT ${STATE_COLUMNS} FROM blocks WHERE height > ? OR status IN ('found', 'confirmed') ORDER BY height, hash`,
    ),
    bookedBelow: database
      .prepare<[number], string>(
        "SELECT job_id FROM blocks WHERE height < ? AND status IN ('confirmed', 'mature') ORDER BY height DESC LIMIT 1",
      )
      .pluck(),
    // Job ids begin with their serial number as hex digits.
    bookedPropBelow: database
      .prepare<[number], string>(
        `SELECT job_id FROM blocks WHERE height < ? AND status IN ('confirmed', 'mature') AND
           (SELECT scheme FROM terms WHERE printf('%010x', from_serial) <= job_id ORDER BY from_serial DESC LIMIT 1) = 'prop'
         ORDER BY height DESC LIMIT 1`,
      )
      .pluck(),
    newest: database.prepare<[number], { reward: bigint | null; own: bigint | null }>(
      `SELECT sum(reward_sats) AS reward, sum(own_sats) AS own FROM
         (SELECT reward_sats, own_sats FROM blocks WHERE status IN ('confirmed', 'mature') ORDER BY height DESC LIMIT ?)`,
    ),
    setStatus: database.prepare<[BlockStatus, string]>('UPDATE blocks SET status = ? WHERE hash = ?'),
    setConfirmations: database.prepare<[number, string, number]>(
      'UPDATE blocks SET confirmations = ? WHERE hash = ? AND confirmations <> ?',
    ),
    countBooking: database.prepare<[string]>('UPDATE blocks SET bookings = bookings + 1 WHERE hash = ?'),
    setBooking: database.prepare<[Record<string, string | bigint | null>]>(
      `UPDATE blocks SET coinbase = @coinbase, reward_sats = @rewardSats, own_sats = @ownSats, fee_sats = @feeSats,
         donation_sats = @donationSats, rest_sats = @restSats, lines = @lines, terms = @terms WHERE hash = @hash`,
    ),
    addCredit: database.prepare<[string, string, bigint, bigint, string, string]>(
      'INSERT INTO block_credits VALUES (?, ?, ?, ?, ?, ?)',
    ),
    credits: database.prepare<[string], CreditRow>(
      `SELECT account, sats, direct_sats AS directSats, weight, work FROM block_credits WHERE hash = ? ORDER BY account`,
    ),
    addForeign: database.prepare<[string, number, bigint, number, string]>(
      'INSERT INTO foreign_blocks VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
    ),
    foreign: database.prepare<[], { hash: string; height: bigint; sats: bigint; reason: string }>(
      // The row of a block that was taken for foreign may have come through the share log since.
      `SELECT hash, height, sats, reason FROM foreign_blocks WHERE hash NOT IN (SELECT hash FROM blocks)
       ORDER BY height, hash`,
    ),
  };
}
