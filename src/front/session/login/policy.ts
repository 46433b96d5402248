import type { Network } from '#base/bitcoin/address';
import { type Account, authorizeAccounts } from './accounts.ts';
import { type Authorize, authorizeAddress, authorizeAnyone } from './authorize.ts';

export interface AuthorizationPolicy {
  readonly authorization: 'address' | 'accounts' | 'open';
  readonly accounts: readonly Account[];
}

/** Who may mine, as the operator wants it. */
export function authorizeBy({ authorization, accounts }: AuthorizationPolicy, network: Network): Authorize {
  switch (authorization) {
    case 'address':
      return authorizeAddress(network);
    case 'accounts':
      return authorizeAccounts(accounts);
    case 'open':
      return authorizeAnyone();
  }
}
