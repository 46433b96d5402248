import type { Outpoint } from '#base/domain/wallet';

/**
 * `funded`: recorded, with its inputs. `exported`: its PSBT has left, so it may be signed anywhere. `signed`: its bytes are
 * stored. `sent`: it was handed to the node at least once. `seen`: it is in the mempool. `confirmed`: it is in a block.
 * `settled`: deep enough to be booked as paid. `unpaid`: a conflicting transaction is buried, and the accounts are owed again.
 * `cancelled`: given up before anybody could sign it.
 */
export type BatchState =
  | 'funded'
  | 'exported'
  | 'signed'
  | 'sent'
  | 'seen'
  | 'confirmed'
  | 'settled'
  | 'unpaid'
  | 'cancelled';

export type PayoutMethod = 'wallet' | 'psbt';

/** What an account gets by a batch. */
export interface Item {
  readonly account: string;
  readonly address: string;
  /** Taken from what the account is owed. */
  readonly sats: bigint;
  /** Of these, its part of the network's fee; the output has the rest. */
  readonly feeSats: bigint;
}

/**
 * `pay` and `replace` pay the batch's items. `withdraw` spends their inputs back to the wallet. `child` spends the change of
 * the variant before it, so that miners take both (CPFP).
 */
export type VariantKind = 'pay' | 'replace' | 'withdraw' | 'child';

/** One transaction of a batch. */
export interface Variant {
  readonly number: number;
  readonly kind: VariantKind;
  readonly txid: string;
  readonly psbt: string;
  /** Hex; undefined until it is signed. */
  readonly raw: string | undefined;
  readonly feeSats: bigint;
  /** Satoshis for 1,000 virtual bytes. */
  readonly feeRate: bigint;
  readonly changeIndex: number | undefined;
  readonly changeSats: bigint | undefined;
  readonly madeMs: number;
  readonly inputs: readonly Outpoint[];
}

export type NewVariant = Omit<Variant, 'number' | 'madeMs'>;

export interface Batch {
  readonly number: number;
  readonly id: string;
  readonly method: PayoutMethod;
  readonly state: BatchState;
  readonly settlements: number;
  readonly createdMs: number;
  readonly changedMs: number;
  readonly winner: string | undefined;
  readonly trouble: string | undefined;
  /** In byte order of their accounts. */
  readonly items: readonly Item[];
  readonly variants: readonly Variant[];
}

/** What the accounts of a batch give. */
export function debitOf(items: readonly Item[]): bigint {
  return items.reduce((sum, { sats }) => sum + sats, 0n);
}

/** What the outputs of a batch come to. */
export function outputsOf(items: readonly Item[]): bigint {
  return items.reduce((sum, { sats, feeSats }) => sum + sats - feeSats, 0n);
}

export const outpointText = ({ txid, vout }: Outpoint): string => `${txid}:${vout}`;
