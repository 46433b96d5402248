import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

/** How much work a guess costs (RFC 7914): N = 2^logCost, memory 128·N·r bytes. */
interface Cost {
  readonly logCost: number;
  readonly blockSize: number;
  readonly parallel: number;
}

/** The format of a password's hash in the config: `scrypt$logN$r$p$salt$hash`, the last two base64url. */
export interface PasswordHash extends Cost {
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

/** About 40 ms and 16 MiB. */
const usual: Cost = { logCost: 14, blockSize: 8, parallel: 1 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;

/** Reads a hash; undefined for anything else, and for one that would cost more than a login may. */
export function parsePasswordHash(text: string): PasswordHash | undefined {
  const match = /^scrypt\$(\d{1,2})\$(\d{1,2})\$(\d)\$([\w-]{11,86})\$([\w-]{43})$/.exec(text);
  if (match === null) return undefined;
  const [logCost = 0, blockSize = 0, parallel = 0] = match.slice(1, 4).map(Number);
  if (logCost < 10 || logCost > 17 || blockSize < 1 || blockSize > 16 || parallel < 1 || parallel > 4) return undefined;
  const [salt, hash] = match.slice(4).map((part) => Buffer.from(part, 'base64url'));
  if (salt === undefined || hash?.length !== HASH_BYTES) return undefined;
  return { logCost, blockSize, parallel, salt, hash };
}

/** Hashes a password under a salt of its own. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, salt, usual);
  const { logCost, blockSize, parallel } = usual;
  return `scrypt$${logCost}$${blockSize}$${parallel}$${salt.toString('base64url')}$${hash.toString('base64url')}`;
}

/** Off the event loop: the work is done by a thread of libuv's pool. */
export async function matchesHash(password: string, { salt, hash, ...cost }: PasswordHash): Promise<boolean> {
  return timingSafeEqual(await derive(password, salt, cost), hash);
}

function derive(password: string, salt: Uint8Array, { logCost, blockSize, parallel }: Cost): Promise<Buffer> {
  const N = 2 ** logCost;
  const options = { N, r: blockSize, p: parallel, maxmem: 256 * N * blockSize };
  return new Promise((resolve, reject) => {
    scrypt(password, salt, HASH_BYTES, options, (error, key) => (error ? reject(error) : resolve(key)));
  });
}
