import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jobRowId } from '#base/domain/ids';
import { verdicts } from '#base/domain/verdict';
import { ShareSkimmer } from '#books/ledger/slices/share-skimmer';
import { SliceSums } from '#books/ledger/slices/slice-sums';
import { decodeRows } from '#shares/sharelog/rows/row-reader';
import { RowWriter } from '#shares/sharelog/rows/row-writer';
import { shareColumns } from '#shares/sharelog/rows/rows';
import { ShareRows } from '#shares/sharelog/rows/share-rows';
import { BufferPool } from '#shares/sharelog/segments/buffer-pool';
import { fuzz, fuzzMsMax } from '../../../fuzz/runs.ts';
import { job, judgedShare, submitter, terms } from '../../../shares/sharelog/fixtures.ts';
import { hostileNames } from '../../../support/hostile-names.ts';

interface TestShare {
  readonly account: string;
  readonly rig: string;
  readonly userAgent: string;
  readonly serial: number;
  readonly work: bigint;
  readonly verdict: (typeof verdicts)[number];
}

function encode(shares: readonly TestShare[]): Uint8Array {
  const rows = new RowWriter(
    { bytesMax: Number.POSITIVE_INFINITY, rowsMax: Number.POSITIVE_INFINITY },
    new BufferPool(1, 1 << 20),
  );
  const encoder = new ShareRows('pool-1');
  for (const { account, rig, userAgent, serial, work, verdict } of shares) {
    encoder.write(
      rows,
      judgedShare({
        submitter: submitter({ userAgent }),
        worker: { name: '', account, rig },
        job: { ...job, serial, rowId: jobRowId(serial, 'b007b007') },
        terms: { ...terms, work },
        verdict,
      }),
    );
  }
  rows.seal();
  return Buffer.concat(rows.take().map(({ buffer, length }) => new Uint8Array(buffer, 0, length)));
}

/** By job and account: work and shares, as `decodeRows` has them. */
function expectedSums(bytes: Uint8Array): Map<string, [bigint, number]> {
  const sums = new Map<string, [bigint, number]>();
  for (const row of decodeRows(shareColumns, bytes)) {
    if (row['verdict'] !== 'accepted') continue;
    const key = JSON.stringify([row['job_id'], row['account']]);
    const [work, shares] = sums.get(key) ?? [0n, 0];
    sums.set(key, [work + (row['work'] as bigint), shares + 1]);
  }
  return sums;
}

function skimmedSums(sums: SliceSums): Map<string, [bigint, number]> {
  const all = new Map<string, [bigint, number]>();
  for (const { jobId, account, work, shares } of sums.all()) {
    const key = JSON.stringify([jobId, account]);
    const [workBefore, sharesBefore] = all.get(key) ?? [0n, 0];
    all.set(key, [workBefore + work, sharesBefore + shares]);
  }
  return all;
}

const name = fc.oneof(
  fc.constantFrom(...hostileNames(80)),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.constantFrom('a', 'b', 'bcrt1qminer', ''),
);
const share: fc.Arbitrary<TestShare> = fc.record({
  account: name,
  rig: name,
  userAgent: name,
  serial: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.nat({ max: 2 ** 40 - 1 })),
  work: fc.oneof(
    fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
    fc.bigInt({ min: 2n ** 53n - 3n, max: 2n ** 53n + 3n }),
    fc.constantFrom(1n, 2n ** 42n, 2n ** 52n, 2n ** 64n),
  ),
  verdict: fc.oneof(fc.constant('accepted' as const), fc.constantFrom(...verdicts)),
});

describe('the skimming decoder', () => {
  it('comes to the same sums as the full decoder', { timeout: fuzzMsMax }, () => {
    fc.assert(
      fc.property(fc.array(fc.array(share, { maxLength: 60 }), { maxLength: 4 }), (batches) => {
        const bodies = batches.map(encode);
        const sums = new SliceSums();
        const skimmer = new ShareSkimmer();
        const accepted = batches.map((shares) => shares.filter(({ verdict }) => verdict === 'accepted'));
        for (const [i, body] of bodies.entries()) {
          const serials = accepted[i]?.map(({ serial }) => serial) ?? [];
          expect(skimmer.skim(body, sums)).toBe(Math.min(...serials));
        }
        expect(skimmedSums(sums)).toEqual(expectedSums(Buffer.concat(bodies)));
        expect(sums.shares).toBe(accepted.flat().length);
      }),
      fuzz(300),
    );
  });

  it('keeps accounts apart whose hashes agree', () => {
    const shares = hostileNames(3000).map((account, i): TestShare => {
      return { account, rig: '', userAgent: '', serial: 1 + (i % 7), work: BigInt(i), verdict: 'accepted' };
    });
    const body = encode([...shares, ...shares.toReversed()]);
    const sums = new SliceSums();
    new ShareSkimmer().skim(body, sums);
    expect(skimmedSums(sums)).toEqual(expectedSums(body));
  });

  it('refuses bytes that end within a row, wherever they are cut', () => {
    const one: TestShare = {
      account: 'é'.repeat(100),
      rig: 'r',
      userAgent: '',
      serial: 1,
      work: 5n,
      verdict: 'accepted',
    };
    const body = encode([one]);
    for (let length = 1; length < body.length; length += 1)
      expect(() => new ShareSkimmer().skim(body.subarray(0, length), new SliceSums()), `${length}`).toThrow(RangeError);
  });

  it('refuses an accepted share of a job id that no pool gives', () => {
    const body = encode([{ account: 'a', rig: '', userAgent: '', serial: 1, work: 1n, verdict: 'accepted' }]);
    const at = Buffer.from(body).indexOf('0000000001-');
    body[at] = 'x'.charCodeAt(0);
    expect(() => new ShareSkimmer().skim(body, new SliceSums())).toThrow(/x000000001-b007b007/);
  });

  it('refuses columns that are not those of shares', () => {
    const without = (name: string) => shareColumns.filter(([column]) => column !== name);
    expect(() => new ShareSkimmer(without('work'))).toThrow(TypeError);
    expect(() => new ShareSkimmer([...without('work'), ['work', 'UInt64']])).toThrow(TypeError);
    expect(() => new ShareSkimmer([...without('account'), ['account', 'UInt64']])).toThrow(TypeError);
    expect(() => new ShareSkimmer([...shareColumns, ['more', 'Array(String)']])).toThrow(TypeError);
  });
});
