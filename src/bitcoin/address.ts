import * as secp256k1 from '@bitcoinerlab/secp256k1';
import { address, initEccLib, networks, payments } from 'bitcoinjs-lib';

initEccLib(secp256k1);

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

/**
 * Reads an address of the given network: P2PKH, P2SH, P2WPKH, P2WSH and P2TR (BIP173, BIP350, BIP341). Witness versions
 * that have no rules yet are refused, because anyone could spend what is paid to them. Made for hostile input.
 */
export function parseAddress(text: string, network: Network): AddressResult {
  if (text.length === 0) return refused('the address is empty');
  if (text.length > ADDRESS_CHARS_MAX) return refused('the address is too long');
  if (/[^0-9A-Za-z]/.test(text)) return refused('the address has characters that no address has');
  const base58 = attempt(() => address.fromBase58Check(text));
  if (base58) return parseBase58(text, base58.version, base58.hash, network);
  const bech32 = attempt(() => address.fromBech32(text));
  if (bech32) return parseSegwit(text, bech32.prefix, bech32.version, bech32.data, network);
  return refused('not an address: its checksum or form is wrong');
}

function parseBase58(text: string, version: number, hash: Uint8Array, network: Network): AddressResult {
  const { pubKeyHash, scriptHash } = prefixesOf[network];
  if (version === pubKeyHash) return paying(text, () => payments.p2pkh({ hash }).output);
  if (version === scriptHash) return paying(text, () => payments.p2sh({ hash }).output);
  return refused(`not an address of ${network}`);
}

function parseSegwit(
  text: string,
  prefix: string,
  version: number,
  program: Uint8Array,
  network: Network,
): AddressResult {
  if (prefix !== prefixesOf[network].bech32) return refused(`not an address of ${network}`);
  const canonical = text.toLowerCase();
  if (version === 0 && program.length === 20) return paying(canonical, () => payments.p2wpkh({ hash: program }).output);
  if (version === 0 && program.length === 32) return paying(canonical, () => payments.p2wsh({ hash: program }).output);
  if (version === 1 && program.length === 32) return paying(canonical, () => payments.p2tr({ pubkey: program }).output);
  if (version < 2) return refused(`a witness program of ${program.length} bytes is none that can be paid`);
  return refused(`witness version ${version} has no rules yet`);
}

/** A taproot program off the curve fails here: nobody could ever spend it. */
function paying(canonical: string, output: () => Uint8Array | undefined): AddressResult {
  const script = attempt(output);
  return script ? { ok: true, script, address: canonical } : refused('the address pays to no valid key');
}

function refused(reason: string): AddressResult {
  return { ok: false, reason };
}

/** bitcoinjs-lib answers bad input by throwing; here bad input is normal. */
function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
