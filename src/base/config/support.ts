import type { Given } from './schema.ts';

/** Keys of `[payout]` that this version acts on. */
const supported: ReadonlySet<string> = new Set(['address', 'tag']);

/**
 * What a config asks for that this version does not do yet. Such keys are valid, so that a config outlives an upgrade,
 * but nobody shall believe that they work.
 */
export function notSupportedYet({ payout = {} }: Given): string[] {
  return Object.keys(payout)
    .filter((key) => !supported.has(key))
    .map((key) => `not supported yet: payout.${key} (blocks pay payout.address alone)`);
}
