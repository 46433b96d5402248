/** Bytes of an output beside its script: the value, and the script's length in one byte (no script has more than 252). */
const OUTPUT_BYTES = 9;
/** What spending it costs, bytes: with a witness, and without (Bitcoin Core, policy/policy.cpp, GetDustThreshold). */
const SPEND_WITNESS_BYTES = 67;
const SPEND_BYTES = 148;
/** DUST_RELAY_TX_FEE, 3,000 satoshis for 1,000 bytes. */
const DUST_SATS_PER_BYTE = 3;

/** A transaction's weight beside its outputs: version, counts, lock time, and the change (P2TR, the largest). */
export const BASE_WEIGHT = 4 * (4 + 1 + 3 + 4) + 2 + 4 * (OUTPUT_BYTES + 34);
/** An input that spends P2WPKH, which is what pools have; one that spends P2PKH has 592. */
export const INPUT_WEIGHT = 272;

/** Weight units that an output with this script adds to a transaction. */
export function outputWeight(script: Uint8Array): number {
  return 4 * (OUTPUT_BYTES + script.length);
}

/** The least that a node relays to this script: below it an output costs more than it is worth. */
export function dustSats(script: Uint8Array): bigint {
  const [version = 0, length = 0] = script;
  const isWitness = (version === 0 || (version >= 0x51 && version <= 0x60)) && length === script.length - 2;
  return BigInt(DUST_SATS_PER_BYTE * (OUTPUT_BYTES + script.length + (isWitness ? SPEND_WITNESS_BYTES : SPEND_BYTES)));
}

/** The fee of so many weight units, rounded up. */
export function feeOfWeight(weight: number, feeRate: bigint): bigint {
  return (BigInt(Math.ceil(weight / 4)) * feeRate + 999n) / 1000n;
}
