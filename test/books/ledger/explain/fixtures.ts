import { buildCoinbase } from '#base/bitcoin/coinbase';
import { jobRowId } from '#base/domain/ids';
import { BlockBook } from '#books/ledger/blocks/block-book';
import { type BlocksOptions, divisionOf } from '#books/ledger/blocks/blocks';
import type { LedgerDatabase } from '#books/ledger/ledger-db';
import { windowOfBlocks } from '#books/ledger/rewards/fixed-point';
import { noFees } from '#books/ledger/rewards/scheme';
import { SealedSlices } from '#books/ledger/slices/sealed-slices';
import { SliceStore } from '#books/ledger/slices/slice-store';

const BOOT = 'b007b007';
const DEPTHS = { confirmations: 3, maturity: 6 };
const POOL_SCRIPT = Uint8Array.of(0x51);

export const jobs = [1, 2, 3].map((serial) => jobRowId(serial, BOOT));
export const blockHash = (job: number): string => `${job}`.repeat(64);

/** The example of the guide to the reward schemes: work of each account on jobs 1, 2 and 3. */
const works: readonly Readonly<Record<string, bigint>>[] = [
  { b: 400n, c: 240n },
  { a: 200n, c: 500n },
  { a: 600n, b: 300n },
];
const networkWorks = [800n, 1000n, 1000n];

/** Fills a ledger with the guide's slices, and books the block of c on job 1 and that of b on job 3. */
export function bookExample(database: LedgerDatabase, options: Partial<BlocksOptions> = {}): void {
  const store = new SliceStore(database);
  store.take({
    positions: [],
    jobs: jobs.map((jobId, at) => ({
      ...{ jobId, serial: at + 1, height: 100 + at, nbits: 0x1d00ffff, networkWork: networkWorks[at] ?? 0n },
      ...{ rewardSats: 314_159_265n, subsidySats: 312_500_000n, feesSats: 1_659_265n, windowEnd: '', timeMs: at },
    })),
    found: [],
    sums: jobs.flatMap((jobId, at) =>
      Object.entries(works[at] ?? {}).map(([account, work]) => ({
        ...{ jobId, serial: at + 1, account, work, shares: Number(work) / 10 },
      })),
    ),
    rows: 9,
    shares: 224,
  });
  store.seal(3);
  const book = new BlockBook(database, DEPTHS, {
    clock: { nowMs: () => 1_700_000_000_000 },
    slices: new SealedSlices(database),
    divide: divisionOf({
      ...{ scheme: 'pplns', fees: { ...noFees, feeBasisPoints: 100 }, donationAccount: undefined },
      ...{ window: windowOfBlocks(2), scripts: [POOL_SCRIPT], network: 'regtest', ...DEPTHS, ...options },
    }),
  });
  for (const [job, finder] of [
    [1, 'c'],
    [3, 'b'],
  ] as const) {
    const height = 99 + job;
    const hash = blockHash(job);
    book.found({ hash, jobId: jobs[job - 1] ?? '', finder, height, foundMs: job, claimedSats: 314_159_265n });
    const place = { at: 'chain', height, confirmations: 3 } as const;
    book.follow(hash, place, height + 2, coinbaseOf(height, job));
  }
}

function coinbaseOf(height: number, serial: number): Uint8Array {
  const halves = buildCoinbase({
    ...{ height, serial, identity: Uint8Array.of(1, 2, 3, 4, 5, 6), extranonceBytes: 14, tag: '/test/' },
    outputs: [{ script: POOL_SCRIPT, sats: 314_159_265n }],
    witnessCommitment: undefined,
  });
  return new Uint8Array(Buffer.concat([halves.coinb1, new Uint8Array(14), halves.coinb2]));
}
