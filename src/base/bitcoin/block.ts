import { compactSize, concatBytes } from './bytes.ts';
import { HEADER_BYTES } from './header.ts';

/** The parts of a block as a pool has them. */
export interface BlockParts {
  /** 80 bytes. */
  readonly header: Uint8Array;
  /** Serialisation without witness: coinb1, extranonce1, extranonce2, coinb2. */
  readonly coinbase: Uint8Array;
  /** The other transactions in order, with their witnesses. */
  readonly transactions: readonly Uint8Array[];
  /** True if the coinbase commits to witnesses: it then carries the reserved value itself. */
  readonly witness: boolean;
}

const MARKER_AND_FLAG = Uint8Array.of(0, 1);
/** One witness item of 32 zero bytes: the reserved value that getblocktemplate's default commitment is made with (BIP141). */
const RESERVED_VALUE_WITNESS = Uint8Array.from([1, 32, ...new Uint8Array(32)]);

/** The full serialisation for submitblock. */
export function assembleBlock(parts: BlockParts): Uint8Array {
  const { header, coinbase, transactions, witness } = parts;
  if (header.length !== HEADER_BYTES) throw new RangeError('assembleBlock: header must be 80 bytes');
  return concatBytes([
    header,
    compactSize(transactions.length + 1),
    ...(witness ? withReservedValue(coinbase) : [coinbase]),
    ...transactions,
  ]);
}

/** BIP144: marker and flag after the version, the witness before the lock time. */
function withReservedValue(coinbase: Uint8Array): Uint8Array[] {
  return [
    coinbase.subarray(0, 4),
    MARKER_AND_FLAG,
    coinbase.subarray(4, -4),
    RESERVED_VALUE_WITNESS,
    coinbase.subarray(-4),
  ];
}
