import { isXOnlyPoint } from '@bitcoinerlab/secp256k1';
import { address, networks } from 'bitcoinjs-lib';
import { concatBytes, equalBytes } from './bytes.ts';

/** The chains that Sluice mines on. */
export type Network = 'main' | 'testnet4' | 'signet' | 'regtest';

export const networkNames: readonly Network[] = ['main', 'testnet4', 'signet', 'regtest'];

/** Prefixes per chain; testnet4 and signet share testnet3's, so their addresses look the same (Core, chainparams.cpp). */
const prefixesOf = {
  main: networks.bitcoin,
  testnet4: networks.testnet,
  signet: networks.testnet,
  regtest: networks.regtest,
} as const satisfies Record<Network, unknown>;

/** What an address pays to, or why it pays to nothing here. */
export type AddressResult =
  | {
      readonly ok: true;
      /** scriptPubKey. */
      readonly script: Uint8Array;
      /** The one spelling of this address: bech32 may also be written in capitals. */
      readonly address: string;
    }
  | { readonly ok: false; readonly reason: string };

/** BIP173's longest bech32 string; base58 addresses are shorter. */
const ADDRESS_CHARS_MAX = 90;

/** What stands before the first `1` of a bech32 address, of any chain. */
const bech32Prefixes: ReadonlySet<string> = new Set(Object.values(prefixesOf).map(({ bech32 }) => bech32));
/** BIP173's data characters, in one case or the other. */
const bech32Shape = /^[a-z]+1[02-9ac-hj-np-z]+$|^[A-Z]+1[02-9AC-HJ-NP-Z]+$/;
/** The first characters that the four versions can have in base58, with 20 bytes and a checksum. */
const base58Shape = /^[123mn][1-9A-HJ-NP-Za-km-z]{24,35}$/;

/**
 * Reads an address of the given network: P2PKH, P2SH, P2WPKH, P2WSH and P2TR (BIP173, BIP350, BIP341). Witness versions
 * that have no rules yet are refused, because anyone could spend their coins. Made for hostile input: a text that does not look like
 * an address costs 1 µs, an address 10 µs, and a taproot key 70 µs.
 */
export function parseAddress(text: string, network: Network): AddressResult {
  if (text.length === 0) return refused('the address is empty');
  if (text.length > ADDRESS_CHARS_MAX) return refused('the address is too long');
  if (/[^0-9A-Za-z]/.test(text)) return refused('the address has characters that no address has');
  const prefix = text.slice(0, text.indexOf('1')).toLowerCase();
  if (bech32Prefixes.has(prefix)) {
    return prefix === prefixesOf[network].bech32 ? parseSegwit(text) : refused(`not an address of ${network}`);
  }
  return parseBase58(text, network);
}

/** The address that an output pays, in its one spelling; undefined if the script is that of no address which can be paid. */
export function addressOf(script: Uint8Array, network: Network): string | undefined {
  const { pubKeyHash, scriptHash, bech32 } = prefixesOf[network];
  const version = script[0] === 0x51 ? 1 : 0;
  const candidates = [
    () => address.toBase58Check(script.subarray(3, 23), pubKeyHash),
    () => address.toBase58Check(script.subarray(2, 22), scriptHash),
    () => address.toBech32(script.subarray(2), version, bech32),
  ];
  for (const candidate of candidates) {
    const text = attempt(candidate);
    const read = text === undefined ? undefined : parseAddress(text, network);
    // Whatever was made of the script, it is its address if it pays to the very script.
    if (read?.ok === true && equalBytes(read.script, script)) return read.address;
  }
  return undefined;
}

function parseBase58(text: string, network: Network): AddressResult {
  if (!base58Shape.test(text)) return refused(MALFORMED);
  const read = attempt(() => address.fromBase58Check(text));
  if (!read) return refused(MALFORMED);
  const { pubKeyHash, scriptHash } = prefixesOf[network];
  const { version, hash } = read;
  if (version === pubKeyHash) return paying(text, [0x76, 0xa9, hash.length], hash, [0x88, 0xac]);
  if (version === scriptHash) return paying(text, [0xa9, hash.length], hash, [0x87]);
  return refused(`not an address of ${network}`);
}

function parseSegwit(text: string): AddressResult {
  const read = bech32Shape.test(text) ? attempt(() => address.fromBech32(text)) : undefined;
  if (!read) return refused(MALFORMED);
  const { version, data: program } = read;
  const canonical = text.toLowerCase();
  if (version === 0 && (program.length === 20 || program.length === 32)) {
    return paying(canonical, [0x00, program.length], program);
  }
  if (version === 1 && program.length === 32) {
    // The key is not on the curve, so the coin could never be spent.
    if (!isXOnlyPoint(program)) return refused('the address pays to no valid key');
    return paying(canonical, [0x51, program.length], program);
  }
  if (version < 2) return refused(`a witness program of ${program.length} bytes is none that can be paid`);
  return refused(`witness version ${version} has no rules yet`);
}

const MALFORMED = 'not an address: its checksum or form is wrong';

/** The script is `before` (opcodes, and the length of what is pushed), what is pushed, and the opcodes `after`. */
function paying(
  canonical: string,
  before: readonly number[],
  pushed: Uint8Array,
  after: readonly number[] = [],
): AddressResult {
  const script = concatBytes([Uint8Array.from(before), pushed, Uint8Array.from(after)]);
  return { ok: true, script, address: canonical };
}

function refused(reason: string): AddressResult {
  return { ok: false, reason };
}

/** bitcoinjs-lib answers a bad checksum by throwing. */
function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
