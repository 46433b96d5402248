import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isPrivate, pointFromScalar, sign } from '@bitcoinerlab/secp256k1';
import { networks, payments } from 'bitcoinjs-lib';
import { fromHex, toHex } from '#base/bitcoin/bytes';
import { replaceFileSync } from '#base/std/atomic-file';

/** The one key of the simulated node's wallet. */
export interface SimulatedKey {
  /** P2WPKH on regtest. */
  readonly address: string;
  /** scriptPubKey. */
  readonly script: Uint8Array;
  /** 33 bytes, compressed. */
  readonly publicKey: Uint8Array;
  /** 64 bytes for a hash of 32 (RFC 6979: the same hash gives the same signature). */
  sign(hash: Uint8Array): Uint8Array;
}

const KEY_BYTES = 32;

/**
 * The key in a file that only its owner may read; the file is made if there is none. An existing file is never replaced, because the
 * simulated coins would be lost. Throws if the file holds no key.
 */
export function loadKey(path: string, random: (bytes: number) => Uint8Array = randomBytes): SimulatedKey {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
    chmodSync(path, 0o600);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    mkdirSync(dirname(path), { recursive: true });
    text = toHex(newSecret(random));
    replaceFileSync(path, `${text}\n`);
  }
  const secret = fromHex(text, KEY_BYTES);
  const key = secret === undefined ? undefined : keyOf(secret);
  if (key === undefined) throw new Error(`${path} holds no key of the simulated wallet: 64 hex digits`);
  return key;
}

/** The key with this secret, 32 bytes; undefined if it is none. */
export function keyOf(secret: Uint8Array): SimulatedKey | undefined {
  const publicKey = isPrivate(secret) ? pointFromScalar(secret, true) : null;
  if (publicKey === null) return undefined;
  const { address, output } = payments.p2wpkh({ pubkey: publicKey, network: networks.regtest });
  if (address === undefined || output === undefined) return undefined;
  return { address, script: output, publicKey, sign: (hash) => sign(hash, secret) };
}

function newSecret(random: (bytes: number) => Uint8Array): Uint8Array {
  for (;;) {
    const secret = random(KEY_BYTES);
    if (isPrivate(secret)) return secret;
  }
}
