import type { Given } from './schema.ts';

/**
 * What a config asks for that this version does not do yet. Such keys are valid, so that a config outlives an upgrade,
 * but nobody shall believe that they work.
 */
export function notSupportedYet({ payout = {} }: Given): string[] {
  return payout.method === 'coinbase'
    ? ['not supported yet: payout.method = "coinbase" (the wallet pays what blocks have earned)']
    : [];
}
