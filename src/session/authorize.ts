import { type Network, parseAddress } from '../bitcoin/address.ts';
import type { Worker } from '../domain/share.ts';
import { parseWorkerName } from './worker-name.ts';

/** Who somebody is, or why they may not mine here: a reason for them to read. */
export type Authorization = Worker | { readonly refused: string };

/** Decides on a name (clean, not empty) and a password; never rejects. A promise where that takes more than a moment. */
export type Authorize = (name: string, password: string) => Authorization | Promise<Authorization>;

/** Good addresses remembered: a farm logs in thousands of workers with one, and reading one takes elliptic curves. */
const ADDRESSES_MAX = 4096;

/** The user name is a payable address of the network: what makes a pool without accounts. */
export function authorizeAddress(network: Network): Authorize {
  /** In their one spelling, by the spelling that came. */
  const known = new Map<string, string>();
  return (name) => {
    const { account, rig } = parseWorkerName(name);
    const address = known.get(account);
    if (address !== undefined) return { name, account: address, rig };
    const parsed = parseAddress(account, network);
    if (!parsed.ok) return { refused: parsed.reason };
    if (known.size >= ADDRESSES_MAX) known.clear();
    known.set(account, parsed.address);
    // The canonical spelling: two spellings of one address are one account.
    return { name, account: parsed.address, rig };
  };
}

/** Any name may mine; nobody is paid by it. For tests, benches and private pools. */
export function authorizeAnyone(): Authorize {
  return (name) => {
    const { account, rig } = parseWorkerName(name);
    return account === '' ? { refused: 'the name is empty' } : { name, account, rig };
  };
}
