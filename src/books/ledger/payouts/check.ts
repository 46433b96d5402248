import { assets } from '../entries/accounts.ts';
import { EntryBook } from '../entries/book.ts';
import { linesText } from '../entries/check.ts';
import { type Entry, normalizeLines, type Posting } from '../entries/entry.ts';
import type { Fault } from '../entries/fault.ts';
import type { LedgerDatabase } from '../ledger-db.ts';
import { type Batch, type BatchState, debitOf, outputsOf, type Variant } from './batch.ts';
import { checkTransactions } from './check-transactions.ts';
import {
  childPosting,
  openedPosting,
  outsidePosting,
  settledPosting,
  signedPosting,
  unpaidPosting,
  unsettledPosting,
} from './postings.ts';
import { PayoutStore } from './store.ts';

const REFERENCE = /^payout:([^:]+):(?:opened|signed|unpaid|settled:\d+|unsettled:\d+|child:[0-9a-f]{64})$/;
const WITHDRAWN = /^withdrawn:([0-9a-f]{64})$/;

/** The id of the payout that an entry is about; empty if its reference is none of a payout. */
export function payoutOf({ reference }: Pick<Entry, 'reference'>): string {
  return REFERENCE.exec(reference)?.[1] ?? '';
}

/** States whose batch is signed, so that its coins are in flight. */
const signedStates: ReadonlySet<BatchState> = new Set(['signed', 'sent', 'seen', 'confirmed']);

/**
 * Checks the tables of payouts against the entries: each payout has the entries that its state calls for, each entry has its
 * payout, what one payout takes from the accounts goes to one transaction at most, and what is in flight belongs to payouts
 * that are open.
 */
export class PayoutCheck {
  readonly #store: PayoutStore;
  readonly #book: EntryBook;
  readonly #inFlight;

  constructor(database: LedgerDatabase) {
    this.#store = new PayoutStore(database);
    this.#book = new EntryBook(database);
    this.#inFlight = database.prepare<[], { account: string; sats: bigint }>(
      "SELECT account, sats FROM balances WHERE account >= 'in_flight:' AND account < 'in_flight;' AND sats <> 0",
    );
  }

  /** Faults of an entry that is about a payout or a withdrawal, if the ledger has none of those. */
  entry({ id, reference, lines }: Entry): Fault[] {
    const outside = WITHDRAWN.exec(reference)?.[1];
    if (outside === undefined) {
      const payout = payoutOf({ reference });
      if (payout !== '' && this.#store.find(payout) !== undefined) return [];
      return [{ invariant: 'payout-known', detail: `entry ${id} (${reference}) is about no payout of the ledger` }];
    }
    const sats = this.#store.accepted().find(({ txid }) => txid === outside)?.sats;
    if (sats !== undefined && linesText(outsidePosting(outside, sats, 0).lines) === linesText(lines)) return [];
    const detail = `entry ${id} (${reference}) is about no transaction that the operator has answered for`;
    return [{ invariant: 'payout-known', detail }];
  }

  /** Faults of a payout with its entries and transactions; none of a payout that the ledger does not have. */
  payout(id: string): Fault[] {
    const batch = this.#store.find(id);
    if (batch === undefined) return [];
    const entries = this.#book.under(`payout:${id}:`);
    return [...checkEntriesOf(batch, entries), ...checkDebits(batch, entries), ...checkTransactions(batch)];
  }

  /** The id of the first payout behind this number, and its own number. */
  behind(number: number): { readonly number: number; readonly id: string } | undefined {
    return this.#store.behind(number);
  }

  /** What is in flight is what the open payouts have taken; each transaction that was answered for is booked. */
  inFlight(): Fault[] {
    const expected = new Map<string, bigint>();
    let coins = 0n;
    for (const batch of this.#store.open()) {
      for (const { account, sats } of batch.items) {
        const name = `in_flight:${account}`;
        expected.set(name, (expected.get(name) ?? 0n) - sats);
      }
      if (signedStates.has(batch.state)) coins += outputsOf(batch.items);
    }
    const kept = new Map(this.#inFlight.all().map(({ account, sats }) => [account, sats]));
    expected.set(assets.inFlight, coins);
    kept.set(assets.inFlight, this.#book.balance(assets.inFlight));
    const faults: Fault[] = [];
    for (const account of new Set([...expected.keys(), ...kept.keys()])) {
      const [has, wants] = [kept.get(account) ?? 0n, expected.get(account) ?? 0n];
      if (has === wants) continue;
      const detail = `${account} has ${has} sats, and the payouts that are open come to ${wants}`;
      faults.push({ invariant: 'payout-in-flight', detail });
    }
    const unbooked = this.#store.accepted().filter(({ txid }) => this.#book.find(`withdrawn:${txid}`) === undefined);
    for (const { txid, sats } of unbooked) {
      const detail = `the transaction ${txid} of ${sats} sats was answered for, and no entry has it`;
      faults.push({ invariant: 'payout-entry', detail });
    }
    return faults;
  }
}

/** The entries are exactly those of the payout's state, with the lines of its rows. */
function checkEntriesOf(batch: Batch, entries: readonly Entry[]): Fault[] {
  const faults: Fault[] = [];
  const expected = new Map(postingsOf(batch, entries).map((posting) => [posting.reference, posting]));
  for (const entry of entries) {
    const posting = expected.get(entry.reference) ?? childOf(batch, entry);
    expected.delete(entry.reference);
    const isSame =
      posting?.kind === entry.kind &&
      linesText(normalizeLines(posting.lines)) === linesText(normalizeLines(entry.lines));
    if (isSame) continue;
    const detail = `entry ${entry.id} (${entry.reference}) is not what payout ${batch.id}, which is ${batch.state}, has in its rows`;
    faults.push({ invariant: 'payout-entry', detail });
  }
  for (const { reference } of expected.values()) {
    const detail = `payout ${batch.id} is ${batch.state}, and its entry ${reference} is missing`;
    faults.push({ invariant: 'payout-entry', detail });
  }
  return faults;
}

/** What a payout in this state has posted. Which transaction was settled, if a reorg has changed that, the entries' notes say. */
function postingsOf(batch: Batch, entries: readonly Entry[]): Posting[] {
  const { state, settlements } = batch;
  const isPosted = (reference: string): boolean => entries.some((entry) => entry.reference === reference);
  const signed = signedPosting(batch, 0);
  const isEnded = state === 'unpaid' || state === 'cancelled';
  // Whether it was signed before it ended unpaid, its state does not say.
  const wasSigned = isEnded ? state === 'unpaid' && isPosted(signed.reference) : isSigned(state);
  const postings: Posting[] = [openedPosting(batch, 0), ...(wasSigned ? [signed] : [])];
  for (let time = 1; time <= settlements; time += 1) {
    const isNewest = time === settlements;
    const txid = noteOf(entries, `payout:${batch.id}:settled:${time}`);
    const variant = isNewest && state === 'settled' ? winnerOf(batch) : payerOf(batch, txid);
    if (variant === undefined) continue;
    postings.push(settledPosting(batch, variant, time, 0));
    if (!isNewest || state !== 'settled') postings.push(unsettledPosting(batch, variant, time, 0));
  }
  if (isEnded) postings.push(unpaidPosting(batch, wasSigned, withdrawalFee(batch), 0));
  return postings;
}

function isSigned(state: BatchState): boolean {
  return signedStates.has(state) || state === 'settled';
}

/** What coming back to the wallet has cost, if that is how the payout ended. */
function withdrawalFee(batch: Batch): bigint {
  const won = batch.variants.find(({ txid }) => txid === batch.winner);
  return won?.kind === 'withdraw' ? won.feeSats : 0n;
}

function winnerOf(batch: Batch): Variant | undefined {
  return payerOf(batch, batch.winner);
}

function payerOf({ variants }: Batch, txid: string | undefined): Variant | undefined {
  return variants.find((variant) => variant.txid === txid && (variant.kind === 'pay' || variant.kind === 'replace'));
}

function noteOf(entries: readonly Entry[], reference: string): string | undefined {
  return entries.find((entry) => entry.reference === reference)?.note;
}

function childOf(batch: Batch, { reference }: Entry): Posting | undefined {
  const child = batch.variants.find((variant) => variant.kind === 'child' && reference.endsWith(variant.txid));
  return child && childPosting(batch, child, 0);
}

/** Σ debits of the accounts, and the coins that leave the wallet, are those of one transaction at most. */
function checkDebits(batch: Batch, entries: readonly Entry[]): Fault[] {
  const sums = new Map<string, bigint>();
  for (const { account, sats } of entries.flatMap(({ lines }) => lines)) {
    sums.set(account, (sums.get(account) ?? 0n) + sats);
  }
  let debits = 0n;
  for (const [account, sats] of sums) if (account.startsWith('payable:')) debits += sats;
  let [fee, children] = [0n, 0n];
  for (const { kind, feeSats } of batch.variants) {
    if (kind === 'child') children += feeSats;
    else if (feeSats > fee) fee = feeSats;
  }
  const coins = -(sums.get(assets.wallet) ?? 0n);
  const most = outputsOf(batch.items) + fee + children;
  if (debits <= debitOf(batch.items) && coins <= most) return [];
  const detail =
    `payout ${batch.id} takes ${debits} sats from accounts and ${coins} from the wallet, and one transaction of it ` +
    `is for ${debitOf(batch.items)} and takes ${most} at most`;
  return [{ invariant: 'payout-once', detail }];
}
