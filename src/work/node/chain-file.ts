import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fromHex, toHex } from '#base/bitcoin/bytes';
import { HEADER_BYTES } from '#base/bitcoin/header';
import { replaceFileSync } from '#base/std/atomic-file';
import { type ChainEnd, HeaderChain } from './header-chain.ts';
import type { StoredCoins } from './simulated-coins.ts';

/** Told by its first field, so that another program's file is not taken for one. */
const FORMAT = 'sluice simulated chain 1';

/** A chain, and the coins that the node's wallet has in it. */
export interface LoadedChain {
  readonly chain: HeaderChain;
  readonly coins: StoredCoins | undefined;
}

/** What is stored in the file; a new chain where there is no file. Throws if the file is no such chain. */
export function loadChain(path: string): LoadedChain {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      return { chain: new HeaderChain(), coins: undefined };
    throw error;
  }
  try {
    const { coins, ...end } = decode(text);
    return { chain: new HeaderChain(end), coins };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `${path} holds no chain of the simulated node: ${reason}. Move the file away to start a new chain at height 0.`,
    );
  }
}

/** Replaces the file as a whole: whenever the process dies, there is the old chain or the new one. */
export function saveChain(path: string, end: ChainEnd, coins: StoredCoins | undefined): void {
  mkdirSync(dirname(path), { recursive: true });
  const coinbases = end.coinbases.map((coinbase) => (coinbase === undefined ? null : toHex(coinbase)));
  const { height, headers } = end;
  const text = JSON.stringify({ format: FORMAT, height, headers: headers.map(toHex), coinbases, coins });
  replaceFileSync(path, `${text}\n`);
}

function decode(text: string): ChainEnd & { readonly coins: StoredCoins | undefined } {
  const stored: unknown = JSON.parse(text);
  if (typeof stored !== 'object' || stored === null || !('format' in stored) || stored.format !== FORMAT) {
    throw new Error(`its format is not "${FORMAT}"`);
  }
  if (!('height' in stored) || typeof stored.height !== 'number') throw new Error('height is no number');
  if (!('headers' in stored) || !Array.isArray(stored.headers)) throw new Error('headers is no list');
  const headers = (stored.headers as unknown[]).map((header) => {
    const bytes = typeof header === 'string' ? fromHex(header, HEADER_BYTES) : undefined;
    if (bytes === undefined) throw new Error('a header is not 80 bytes of hex');
    return bytes;
  });
  const coins = 'coins' in stored ? readCoins(stored.coins) : undefined;
  return { height: stored.height, headers, coinbases: decodeCoinbases(stored, headers.length), coins };
}

/** Files of versions that kept no coinbases have none. */
function decodeCoinbases(stored: object, count: number): (Uint8Array | undefined)[] {
  if (!('coinbases' in stored)) return [];
  if (!Array.isArray(stored.coinbases) || stored.coinbases.length !== count) {
    throw new Error('coinbases is no list with one for each header');
  }
  return (stored.coinbases as unknown[]).map((coinbase) => {
    const bytes = typeof coinbase === 'string' ? fromHex(coinbase) : undefined;
    if (bytes === undefined && coinbase !== null) throw new Error('a coinbase is no hex');
    return bytes;
  });
}

function readCoins(stored: unknown): StoredCoins {
  const { coinbases, transactions } = (stored ?? {}) as Readonly<Record<string, unknown>>;
  const isCoinbase = (item: unknown): boolean => {
    const [txid, vout, sats, height] = Array.isArray(item) ? (item as unknown[]) : [];
    const isAmount = typeof sats === 'string' && /^[0-9]{1,16}$/.test(sats);
    return isAmount && typeof txid === 'string' && /^[0-9a-f]{64}$/.test(txid) && isWhole(vout) && isWhole(height);
  };
  const isTransaction = (item: unknown): boolean => {
    const [raw, height, isWaiting] = Array.isArray(item) ? (item as unknown[]) : [];
    const isPlace = (height === null || isWhole(height)) && typeof isWaiting === 'boolean';
    return isPlace && typeof raw === 'string' && fromHex(raw) !== undefined;
  };
  if (!Array.isArray(coinbases) || !coinbases.every(isCoinbase)) throw new Error('coins.coinbases is no list of coins');
  if (!Array.isArray(transactions) || !transactions.every(isTransaction)) {
    throw new Error('coins.transactions is no list of transactions');
  }
  return { coinbases, transactions };
}

function isWhole(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
