import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { BoundedMap } from '#base/domain/bounded-map';
import { limits } from '#base/limits';
import { QueueMeter } from '#base/std/queue-meter';
import { systemClock } from '#base/std/system-clock';
import { parseWorkerName } from '../workers/worker-name.ts';
import type { Authorization, Authorize } from './authorize.ts';
import { CheckQueue } from './check-queue.ts';
import { matchesHash, type PasswordHash, parsePasswordHash } from './password-hash.ts';

/** An account of the config. */
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
}

const WRONG = { refused: 'the account is unknown, or its password is another' };
const BUSY = { refused: 'too many logins at once, try again later' };

/**
 * Requires an account of the config and its password. Password hashing is slow by design. So a digest of a right password is
 * remembered, checks run outside the event loop, and waiting checks take turns by subnet and address. The password of an unknown
 * account is hashed too, so that the time of an answer does not reveal which accounts exist. A new wrong password earns its sender
 * points; a repeated one does not. `passwords` counts the checks that wait.
 */
export function authorizeAccounts(
  accounts: readonly Account[],
  check = matchesHash,
  passwords = new QueueMeter(systemClock),
): Authorize {
  const digestKey = randomBytes(32);
  const digestOf = (text: string): Buffer => createHmac('sha256', digestKey).update(text).digest();
  const known = new Map<string, KnownAccount>();
  for (const account of accounts) {
    const hash = parsePasswordHash(account.passwordHash);
    if (!hash) throw new Error(`the account ${account.name} has no readable password hash`);
    known.set(account.name, { ...account, hash, right: undefined });
  }
  const hashes = [...known.values()].map(({ hash }) => hash);
  /** What an unknown account's password is hashed with: always the same one of the known accounts' hashes. */
  const decoyOf = (name: string): PasswordHash | undefined => hashes[digestOf(name).readUInt32LE() % hashes.length];
  /** The last wrong passwords, by digest: a farm with a mistake in its password repeats it for each of its workers. */
  const wrong = new BoundedMap<true>(limits.passwordMistakesMax);
  /** Passwords that are being checked, by digest: a farm's thousand logins with one password are one check. */
  const open = new Map<string, Promise<boolean>>();
  const queue = new CheckQueue(passwords);
  return (name, password, applicant) => {
    const { account: accountName, rig } = parseWorkerName(name);
    const account = known.get(accountName);
    const hash = account?.hash ?? decoyOf(accountName);
    if (hash === undefined) return WRONG;
    const digest = digestOf(`${accountName}\0${password}`);
    const worker = account && { name, account: account.address, rig };
    if (worker && account.right && timingSafeEqual(account.right, digest)) return worker;
    const key = digest.toString('latin1');
    if (wrong.has(key)) return WRONG;
    let right = open.get(key);
    if (!right) {
      const address = applicant?.remoteIp ?? '';
      if (address !== '' && !queue.takes(address)) return BUSY;
      right = queue
        .run(address, () => check(password, hash))
        .then((matches) => {
          const isRight = matches && account !== undefined;
          if (isRight) account.right = digest;
          else {
            wrong.set(key, true);
            applicant?.misnamed();
          }
          return isRight;
        })
        .finally(() => open.delete(key));
      open.set(key, right);
    }
    return right.then(
      (isRight): Authorization => (isRight && worker ? worker : WRONG),
      () => BUSY,
    );
  };
}
