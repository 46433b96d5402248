import { type Network, parseAddress } from '../bitcoin/address.ts';
import type { Worker } from '../domain/share.ts';
import { parseWorkerName } from './worker-name.ts';

/** Who somebody is, or why they may not mine here: a reason for them to read. */
export type Authorization = Worker | { readonly refused: string };

/** Decides on a name (clean, not empty) and a password; never rejects. A promise where that takes more than a moment. */
export type Authorize = (name: string, password: string) => Authorization | Promise<Authorization>;

/** The user name is a payable address of the network: what makes a pool without accounts. */
export function authorizeAddress(network: Network): Authorize {
  return (name) => {
    const { account, rig } = parseWorkerName(name);
    const parsed = parseAddress(account, network);
    // The canonical spelling: two spellings of one address are one account.
    return parsed.ok ? { name, account: parsed.address, rig } : { refused: parsed.reason };
  };
}

/** Any name may mine; nobody is paid by it. For tests, benches and private pools. */
export function authorizeAnyone(): Authorize {
  return (name) => {
    const { account, rig } = parseWorkerName(name);
    return account === '' ? { refused: 'the name is empty' } : { name, account, rig };
  };
}
