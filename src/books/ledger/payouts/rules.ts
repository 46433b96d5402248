import type { Network } from '#base/bitcoin/address';
import type { PayoutMethod } from './batch.ts';

/** What the operator has decided about payouts. */
export interface PayoutRules {
  readonly network: Network;
  readonly method: PayoutMethod;
  /** Where the pool's coinbases pay: an account of that address is not paid. */
  readonly ownAddress?: string | undefined;
  /** Addresses of accounts whose name is none. */
  readonly addresses: ReadonlyMap<string, string>;
  /** The least that an account is paid, and accounts with a least of their own. */
  readonly minimumSats: bigint;
  readonly minimums: ReadonlyMap<string, bigint>;
  /** Who bears the network's fee. */
  readonly networkFee: 'pool' | 'miners';
  /** Bounds of the fee rate, satoshis for 1,000 virtual bytes. */
  readonly feeRateMin: bigint;
  readonly feeRateMax: bigint;
  /** Confirmations until a payout is booked as paid, and until nothing can undo it. */
  readonly settleDepth: number;
  readonly buryDepth: number;
}
