import { Transaction } from 'bitcoinjs-lib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildCoinbase } from '#base/bitcoin/coinbase';
import { OWN_OUTPUT_SATS_MIN, ownCoinb2 } from '#base/bitcoin/own-coinbase';
import { distribute } from '#books/ledger/rewards/distribute';

const POOL = Uint8Array.from([0, 20, ...new Uint8Array(20).fill(0x11)]);
const COMMITMENT = Uint8Array.from([0x6a, 0x24, ...new Uint8Array(36).fill(0x22)]);
const scripts = [22, 23, 25, 34].map((length) => new Uint8Array(length).fill(0x33));

function halvesOf(sats: bigint, tag: string) {
  return buildCoinbase({
    ...{ height: 840_000, serial: 7, identity: new Uint8Array(6), extranonceBytes: 14, tag },
    outputs: [{ script: POOL, sats }],
    witnessCommitment: COMMITMENT,
  });
}

describe('ownCoinb2', () => {
  it('pays the receiver first what the books would credit, the pool the rest, and changes nothing else', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2_100_000_000_000_000n }),
        fc.integer({ min: 0, max: 10_000 }),
        fc.integer({ min: 0, max: 10_000 }),
        fc.constantFrom(...scripts),
        fc.constantFrom('', '/Sluice/', 'x'.repeat(60)),
        (sats, feeBasisPoints, donated, script, tag) => {
          const donationBasisPoints = Math.min(donated, 10_000 - feeBasisPoints);
          const halves = halvesOf(sats, tag);
          const own = ownCoinb2(halves, { script, feeBasisPoints, donationBasisPoints });
          const fees = { feeBasisPoints, donationBasisPoints, exceptions: new Map<string, number>() };
          const weighed = [{ account: 'a', weight: 1n, work: 1n }];
          const { credits } = distribute(sats, weighed, fees, { fromJobId: undefined, toJobId: undefined });
          // The credit of an account whose weight is nothing after fees is rounding, and none.
          const credit = feeBasisPoints + donationBasisPoints === 10_000 ? 0n : (credits[0]?.sats ?? 0n);
          if (credit < OWN_OUTPUT_SATS_MIN) {
            expect(own).toBeUndefined();
            return;
          }
          const read = (coinb2: Uint8Array) =>
            Transaction.fromBuffer(new Uint8Array(Buffer.concat([halves.coinb1, new Uint8Array(14), coinb2])));
          const [before, after] = [read(halves.coinb2), read(own ?? new Uint8Array())];
          expect(after.ins).toEqual(before.ins);
          const pools = sats - credit > 0n ? [{ script: POOL, value: sats - credit }] : [];
          expect(after.outs).toEqual([{ script, value: credit }, ...pools, { script: COMMITMENT, value: 0n }]);
        },
      ),
    );
  });
});
