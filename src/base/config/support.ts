import type { Given } from './schema.ts';

/**
 * What a config asks for that this version does not do yet. Such keys are valid, so that a config outlives an upgrade,
 * but nobody shall believe that they work.
 */
export function notSupportedYet({ payout }: Given): string[] {
  const asked: [key: string, unsupported: boolean, instead: string][] = [
    ['payout.scheme', payout?.scheme !== undefined, 'blocks pay payout.address alone'],
    ['payout.fee-percent', payout?.['fee-percent'] !== undefined, 'blocks pay payout.address alone'],
    ['payout.minimum-sats', payout?.['minimum-sats'] !== undefined, 'blocks pay payout.address alone'],
    ['payout.method', payout?.method !== undefined, 'blocks pay payout.address alone'],
  ];
  return asked
    .filter(([, unsupported]) => unsupported)
    .map(([key, , instead]) => `not supported yet: ${key} (${instead})`);
}
