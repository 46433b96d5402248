import { randomBytes } from 'node:crypto';

/** A payout's id: 12 hex digits, never used twice, also by a copy of a data folder. */
export function newPayoutId(): string {
  return randomBytes(6).toString('hex');
}
