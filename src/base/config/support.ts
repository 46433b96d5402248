import type { Given } from './schema.ts';

/** Keys of `[payout]` that say how something is paid out: the books only say what is owed. */
const payingOut = ['minimum-sats', 'method', 'interval', 'network-fee', 'fee-rate-min', 'fee-rate-max'] as const;

/**
 * What a config asks for that this version does not do yet. Such keys are valid, so that a config outlives an upgrade,
 * but nobody shall believe that they work.
 */
export function notSupportedYet({ payout = {} }: Given): string[] {
  return payingOut
    .filter((key) => payout[key] !== undefined)
    .map((key) => `not supported yet: payout.${key} (the books say what is owed, and nothing is paid out)`);
}
