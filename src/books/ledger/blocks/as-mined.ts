import type { Credit } from '../rewards/scheme.ts';
import type { BlockReward, CoinbaseValue } from './postings.ts';

/**
 * A division as the mined coinbase has it. What a coinbase has paid to an account settles the account's part: if that is not what the
 * division comes to, because fees were others when the job was made, the difference is the pool's fee. Such a division keeps no
 * terms, since it does not follow from any. If the fee can not cover the difference, the division stands: the accounts then owe it.
 */
export function asMined({ totalSats, direct }: CoinbaseValue, reward: BlockReward): BlockReward {
  const { distribution } = reward;
  const paid = ({ account, sats }: Credit): bigint => direct.get(account) ?? sats;
  if (distribution.credits.every((credit) => paid(credit) === credit.sats)) return reward;
  const credits = distribution.credits.map((credit) => ({ ...credit, sats: paid(credit) }));
  const left = credits.reduce((sum, { sats }) => sum - sats, totalSats);
  const feeSats = left - distribution.donationSats;
  if (feeSats < 0n) return reward;
  const { terms: _, ...rest } = reward;
  return { ...rest, distribution: { credits, feeSats, donationSats: distribution.donationSats, roundingSats: 0n } };
}
