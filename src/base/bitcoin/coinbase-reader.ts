import { script, Transaction } from 'bitcoinjs-lib';
import { type CoinbaseOutput, SERIAL_BYTES } from './coinbase.ts';

/** A coinbase of a block, decoded. */
export interface ReadCoinbase {
  readonly outputs: readonly CoinbaseOutput[];
  /** What all outputs come to. */
  readonly totalSats: bigint;
  /** The job's serial and the pool's identity, if the scriptSig is built as `buildCoinbase` does it. */
  readonly job: { readonly serial: number; readonly identity: Uint8Array } | undefined;
}

/** Reads a serialised coinbase transaction, with or without witness; undefined if the bytes are none. */
export function readCoinbase(bytes: Uint8Array): ReadCoinbase | undefined {
  try {
    const transaction = Transaction.fromBuffer(bytes);
    const [input] = transaction.ins;
    if (!transaction.isCoinbase() || input === undefined) return undefined;
    const outputs = transaction.outs.map(({ script: scriptPubKey, value }) => ({ script: scriptPubKey, sats: value }));
    const totalSats = outputs.reduce((sum, { sats }) => sum + sats, 0n);
    return { outputs, totalSats, job: jobOf(input.script) };
  } catch {
    // bitcoinjs-lib answers bytes that are no transaction by throwing.
    return undefined;
  }
}

/** The second push of the scriptSig. */
function jobOf(scriptSig: Uint8Array): ReadCoinbase['job'] {
  const pushed = script.decompile(scriptSig)?.[1];
  if (!(pushed instanceof Uint8Array) || pushed.length <= SERIAL_BYTES) return undefined;
  const serial = pushed.subarray(0, SERIAL_BYTES).reduceRight((high, byte) => high * 256 + byte, 0);
  return { serial, identity: pushed.slice(SERIAL_BYTES) };
}
