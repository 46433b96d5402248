import type { ReadCoinbase } from '#base/bitcoin/coinbase-reader';
import { BASIS_POINTS, feeOf } from '../rewards/distribute.ts';
import type { Fees } from '../rewards/scheme.ts';
import type { DivideReward, SliceSource } from './block-book.ts';

/** The account that an output pays; undefined for the pool's outputs, and those of nobody. */
type AccountOf = (script: Uint8Array) => string | undefined;

/**
 * Tells the finder of a block by a coinbase that pays it: its first output pays an account all but fee and donation, its second the
 * pool the rest. Undefined if the coinbase is any other, so that a foreign block that pays the pool something is not booked.
 */
export function soloFinder(
  { fees }: { readonly fees: Fees },
  accountOf: AccountOf,
): (coinbase: ReadCoinbase) => string | undefined {
  return ({ outputs, totalSats }) => {
    const [first, second, ...others] = outputs.filter(({ sats }) => sats > 0n);
    const finder = first && accountOf(first.script);
    if (finder === undefined || second === undefined || others.length > 0) return undefined;
    const kept = part(totalSats, feeOf(finder, fees)) + part(totalSats, fees.donationBasisPoints);
    return second.sats === kept && accountOf(second.script) === undefined ? finder : undefined;
  };
}

export interface WindowPaidModules {
  readonly slices: SliceSource;
  readonly divide: DivideReward;
  readonly accountOf: AccountOf;
}

/** Whether a coinbase pays accounts, each exactly what the window of its (sealed) job credits it with, and nobody else. */
export function windowPaid({ slices, divide, accountOf }: WindowPaidModules) {
  return (jobId: string, { outputs, totalSats }: ReadCoinbase): boolean => {
    const before = { previousJobId: undefined, previousPropJobId: undefined };
    const block = { hash: '', jobId, finder: '', rewardSats: totalSats, ...before };
    const { distribution } = divide(block, slices.slicesBack(slices.divisionFrom(jobId)));
    const credits = new Map(distribution.credits.map(({ account, sats }) => [account, sats]));
    return outputs.every(({ script, sats }) => {
      const account = accountOf(script);
      return account === undefined || credits.get(account) === sats;
    });
  };
}

function part(sats: bigint, basisPoints: number): bigint {
  return (sats * BigInt(basisPoints)) / BigInt(BASIS_POINTS);
}
