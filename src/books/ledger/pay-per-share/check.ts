import { own } from '../entries/accounts.ts';
import type { Entry } from '../entries/entry.ts';
import type { Fault } from '../entries/fault.ts';

/** Faults of an entry that pays for a slice: the reserve pays, and accounts, fee and donation get. */
export function checkSlicePayment({ id, reference, lines }: Entry): Fault[] {
  const wrong = lines.filter(({ account, sats }) =>
    account === own.ppsReserve
      ? sats < 0n
      : sats > 0n || !(account === own.fee || account === own.donation || account.startsWith('payable:')),
  );
  return wrong.map(({ account, sats }) => ({
    invariant: 'slice-payment',
    detail: `entry ${id} (${reference}) pays for a slice, and has ${sats} sats on ${account}`,
  }));
}
