import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { hostOf } from '../domain/ip.ts';
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
  /** The last that were wrong, by digest: a farm with a mistake in its password repeats it for each of its workers. */
  readonly wrong: Set<string>;
  /** Passwords that are being checked, by digest: a farm's thousand logins with one password are one check. */
  readonly open: Map<string, Promise<boolean>>;
}

/** Wrong passwords remembered of each account. */
const MISTAKES_MAX = 16;

const WRONG = { refused: 'the account is unknown, or its password is another' };
const BUSY = { refused: 'too many logins at once, try again later' };

/**
 * The user is an account, and its password the right one. Hashing it is meant to be slow, so a password that was right
 * is remembered (as a digest), checks run beside the event loop, and only so many run and wait at once, of
 * one host a few. A wrong password is held against its sender when it comes first.
 */
export function authorizeAccounts(accounts: readonly Account[], check = matchesHash): Authorize {
  const digestKey = randomBytes(32);
  const known = new Map<string, KnownAccount>();
  for (const account of accounts) {
    const hash = parsePasswordHash(account.passwordHash);
    if (!hash) throw new Error(`the account ${account.name} has no readable password hash`);
    known.set(account.name, { ...account, hash, right: undefined, wrong: new Set(), open: new Map() });
  }
  const queue = new CheckQueue();
  return (name, password, applicant) => {
    const { account: accountName, rig } = parseWorkerName(name);
    const account = known.get(accountName);
    if (!account) return WRONG;
    const worker: Authorization = { name, account: account.address, rig };
    const digest = createHmac('sha256', digestKey).update(password).digest();
    if (account.right && timingSafeEqual(account.right, digest)) return worker;
    const key = digest.toString('latin1');
    if (account.wrong.has(key)) return WRONG;
    let right = account.open.get(key);
    if (!right) {
      const host = applicant && hostOf(applicant.remoteIp);
      if (!queue.takes(host)) return BUSY;
      right = queue
        .run(host, () => check(password, account.hash))
        .then((isRight) => {
          if (isRight) account.right = digest;
          else {
            remember(account.wrong, key);
            applicant?.misnamed();
          }
          return isRight;
        })
        .finally(() => account.open.delete(key));
      account.open.set(key, right);
    }
    return right.then(
      (isRight) => (isRight ? worker : WRONG),
      () => BUSY,
    );
  };
}

/** The oldest is forgotten. */
function remember(wrong: Set<string>, key: string): void {
  wrong.add(key);
  if (wrong.size <= MISTAKES_MAX) return;
  for (const oldest of wrong) {
    wrong.delete(oldest);
    break;
  }
}

/** Runs a bounded number of checks at once, the others in order of arrival; of each host no more than a share. */
class CheckQueue {
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  /** Running and waiting. */
  readonly #ofHost = new Map<string, number>();

  takes(host: string | undefined): boolean {
    if (host !== undefined && (this.#ofHost.get(host) ?? 0) >= limits.passwordsPerAddressMax) return false;
    return this.#waiting.length < limits.passwordQueueMax;
  }

  async run<T>(host: string | undefined, check: () => Promise<T>): Promise<T> {
    this.#count(host, 1);
    if (this.#running >= limits.passwordChecksMax) await new Promise<void>((start) => this.#waiting.push(start));
    else this.#running += 1;
    try {
      return await check();
    } finally {
      this.#count(host, -1);
      // The place goes straight to the next one, so that nobody comes between.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }

  #count(host: string | undefined, change: number): void {
    if (host === undefined) return;
    const count = (this.#ofHost.get(host) ?? 0) + change;
    if (count > 0) this.#ofHost.set(host, count);
    else this.#ofHost.delete(host);
  }
}
