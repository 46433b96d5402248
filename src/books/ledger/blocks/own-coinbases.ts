import type { ReadCoinbase } from '#base/bitcoin/coinbase-reader';
import { BASIS_POINTS, feeOf } from '../rewards/distribute.ts';
import type { Fees } from '../rewards/scheme.ts';
import type { BlockReward, CoinbaseValue } from './postings.ts';

/**
 * A division as the mined coinbase has it. Under `solo` a coinbase that pays the finder has settled what the finder gets: if that is
 * not what the division comes to, because the fee was another when the job was made, the pool's output is the fee. Such a division
 * keeps no terms, since it does not follow from any.
 */
export function asMined({ totalSats, ownSats, direct }: CoinbaseValue, reward: BlockReward): BlockReward {
  const { distribution } = reward;
  const [credit, ...others] = distribution.credits;
  const paid = credit && direct.get(credit.account);
  if (!reward.isFinders || credit === undefined || others.length > 0) return reward;
  if (paid === undefined || paid === credit.sats) return reward;
  const donationSats = distribution.donationSats < ownSats ? distribution.donationSats : ownSats;
  const { terms: _, ...rest } = reward;
  return {
    ...rest,
    distribution: {
      credits: [{ ...credit, sats: paid }],
      feeSats: totalSats - paid - donationSats,
      donationSats,
      roundingSats: 0n,
    },
  };
}

/**
 * Tells the finder of a block by a coinbase that pays it: its first output pays an account all but fee and donation, its second the
 * pool the rest. Undefined if the coinbase is any other, so that a foreign block that pays the pool something is not booked.
 */
export function soloFinder(
  { fees }: { readonly fees: Fees },
  accountOf: (script: Uint8Array) => string | undefined,
): (coinbase: ReadCoinbase) => string | undefined {
  return ({ outputs, totalSats }) => {
    const [first, second, ...others] = outputs.filter(({ sats }) => sats > 0n);
    const finder = first && accountOf(first.script);
    if (finder === undefined || second === undefined || others.length > 0) return undefined;
    const kept = part(totalSats, feeOf(finder, fees)) + part(totalSats, fees.donationBasisPoints);
    return second.sats === kept && accountOf(second.script) === undefined ? finder : undefined;
  };
}

function part(sats: bigint, basisPoints: number): bigint {
  return (sats * BigInt(basisPoints)) / BigInt(BASIS_POINTS);
}
