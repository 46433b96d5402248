import { concatBytes } from './bytes.ts';

/** What is needed of a job whose coinbase pays the pool alone. */
interface PoolCoinbase {
  readonly coinb2: Uint8Array;
  readonly outputsAt: number;
}

interface Receiver {
  /** scriptPubKey. */
  readonly script: Uint8Array;
  /** What the pool keeps, basis points of the whole. */
  readonly feeBasisPoints: number;
  readonly donationBasisPoints: number;
}

/** What is needed of any job. */
interface JobCoinbases extends PoolCoinbase {
  readonly shorterCoinbases?: readonly { readonly bytes: number; readonly coinb2: Uint8Array }[] | undefined;
}

const WHOLE_BASIS_POINTS = 10_000n;
const COUNT_BYTES = 1;
const VALUE_BYTES = 8;
/**
 * Bitcoin Core relays no smaller output of any kind (policy.cpp, GetDustThreshold: 546 is that of P2PKH, the greatest). Nobody
 * could spend one with profit, so it stays in the books.
 */
export const OWN_OUTPUT_SATS_MIN = 546n;

/**
 * The second half of the coinbase that was chosen for a session; undefined: the job's own. For a device that is the longest which it
 * takes, or the shortest that there is.
 */
export function chosenCoinb2(
  job: JobCoinbases,
  choice: Receiver | { readonly bytesMax: number } | undefined,
): Uint8Array | undefined {
  if (choice === undefined) return undefined;
  if (!('bytesMax' in choice)) return ownCoinb2(job, choice);
  const { shorterCoinbases = [] } = job;
  return (shorterCoinbases.find(({ bytes }) => bytes <= choice.bytesMax) ?? shorterCoinbases.at(-1))?.coinb2;
}

/**
 * The second half of the coinbase that pays a receiver first and the pool its fee, instead of the pool alone. Everything else stays
 * as it is. Undefined if the receiver's part is too small for an output: then the pool's own coinbase is mined, and the part is
 * credited.
 *
 *     donation = ⌊reward × d⌋    fee = ⌊reward × f⌋    receiver = reward − donation − fee
 *
 * The formula is that of the books for one account (books/ledger/rewards/distribute.ts).
 */
export function ownCoinb2({ coinb2, outputsAt }: PoolCoinbase, receiver: Receiver): Uint8Array | undefined {
  const view = new DataView(coinb2.buffer, coinb2.byteOffset, coinb2.length);
  const valueAt = outputsAt + COUNT_BYTES;
  const count = coinb2[outputsAt] ?? 0;
  const rewardSats = view.getBigUint64(valueAt, true);
  const kept = keptOf(rewardSats, receiver.feeBasisPoints) + keptOf(rewardSats, receiver.donationBasisPoints);
  const ownSats = rewardSats - kept;
  if (ownSats < OWN_OUTPUT_SATS_MIN) return undefined;
  // The script's length and the script; both stay in front of the pool's part.
  const scriptAt = valueAt + VALUE_BYTES;
  const poolEnd = scriptAt + 1 + (coinb2[scriptAt] ?? 0);
  return concatBytes([
    coinb2.subarray(0, outputsAt),
    Uint8Array.of(kept > 0n ? count + 1 : count),
    value(ownSats),
    Uint8Array.of(receiver.script.length),
    receiver.script,
    ...(kept > 0n ? [value(kept), coinb2.subarray(scriptAt, poolEnd)] : []),
    coinb2.subarray(poolEnd),
  ]);
}

function keptOf(rewardSats: bigint, basisPoints: number): bigint {
  return (rewardSats * BigInt(basisPoints)) / WHOLE_BASIS_POINTS;
}

function value(sats: bigint): Uint8Array {
  const bytes = new Uint8Array(VALUE_BYTES);
  new DataView(bytes.buffer).setBigUint64(0, sats, true);
  return bytes;
}
