import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { limits } from '../limits.ts';
import type { Authorization, Authorize } from './authorize.ts';
import { matchesHash, type PasswordHash, parsePasswordHash } from './password-hash.ts';
import { parseWorkerName } from './worker-name.ts';

/** Somebody whom the operator knows. */
export interface Account {
  /** Letters, digits and dashes: what stands before `.` or `_` in a worker's name. */
  readonly name: string;
  /** `scrypt$…`, see password-hash.ts. */
  readonly passwordHash: string;
  /** Where it is paid, in its one spelling. */
  readonly address: string;
}

interface KnownAccount extends Account {
  readonly hash: PasswordHash;
  /** The password that was right last, as a digest under a key of this process; undefined before the first. */
  right: Buffer | undefined;
  /** Passwords that are being checked, by digest: a farm's thousand logins with one password are one check. */
  readonly open: Map<string, Promise<boolean>>;
}

const WRONG = { refused: 'the account is unknown, or its password is another' };
const BUSY = { refused: 'too many logins at once, try again later' };

/**
 * The user is an account, and its password the right one. Hashing it is meant to be slow, so a password that was right
 * is remembered (as a digest), checks run beside the event loop, and only so many run and wait at once.
 */
export function authorizeAccounts(accounts: readonly Account[], check = matchesHash): Authorize {
  const digestKey = randomBytes(32);
  const known = new Map<string, KnownAccount>();
  for (const account of accounts) {
    const hash = parsePasswordHash(account.passwordHash);
    if (!hash) throw new Error(`the account ${account.name} has no readable password hash`);
    known.set(account.name, { ...account, hash, right: undefined, open: new Map() });
  }
  const queue = new CheckQueue();
  return (name, password) => {
    const { account: accountName, rig } = parseWorkerName(name);
    const account = known.get(accountName);
    if (!account) return WRONG;
    const worker: Authorization = { name, account: account.address, rig };
    const digest = createHmac('sha256', digestKey).update(password).digest();
    if (account.right && timingSafeEqual(account.right, digest)) return worker;
    const key = digest.toString('latin1');
    let right = account.open.get(key);
    if (!right) {
      if (queue.full) return BUSY;
      right = queue.run(() => check(password, account.hash)).finally(() => account.open.delete(key));
      account.open.set(key, right);
    }
    return right.then(
      (isRight) => {
        if (isRight) account.right = digest;
        return isRight ? worker : WRONG;
      },
      () => BUSY,
    );
  };
}

/** Runs a bounded number of checks at once, the others in order of arrival. */
class CheckQueue {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  get full(): boolean {
    return this.#waiting.length >= limits.passwordQueueMax;
  }

  async run<T>(check: () => Promise<T>): Promise<T> {
    if (this.#running >= limits.passwordChecksMax) await new Promise<void>((start) => this.#waiting.push(start));
    else this.#running += 1;
    try {
      return await check();
    } finally {
      // The place goes straight to the next one, so that nobody comes between.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }
}
