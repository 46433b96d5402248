import { describe, expect, it } from 'vitest';
import { pruneSlices } from '#books/ledger/slices/prune';
import { openJournal } from '#shares/sharelog/journal/journal';
import { clock, folderPerTest, keptLogger } from '../../../shares/sharelog/fixtures.ts';
import { jobOf, openTestLedger, shareOf } from './support.ts';

const folder = folderPerTest();
/** Work of a block at the bits of the jobs here: regtest's. */
const BLOCK = 2n;
const EVERYTHING = Number.MAX_SAFE_INTEGER;

/** Jobs with the work of one block each; the last three are not sealed. */
async function ledgerOf(jobs: number) {
  const options = { folder: folder.path, journal: 'sharelog', node: 'n', consumers: ['ledger'] };
  const journal = await openJournal(options, { clock, logger: keptLogger() });
  for (let serial = 1; serial <= jobs; serial += 1) {
    journal.rows.job(jobOf(serial));
    journal.share(shareOf(jobOf(serial), 'a', BLOCK));
  }
  journal.closed(jobs - 3);
  await journal.close();
  const ledger = folder.opened(openTestLedger(folder.path));
  ledger.all();
  const left = () => ledger.database.prepare('SELECT serial FROM jobs ORDER BY serial').pluck().all().map(Number);
  return { ...ledger, left };
}

describe('pruning slices', () => {
  it('keeps four windows of sealed work, at the work of a block now', async () => {
    const { database, left, slices } = await ledgerOf(20);
    expect(pruneSlices(database, { windowBlocks: 2, neededFrom: EVERYTHING })).toBe(9);
    expect(left()).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
    expect([...slices.slicesBack(jobOf(17).rowId)].map(({ serial }) => serial)).toEqual([
      17, 16, 15, 14, 13, 12, 11, 10,
    ]);
    expect(pruneSlices(database, { windowBlocks: 2, neededFrom: EVERYTHING })).toBe(0);
    expect(pruneSlices(database, { windowBlocks: 0.5, neededFrom: EVERYTHING })).toBe(6);
  });

  it('keeps what is still needed, and all if there is less than four windows', async () => {
    const { database, left } = await ledgerOf(20);
    expect(pruneSlices(database, { windowBlocks: 8, neededFrom: EVERYTHING })).toBe(0);
    expect(pruneSlices(database, { windowBlocks: 2, neededFrom: 4 })).toBe(3);
    expect(left()[0]).toBe(4);
  });
});
