import type { Network } from '#base/bitcoin/address';
import type { QueueMeter } from '#base/std/queue-meter';
import { type Account, authorizeAccounts } from './accounts.ts';
import { type Authorize, authorizeAddress, authorizeAnyone } from './authorize.ts';

export interface AuthorizationPolicy {
  readonly authorization: 'address' | 'accounts' | 'open';
  readonly accounts: readonly Account[];
}

/** The operator's rule for logins. `passwords` counts passwords that wait to be checked. */
export function authorizeBy(
  { authorization, accounts }: AuthorizationPolicy,
  network: Network,
  passwords?: QueueMeter,
): Authorize {
  switch (authorization) {
    case 'address':
      return authorizeAddress(network);
    case 'accounts':
      return authorizeAccounts(accounts, undefined, passwords);
    case 'open':
      return authorizeAnyone();
  }
}
