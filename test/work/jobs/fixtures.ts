import { sha256d } from '#base/bitcoin/sha256d';
import type { Clock } from '#base/domain/ports';
import type { BlockTemplate } from '#base/domain/template';

/** A clock that stands until it is set. */
export class ManualClock implements Clock {
  ms = 1_700_000_000_000;
  nowMs(): number {
    return this.ms;
  }
  monotonicMs(): number {
    return this.ms;
  }
}

/** 32 bytes made of one number. */
export function hashOf(seed: number): Uint8Array {
  return sha256d(Uint8Array.of(seed & 0xff, (seed >>> 8) & 0xff));
}

/** A template upon the block `tip`, with that many transactions. */
export function templateOn(tip: number, transactions = 0, change: Partial<BlockTemplate> = {}): BlockTemplate {
  return {
    askedMs: 0,
    height: 101,
    version: 0x2000_0000,
    previousHash: hashOf(tip),
    bits: 0x207f_ffff,
    minTime: 1_699_999_000,
    curTime: 1_700_000_000,
    coinbaseValueSats: 5_000_000_000n,
    transactions: Array.from({ length: transactions }, (_, index) => ({
      data: Uint8Array.of(index),
      txid: hashOf(1000 + index),
    })),
    witnessCommitment: Uint8Array.from([0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed, ...hashOf(1)]),
    ...change,
  };
}
