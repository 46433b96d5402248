/**
 * The accounts of the books, and their signs. A line's sats are positive if the pool owns more or owes less by it, and
 * negative if it owes more or has earned something:
 *
 *   asset:immature, asset:wallet, asset:in_flight     positive: coins that the pool has
 *   immature:A, payable:A, in_flight:A                negative: what the pool owes the miner's account A
 *   own:fee, own:rounding, own:pps_reserve …          negative: what the pool has earned; positive: what it has spent
 *   paid:A                                            negative: what A was ever paid; a memorandum, `own:paid_out` its
 *                                                     counterpart
 *
 * So all balances together are zero at any time: assets = debts + earnings.
 */
export const assets = {
  /** Coinbase outputs that may not be spent yet. */
  immature: 'asset:immature',
  /** Spendable coins. */
  wallet: 'asset:wallet',
  /** Coins in transactions that are not settled. */
  inFlight: 'asset:in_flight',
} as const;

export const own = {
  fee: 'own:fee',
  donation: 'own:donation',
  /** What schemes that carry fractions have left over, and coins of a block that no account has earned. */
  rounding: 'own:rounding',
  /** PPS: the operator's risk. Blocks fill it, slices empty it. */
  ppsReserve: 'own:pps_reserve',
  /** Fees of the pool's transactions that the pool bears. */
  networkFees: 'own:network_fees',
  /** What the operator has taken out of the wallet and answered for: positive. */
  withdrawn: 'own:withdrawn',
  /** The counterpart of all `paid:` accounts. */
  paidOut: 'own:paid_out',
} as const;

export const immatureOf = (account: string): string => `immature:${account}`;
export const payableOf = (account: string): string => `payable:${account}`;
export const inFlightOf = (account: string): string => `in_flight:${account}`;
export const paidOf = (account: string): string => `paid:${account}`;

/** Orders accounts by their UTF-8 bytes, as SQLite's BINARY collation does. */
export function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** One miner's account as people read it: every figure is positive in the miner's favour. */
export interface MinerBalance {
  readonly account: string;
  readonly immatureSats: bigint;
  readonly payableSats: bigint;
  readonly inFlightSats: bigint;
  readonly paidSats: bigint;
}

/** The balances of all miners' accounts, in byte order. */
export function minerBalances(balances: ReadonlyMap<string, bigint>): readonly MinerBalance[] {
  const names = new Set<string>();
  for (const name of balances.keys()) {
    const [, account] = /^(?:immature|payable|in_flight|paid):(.*)$/s.exec(name) ?? [];
    if (account !== undefined) names.add(account);
  }
  const owed = (name: string): bigint => -(balances.get(name) ?? 0n);
  return [...names].sort(compareBytes).map((account) => ({
    account,
    immatureSats: owed(immatureOf(account)),
    payableSats: owed(payableOf(account)),
    inFlightSats: owed(inFlightOf(account)),
    paidSats: owed(paidOf(account)),
  }));
}
