import type { Given } from './schema.ts';

/**
 * Settings that have no effect in this version yet. Their keys are valid, so that a config outlives an upgrade, and a warning says
 * that they do nothing.
 */
export function notSupportedYet({ payout = {} }: Given): string[] {
  return payout.method === 'coinbase'
    ? ['not supported yet: payout.method = "coinbase" (the wallet pays what blocks have earned)']
    : [];
}
