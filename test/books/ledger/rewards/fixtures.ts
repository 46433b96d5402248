import fc from 'fast-check';
import type { Distribution, Fees, Slice } from '#books/ledger/rewards/scheme';
import { noFees } from '#books/ledger/rewards/scheme';
import { fuzz } from '../../../fuzz/runs.ts';

// The same cases with every run of `npm test`, and new ones with `npm run fuzz`.
fc.configureGlobal(fuzz(200));

/** A slice from `{ account: work }`; each at the same network work unless said otherwise. */
export function slice(serial: number, works: Readonly<Record<string, bigint>>, more: Partial<Slice> = {}): Slice {
  return {
    serial,
    jobId: `job${serial}`,
    networkWork: 10n,
    subsidySats: 312_500_000n,
    feesSats: 0n,
    entries: Object.entries(works)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([account, work]) => ({ account, work })),
    ...more,
  };
}

/** Slices as they are written in examples, oldest first, turned to newest first: `a10 b20 a30 c50`. */
export function history(text: string, networkWork = 10n): Slice[] {
  return text
    .split(' ')
    .map((share, at) => slice(at + 1, { [share.slice(0, 1)]: BigInt(share.slice(1)) }, { networkWork }))
    .reverse();
}

/** `{ account: sats }`, in the order of the credits. */
export function satsOf({ credits }: Distribution): Record<string, bigint> {
  return Object.fromEntries(credits.map(({ account, sats }) => [account, sats]));
}

export function workOf({ credits }: Distribution): Record<string, bigint> {
  return Object.fromEntries(credits.map(({ account, work }) => [account, work]));
}

export function paidOut({ credits, feeSats, donationSats, roundingSats }: Distribution): bigint {
  return credits.reduce((sum, { sats }) => sum + sats, feeSats + donationSats + roundingSats);
}

export function feesOf(feeBasisPoints: number, more: Partial<Fees> = {}): Fees {
  return { ...noFees, feeBasisPoints, ...more };
}

const accounts = ['bc1qa', 'bc1qb', 'bc1qc', '1Dd', '3Ee'];

/** Newest first, with gaps in the serials, several difficulties, and slices without an entry. */
export const anySlices: fc.Arbitrary<Slice[]> = fc
  .array(
    fc.record({
      works: fc.dictionary(fc.constantFrom(...accounts), fc.bigInt(1n, 1n << 80n), { maxKeys: 5 }),
      networkWork: fc.bigInt(1n, 1n << 80n),
      subsidySats: fc.bigInt(0n, 5_000_000_000n),
      feesSats: fc.bigInt(0n, 100_000_000n),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((list) => list.map(({ works, ...terms }, at) => slice((list.length - at) * 3, works, terms)));

export const anyFees: fc.Arbitrary<Fees> = fc.record({
  feeBasisPoints: fc.integer({ min: 0, max: 5_000 }),
  donationBasisPoints: fc.integer({ min: 0, max: 5_000 }),
  exceptions: fc
    .dictionary(fc.constantFrom(...accounts), fc.integer({ min: 0, max: 5_000 }), { maxKeys: 2 })
    .map((all) => new Map(Object.entries(all))),
});

export const anyReward: fc.Arbitrary<bigint> = fc.bigInt(0n, 2_100_000_000_000_000n);
