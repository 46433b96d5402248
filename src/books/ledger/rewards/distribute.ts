import { apportion } from './apportion.ts';
import { byAccount, type Distribution, type Fees } from './scheme.ts';

/** Basis points in a whole. */
export const BASIS_POINTS = 10_000;
const WHOLE = BigInt(BASIS_POINTS);

/** What an account brings into a division. */
export interface Weighed {
  readonly account: string;
  readonly weight: bigint;
  readonly work: bigint;
}

/** The fee of an account in basis points. Throws a RangeError if fee and donation together are no part of a whole. */
export function feeOf(account: string, { feeBasisPoints, donationBasisPoints, exceptions }: Fees): number {
  const fee = exceptions.get(account) ?? feeBasisPoints;
  const both = fee + donationBasisPoints;
  if (!Number.isInteger(fee) || !Number.isInteger(both) || fee < 0 || donationBasisPoints < 0 || both > BASIS_POINTS) {
    throw new RangeError(`feeOf: a fee of ${fee} and a donation of ${donationBasisPoints} basis points for ${account}`);
  }
  return fee;
}

/**
 * Divides a reward R over accounts a with weights w_a, W = Σ w_a, fees f_a (the pool's fee, or the account's own) and a donation d,
 * both in parts of 10,000:
 *
 *     donation = ⌊R × d⌋    fee = ⌊R × Σ w_a f_a ÷ W⌋    credit_a = (R − donation − fee) in proportion to w_a × (1 − f_a − d)
 *
 * The credits are rounded by largest remainder, ties in byte order of account. With no exceptions the fee is ⌊R × f⌋ and the credits
 * are in proportion to w_a. An account's exception changes the pool's fee and no other account's credit by more than a satoshi.
 * If nobody has a weight, the fee is the pool's own rate and the rest is `roundingSats`.
 */
export function distribute(
  rewardSats: bigint,
  weighed: readonly Weighed[],
  fees: Fees,
  jobs: { readonly fromJobId: string | undefined; readonly toJobId: string | undefined },
): Distribution {
  if (rewardSats < 0n) throw new RangeError(`distribute: a reward of ${rewardSats} sats`);
  const accounts = weighed.toSorted(byAccount);
  const donation = BigInt(fees.donationBasisPoints);
  const rates = accounts.map(({ account }) => BigInt(feeOf(account, fees)));
  let totalWeight = 0n;
  let feeWeight = 0n;
  for (const [at, { weight }] of accounts.entries()) {
    totalWeight += weight;
    feeWeight += weight * (rates[at] ?? 0n);
  }
  const donationSats = (rewardSats * donation) / WHOLE;
  const feeSats =
    totalWeight === 0n
      ? (rewardSats * BigInt(fees.feeBasisPoints)) / WHOLE
      : (rewardSats * feeWeight) / (totalWeight * WHOLE);
  const restSats = rewardSats - donationSats - feeSats;
  const parts = apportion(
    restSats,
    accounts.map(({ weight }, at) => weight * (WHOLE - donation - (rates[at] ?? 0n))),
  );
  let roundingSats = restSats;
  const credits = accounts.map(({ account, weight, work }, at) => {
    const sats = parts[at] ?? 0n;
    roundingSats -= sats;
    return { account, sats, weight, work };
  });
  return { credits, feeSats, donationSats, roundingSats, totalWeight, ...jobs };
}
