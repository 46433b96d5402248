import { type Network, parseAddress } from '#base/bitcoin/address';
import { BoundedMap } from '#base/domain/bounded-map';
import type { Payee } from '#base/domain/share';

/** What the pool keeps of a block whose coinbase pays the account that found it. */
export interface OwnCoinbaseFees {
  /** Basis points of the whole reward. */
  readonly feeBasisPoints: number;
  readonly donationBasisPoints: number;
  /** Accounts with a fee of their own. */
  readonly exceptions: ReadonlyMap<string, number>;
}

/** Whom the coinbases of an account's sessions pay; undefined if its address can not be paid: then the pool's coinbase is mined. */
export type PayeeOf = (account: string) => Payee | undefined;

/** Payees remembered, so that all sessions of an account have one object. */
const PAYEES_MAX = 16_384;

/** Accounts are addresses of the network. */
export function payees(
  { feeBasisPoints, donationBasisPoints, exceptions }: OwnCoinbaseFees,
  network: Network,
): PayeeOf {
  const known = new BoundedMap<Payee>(PAYEES_MAX);
  return (account) => {
    const before = known.get(account);
    if (before !== undefined) return before;
    const parsed = parseAddress(account, network);
    if (!parsed.ok) return undefined;
    const fee = exceptions.get(account) ?? feeBasisPoints;
    const payee = { account, script: parsed.script, feeBasisPoints: fee, donationBasisPoints };
    known.set(account, payee);
    return payee;
  };
}
