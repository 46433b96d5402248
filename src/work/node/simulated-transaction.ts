import { Transaction } from 'bitcoinjs-lib';

/** Uniform in [0, 1). */
export type Random = () => number;

/** An output that a later transaction may spend. */
export interface Coin {
  /** 32 bytes, internal order. */
  readonly txid: Uint8Array;
  readonly index: number;
  readonly valueSats: bigint;
}

/** A transaction of the simulated mempool. */
export interface SimulatedTransaction {
  /** Full serialisation. */
  readonly data: Uint8Array;
  /** 32 bytes, internal order. */
  readonly txid: Uint8Array;
  /** 32 bytes: the hash with the witness (BIP141). */
  readonly wtxid: Uint8Array;
  readonly weight: number;
  readonly feeSats: bigint;
  readonly spends: readonly Coin[];
  readonly creates: readonly Coin[];
}

const SEQUENCE_REPLACEABLE = 0xffff_fffd;
/** Coins below this are not worth their input's fee. */
const DUST_SATS = 1000n;

/** A whole number in min … max. */
export function pick(random: Random, min: number, max: number): number {
  return min + Math.floor(random() * (max - min + 1));
}

function randomBytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => pick(random, 0, 255));
}

/** A coin from outside of what the simulation made: 10,000 sats to 1 BTC, small ones more often. */
export function outsideCoin(random: Random): Coin {
  const valueSats = BigInt(Math.floor(10 ** (4 + 4 * random())));
  return { txid: randomBytes(random, 32), index: pick(random, 0, 3), valueSats };
}

/**
 * A version 2 transaction that spends the coins as P2WPKH, to one to three outputs of common types. Its form is that of
 * a real one; its keys and signatures are random, because the simulation checks no scripts.
 */
export function makeTransaction(coins: readonly Coin[], random: Random): SimulatedTransaction {
  const transaction = new Transaction();
  transaction.version = 2;
  for (const coin of coins) {
    const index = transaction.addInput(coin.txid, coin.index, SEQUENCE_REPLACEABLE);
    const input = transaction.ins[index];
    if (input) input.witness = [signature(random), Uint8Array.from([pick(random, 2, 3), ...randomBytes(random, 32)])];
  }
  const outputs = pick(random, 1, 3);
  for (let output = 0; output < outputs; output += 1) transaction.addOutput(outputScript(random), 0n);
  const inputSats = coins.reduce((sum, coin) => sum + coin.valueSats, 0n);
  // 1 to 30 sats per virtual byte, but at most half of the inputs' value.
  const wantedSats = BigInt(Math.ceil(transaction.virtualSize() * (1 + 29 * random() ** 3)));
  const feeSats = wantedSats < inputSats / 2n ? wantedSats : inputSats / 2n;
  const shareSats = (inputSats - feeSats) / BigInt(outputs);
  for (const [index, output] of transaction.outs.entries()) {
    output.value = index === 0 ? inputSats - feeSats - shareSats * BigInt(outputs - 1) : shareSats;
  }
  const txid = Uint8Array.from(transaction.getHash());
  return {
    data: transaction.toBuffer(),
    txid,
    wtxid: Uint8Array.from(transaction.getHash(true)),
    weight: transaction.weight(),
    feeSats,
    spends: coins,
    creates: transaction.outs
      .map((output, index) => ({ txid, index, valueSats: output.value }))
      .filter((coin) => coin.valueSats >= DUST_SATS),
  };
}

/** A DER signature of 71 bytes with SIGHASH_ALL (BIP66): both numbers positive. */
function signature(random: Random): Uint8Array {
  const number = (): number[] => [0x02, 0x20, pick(random, 1, 0x7f), ...randomBytes(random, 31)];
  return Uint8Array.from([0x30, 0x44, ...number(), ...number(), 0x01]);
}

function outputScript(random: Random): Uint8Array {
  const kind = random();
  if (kind < 0.6) return Uint8Array.from([0x00, 0x14, ...randomBytes(random, 20)]);
  if (kind < 0.85) return Uint8Array.from([0x51, 0x20, ...randomBytes(random, 32)]);
  return Uint8Array.from([0x76, 0xa9, 0x14, ...randomBytes(random, 20), 0x88, 0xac]);
}
