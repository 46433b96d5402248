import { describe, expect, it } from 'vitest';
import { compareSlices, type SliceLine } from '#books/ledger/slices/compare';

const line = (jobId: string, account: string, work = 5n, shares = 1n): SliceLine => ({ jobId, account, work, shares });

async function compared(ours: readonly SliceLine[], theirs: readonly SliceLine[], faultsMax = 10): Promise<string[]> {
  const stream = async function* (): AsyncGenerator<SliceLine> {
    yield* theirs;
  };
  const faults = await compareSlices(ours.values(), stream(), faultsMax);
  return faults.map(({ detail }) => detail);
}

describe('compareSlices', () => {
  it('finds nothing between two that are the same', async () => {
    const lines = [line('1', 'a'), line('1', 'b'), line('2', 'a')];
    expect(await compared(lines, lines)).toEqual([]);
    expect(await compared([], [])).toEqual([]);
  });

  it('names what differs, what one lacks, and what the other lacks, at both ends and in between', async () => {
    expect(
      await compared(
        [line('1', 'a'), line('1', 'b'), line('2', 'a', 6n), line('2', 'b', 5n, 2n), line('4', 'a')],
        [line('0', 'z'), line('1', 'b'), line('2', 'a'), line('2', 'b'), line('3', 'c')],
      ),
    ).toEqual([
      'job 0, account z: the ledger has nothing, and ClickHouse has 5 hashes in 1 shares',
      'job 1, account a: the ledger has 5 hashes in 1 shares, and ClickHouse has nothing',
      'job 2, account a: the ledger has 6 hashes in 1 shares, and ClickHouse has 5 hashes in 1 shares',
      'job 2, account b: the ledger has 5 hashes in 2 shares, and ClickHouse has 5 hashes in 1 shares',
      'job 3, account c: the ledger has nothing, and ClickHouse has 5 hashes in 1 shares',
      'job 4, account a: the ledger has 5 hashes in 1 shares, and ClickHouse has nothing',
    ]);
  });

  it('orders accounts by their bytes', async () => {
    // U+FF5E comes before U+1F600 in UTF-8, and behind it in UTF-16.
    const lines = [line('1', '\uff5e'), line('1', '\u{1f600}')];
    expect(await compared(lines, lines)).toEqual([]);
  });

  it('stops when it has found enough', async () => {
    const lines = Array.from({ length: 9 }, (_, at) => line(String(at), 'a'));
    expect(await compared([], lines, 3)).toHaveLength(3);
    expect(await compared(lines, [], 3)).toHaveLength(3);
  });
});
