import { Transaction } from 'bitcoinjs-lib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assembleBlock } from '#base/bitcoin/block';
import { concatBytes, toHex } from '#base/bitcoin/bytes';
import { buildCoinbase, COINBASE_SCRIPT_BYTES_MAX, type CoinbaseParts, heightPush } from '#base/bitcoin/coinbase';

const payoutScript = Uint8Array.from([0, 20, ...new Uint8Array(20).fill(0x11)]);

const parts: CoinbaseParts = {
  height: 840_000,
  serial: 0x0102030405,
  identity: new Uint8Array(),
  extranonceBytes: 12,
  tag: '/Sluice/',
  outputs: [{ script: payoutScript, sats: 312_500_001n }],
  witnessCommitment: Uint8Array.from([0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed, ...new Uint8Array(32).fill(0x22)]),
};

/** The whole coinbase with its hole filled. */
function whole(of: CoinbaseParts, filler = 0xee): Uint8Array {
  const { coinb1, coinb2 } = buildCoinbase(of);
  return concatBytes([coinb1, new Uint8Array(of.extranonceBytes).fill(filler), coinb2]);
}

describe('buildCoinbase', () => {
  it('is a coinbase transaction with a gap for the extranonces', () => {
    const transaction = Transaction.fromBuffer(whole(parts));
    expect(transaction.isCoinbase()).toBe(true);
    expect(transaction.outs.map((out) => out.value)).toEqual([312_500_001n, 0n]);
    expect(transaction.outs[0]?.script).toEqual(payoutScript);
    expect(transaction.outs[1]?.script).toEqual(parts.witnessCommitment);
    const scriptSig = toHex(transaction.ins[0]?.script ?? new Uint8Array());
    expect(scriptSig).toBe(
      `0340d10c050504030201${`0c${'ee'.repeat(12)}`}08${toHex(new TextEncoder().encode('/Sluice/'))}`,
    );
  });

  it('has no commitment output if the template needs none', () => {
    expect(Transaction.fromBuffer(whole({ ...parts, witnessCommitment: undefined })).outs).toHaveLength(1);
  });

  it('differs from job to job', () => {
    expect(whole(parts)).not.toEqual(whole({ ...parts, serial: 0x0102030406 }));
  });

  // Bitcoin Core: CScript() << height, with OP_0 and OP_1 … OP_16 for the small ones.
  it.each([
    [0, '00'],
    [1, '51'],
    [16, '60'],
    [17, '0111'],
    [127, '017f'],
    [128, '028000'],
    [32768, '03008000'],
    [840_000, '0340d10c'],
    [0x7fffffff, '04ffffff7f'],
  ])('pushes height %i as BIP34 wants it', (height, push) => {
    expect(toHex(heightPush(height))).toBe(push);
    const script = Transaction.fromBuffer(whole({ ...parts, height })).ins[0]?.script ?? new Uint8Array();
    expect(toHex(script).startsWith(push)).toBe(true);
  });

  it('never exceeds the script limit: it fits or it throws', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 90, unit: 'binary' }),
        fc.integer({ min: 0, max: 0x7fffffff }),
        fc.integer({ min: 0, max: 2 ** 40 - 1 }),
        (tag, height, serial) => {
          let bytes: Uint8Array;
          try {
            bytes = whole({ ...parts, tag, height, serial });
          } catch (error) {
            expect(error).toBeInstanceOf(RangeError);
            expect(new TextEncoder().encode(tag).length).toBeGreaterThan(69);
            return;
          }
          const transaction = Transaction.fromBuffer(bytes);
          const script = transaction.ins[0]?.script ?? new Uint8Array();
          expect(script.length).toBeLessThanOrEqual(COINBASE_SCRIPT_BYTES_MAX);
          // Every place of the hole is filled, and no other byte is.
          expect(toHex(script)).toContain(`0c${'ee'.repeat(12)}`);
        },
      ),
    );
  });

  it('throws for anything too large', () => {
    expect(() => buildCoinbase({ ...parts, tag: 'x'.repeat(77) })).toThrow('longer than 100 bytes');
    expect(() => buildCoinbase({ ...parts, height: 2 ** 31 })).toThrow('height');
    expect(() => buildCoinbase({ ...parts, height: -1 })).toThrow('height');
    expect(() => buildCoinbase({ ...parts, serial: 2 ** 40 })).toThrow('serial');
    expect(() => buildCoinbase({ ...parts, extranonceBytes: 76 })).toThrow('extranonce');
    const tooMuch = [{ script: payoutScript, sats: 21_000_001n * 100_000_000n }];
    expect(() => buildCoinbase({ ...parts, outputs: tooMuch })).toThrow('sats');
  });
});

describe('assembleBlock', () => {
  const header = new Uint8Array(80).fill(1);
  const coinbase = whole(parts);

  it('gives the coinbase the reserved value, and keeps its txid', () => {
    const block = assembleBlock({ header, coinbase, transactions: [Uint8Array.of(9, 9)], witness: true });
    expect(block.subarray(0, 80)).toEqual(header);
    expect(block[80]).toBe(2);
    expect(block.subarray(-2)).toEqual(Uint8Array.of(9, 9));
    const transaction = Transaction.fromBuffer(block.slice(81, -2));
    expect(transaction.ins[0]?.witness).toEqual([new Uint8Array(32)]);
    expect(transaction.getHash()).toEqual(Transaction.fromBuffer(coinbase).getHash());
  });

  it('leaves the coinbase as it is without a commitment', () => {
    expect(assembleBlock({ header, coinbase, transactions: [], witness: false }).subarray(81)).toEqual(coinbase);
  });

  it('counts more than 252 transactions', () => {
    const transactions = Array.from({ length: 300 }, () => Uint8Array.of(1));
    expect(toHex(assembleBlock({ header, coinbase, transactions, witness: true }).subarray(80, 83))).toBe('fd2d01');
  });

  it('throws for a header of another length', () => {
    expect(() => assembleBlock({ header: new Uint8Array(79), coinbase, transactions: [], witness: true })).toThrow(
      '80',
    );
  });
});
