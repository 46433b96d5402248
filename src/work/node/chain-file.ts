import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fromHex, toHex } from '#base/bitcoin/bytes';
import { HEADER_BYTES } from '#base/bitcoin/header';
import { replaceFileSync } from '#base/std/atomic-file';
import { type ChainEnd, HeaderChain } from './header-chain.ts';

/** Told by its first field, so that another program's file is not taken for one. */
const FORMAT = 'sluice simulated chain 1';

/** The chain stored in the file; a new one where there is no file. Throws where the file is no such chain. */
export function loadChain(path: string): HeaderChain {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return new HeaderChain();
    throw error;
  }
  try {
    return new HeaderChain(decode(text));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `${path} holds no chain of the simulated node: ${reason}. Move the file away to start a new chain at height 0.`,
    );
  }
}

/** Replaces the file as a whole: whenever the process dies, there is the old chain or the new one. */
export function saveChain(path: string, end: ChainEnd): void {
  mkdirSync(dirname(path), { recursive: true });
  const coinbases = end.coinbases.map((coinbase) => (coinbase === undefined ? null : toHex(coinbase)));
  const text = JSON.stringify({ format: FORMAT, height: end.height, headers: end.headers.map(toHex), coinbases });
  replaceFileSync(path, `${text}\n`);
}

function decode(text: string): ChainEnd {
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
  return { height: stored.height, headers, coinbases: decodeCoinbases(stored, headers.length) };
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
