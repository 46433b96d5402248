import { Psbt, Transaction } from 'bitcoinjs-lib';
import { toDisplayHash } from './bytes.ts';

/** A transaction's inputs and outputs, without signatures. */
export interface TransactionShape {
  /** 64 hex digits, display order. */
  readonly txid: string;
  readonly inputs: readonly { readonly txid: string; readonly vout: number; readonly sequence: number }[];
  readonly outputs: readonly { readonly script: Uint8Array; readonly sats: bigint }[];
}

export interface SignedShape extends TransactionShape {
  /** Weight units (BIP141). */
  readonly weight: number;
}

export interface PsbtShape extends TransactionShape {
  /** Of the inputs, in their order, as the PSBT says; undefined if it says nothing of one. */
  readonly inputSats: readonly bigint[] | undefined;
}

/** BIP125: an input with a lower sequence number signals that its transaction may be replaced. */
export const SEQUENCE_FINAL_MIN = 0xffff_fffe;
/** A standard transaction has at most 100,000 bytes; a PSBT has each input's whole transaction beside it. */
const TEXT_CHARS_MAX = 64 << 20;

/** Reads a transaction in hex; undefined if it is none. */
export function readTransaction(hex: string): SignedShape | undefined {
  if (hex.length > TEXT_CHARS_MAX || !/^(?:[0-9a-f]{2})+$/i.test(hex)) return undefined;
  try {
    const transaction = Transaction.fromHex(hex);
    return { ...shapeOf(transaction), weight: transaction.weight() };
  } catch {
    return undefined;
  }
}

/** Reads a PSBT in base64 (BIP174); undefined if it is none. */
export function readPsbt(base64: string): PsbtShape | undefined {
  if (base64.length > TEXT_CHARS_MAX) return undefined;
  try {
    const psbt = Psbt.fromBase64(base64);
    const transaction = Transaction.fromBuffer(psbt.data.getTransaction());
    const values = psbt.data.inputs.map(({ witnessUtxo, nonWitnessUtxo }, index) => {
      const { index: vout = -1, hash } = transaction.ins[index] ?? {};
      if (nonWitnessUtxo !== undefined) {
        // The whole transaction proves the value, as a witness output alone does not.
        const parent = Transaction.fromBuffer(nonWitnessUtxo);
        if (hash === undefined || Buffer.compare(parent.getHash(), hash) !== 0) return undefined;
        return parent.outs[vout]?.value;
      }
      return witnessUtxo?.value;
    });
    const known = values.filter((value) => value !== undefined);
    return { ...shapeOf(transaction), inputSats: known.length === values.length ? known : undefined };
  } catch {
    return undefined;
  }
}

/** True if both spend the same coins and pay the same outputs in the same order: only signatures may differ. */
export function sameShape(a: TransactionShape, b: TransactionShape): boolean {
  return (
    a.inputs.length === b.inputs.length &&
    a.outputs.length === b.outputs.length &&
    a.inputs.every((input, index) => {
      const other = b.inputs[index];
      return input.txid === other?.txid && input.vout === other.vout && input.sequence === other.sequence;
    }) &&
    a.outputs.every((output, index) => {
      const other = b.outputs[index];
      return other !== undefined && output.sats === other.sats && Buffer.compare(output.script, other.script) === 0;
    })
  );
}

function shapeOf(transaction: Transaction): TransactionShape {
  return {
    txid: transaction.getId(),
    inputs: transaction.ins.map(({ hash, index, sequence }) => ({ txid: toDisplayHash(hash), vout: index, sequence })),
    outputs: transaction.outs.map(({ script, value }) => ({ script, sats: value })),
  };
}
