import { type Network, parseAddress } from '#base/bitcoin/address';
import { BoundedMap } from '#base/domain/bounded-map';
import type { Wire } from '#base/domain/ports';
import type { Worker } from '#base/domain/share';
import { parseWorkerName } from '../workers/worker-name.ts';

/** The identity of a worker, or the reason of a refusal, for the miner to read. */
export type Authorization = Worker | { readonly refused: string };

/** The connection that a name came over. */
export type Applicant = Pick<Wire, 'remoteIp' | 'affords' | 'misnamed'>;

/**
 * Decides on a name (cleaned, not empty) and a password; never rejects. Returns a promise if a check takes time. Without an
 * applicant no login earns points.
 */
export type Authorize = (
  name: string,
  password: string,
  applicant?: Applicant,
) => Authorization | Promise<Authorization>;

/** Addresses remembered: a farm logs in thousands of workers with one, and reading one takes elliptic curves. */
const ADDRESSES_MAX = 4096;
/** Names remembered that are no addresses: a farm with a mistake in its address repeats it for each of its workers. */
const MISTAKES_MAX = 1024;

const BUSY = { refused: 'too many new addresses at once, try again later' };

/** The user name is a payable address of the network: what makes a pool without accounts. */
export function authorizeAddress(network: Network): Authorize {
  /** In their one spelling, by the spelling that came. */
  const addresses = new BoundedMap<string>(ADDRESSES_MAX);
  /** What is wrong with them. */
  const mistakes = new BoundedMap<string>(MISTAKES_MAX);
  return (name, _password, applicant) => {
    const { account, rig } = parseWorkerName(name);
    const address = addresses.get(account);
    if (address !== undefined) return { name, account: address, rig };
    const mistake = mistakes.get(account);
    if (mistake !== undefined) return { refused: mistake };
    if (applicant?.affords() === false) return BUSY;
    const parsed = parseAddress(account, network);
    if (!parsed.ok) {
      mistakes.set(account, parsed.reason);
      applicant?.misnamed();
      return { refused: parsed.reason };
    }
    addresses.set(account, parsed.address);
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
