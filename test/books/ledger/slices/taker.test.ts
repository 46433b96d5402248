import { cpSync, existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LogMismatch } from '#books/ledger/slices/next-batches';
import { type Journal, openJournal } from '#shares/sharelog/journal/journal';
import { POOL_JOURNAL } from '#shares/sharelog/journal/journals';
import { headOf } from '#shares/sharelog/rows/block-rows';
import { clock, folderPerTest, foundBlock, keptLogger } from '../../../shares/sharelog/fixtures.ts';
import { hostileNames } from '../../../support/hostile-names.ts';
import { contents, jobOf, openTestLedger, shareOf, type TestLedger } from './support.ts';

const folder = folderPerTest();
const path = (name: string): string => join(folder.path, name);
const ledgerOf = (modules = {}, bounds = {}): TestLedger => folder.opened(openTestLedger(folder.path, modules, bounds));

/** What a pool does between a start and a stop. */
async function boot(use: (journal: Journal) => unknown, journalName = POOL_JOURNAL, more = {}): Promise<void> {
  const journal = await openJournal(
    { folder: folder.path, journal: journalName, node: 'n', consumers: ['ledger'], ...more },
    { clock, logger: keptLogger() },
  );
  await use(journal);
  await journal.close();
}

const commit = (journal: Journal): Promise<void> => new Promise((resolve) => journal.commit(resolve));

/** Shares of a job by these accounts, a batch for each. */
async function mine(journal: Journal, serial: number, ...accounts: string[]): Promise<void> {
  for (const account of accounts) {
    journal.share(shareOf(jobOf(serial), account));
    await commit(journal);
  }
}

const W = 2n ** 42n;

describe('taking the share log', () => {
  it('adds up the accepted shares of each job and account, over journals, starts and transactions', async () => {
    await boot(async (journal) => {
      journal.rows.job(jobOf(1));
      await mine(journal, 1, 'a', 'b', 'a');
      journal.share(shareOf(jobOf(1), 'a', W, { verdict: 'duplicate' }));
    });
    let ledger = openTestLedger(folder.path, {}, { rowsMax: 1 });
    expect(ledger.taker.step()).toBe(true);
    ledger.close();
    await boot((journal) => mine(journal, 2, 'a'));
    await boot((journal) => mine(journal, 2, 'a', 'c'), 'sharelog-1');
    ledger = ledgerOf({}, { rowsMax: 2 });
    ledger.all();
    expect(contents(ledger.database)).toEqual({
      '0000000001-b007b007 a': [2n * W, 2],
      '0000000001-b007b007 b': [W, 1],
      '0000000002-b007b007 a': [2n * W, 2],
      '0000000002-b007b007 c': [W, 1],
    });
    expect(ledger.taker.lag()).toEqual({ rows: 0, sinceMs: undefined });
    expect(ledger.delivered).toEqual(
      new Map([
        ['sharelog', 6],
        ['sharelog-1', 2],
      ]),
    );
  });

  it('keeps the names of accounts as they are, and sums beyond 2^64 exact', async () => {
    const names = hostileNames(160).map((name) => Buffer.from(name).toString());
    await boot(async (journal) => {
      for (const account of [...names, ...names]) journal.share(shareOf(jobOf(1), account, 2n ** 127n - 1n));
      await commit(journal);
    });
    const ledger = ledgerOf();
    ledger.all();
    const expected = names.map((name) => [`0000000001-b007b007 ${name}`, [2n ** 128n - 2n, 2]]);
    expect(contents(ledger.database)).toEqual(Object.fromEntries(expected));
  });

  it('knows of each job what a reward depends on, and of each block its newest row', async () => {
    const block = headOf(foundBlock());
    await boot(async (journal) => {
      journal.rows.job({ ...jobOf(1), bits: 0x1d00ffff, height: 300, rewardSats: 1_250_000_007n });
      journal.rows.block(block, { status: 'unknown', reason: 'no answer yet' });
      await commit(journal);
      journal.rows.block(block, { status: 'accepted' });
    });
    const ledger = ledgerOf();
    ledger.all();
    expect(ledger.database.prepare('SELECT * FROM jobs').all()).toEqual([
      {
        job_id: '0000000001-b007b007',
        serial: 1n,
        height: 300n,
        nbits: 0x1d00ffffn,
        network_work: '4295032833',
        reward_sats: 1_250_000_007n,
        subsidy_sats: 1_250_000_000n,
        fees_sats: 7n,
        time_ms: BigInt(jobOf(1).createdMs),
        sealed_work: null,
        window_end: '',
      },
    ]);
    expect(ledger.database.prepare('SELECT hash, account, worker, height, status, reason FROM found').all()).toEqual([
      { hash: block.hash, account: 'bcrt1qminer', worker: 'rig1', height: 812n, status: 'accepted', reason: '' },
    ]);
  });

  it('seals a job when each journal has a mark behind it, also one that came late', async () => {
    await boot(async (journal) => {
      for (const serial of [1, 2, 3]) journal.rows.job(jobOf(serial));
      await mine(journal, 1, 'b', 'a');
      await mine(journal, 2, 'a');
      journal.closed(3);
    });
    await boot(async (journal) => {
      await mine(journal, 1, 'c');
      journal.closed(1);
      await mine(journal, 2, 'c');
    }, 'sharelog-1');
    const ledger = ledgerOf();
    ledger.all();
    expect(ledger.slices.sealedUpTo()).toBe(1);
    expect(() => [...ledger.slices.slicesBack(jobOf(2).rowId)]).toThrow(RangeError);
    expect([...ledger.slices.slicesBack(jobOf(1).rowId)].map(({ entries }) => entries)).toEqual([
      [
        { account: 'a', work: W, shares: 1n },
        { account: 'b', work: W, shares: 1n },
        { account: 'c', work: W, shares: 1n },
      ],
    ]);
    await boot((journal) => journal.closed(2), 'sharelog-1');
    ledger.all();
    expect(ledger.slices.sealedUpTo()).toBe(2);
    expect([...ledger.slices.slicesBack(jobOf(2).rowId)].map(({ serial }) => serial)).toEqual([2, 1]);
    expect(ledger.database.prepare('SELECT sealed_work FROM jobs ORDER BY serial').pluck().all()).toEqual([
      `${3n * W}`,
      `${2n * W}`,
      null,
    ]);
  });

  it('seals nothing while a journal is unread that has come since the log was read', async () => {
    await boot((journal) => journal.closed(5));
    await boot((journal) => mine(journal, 5, 'a'), 'sharelog-1');
    renameSync(path('sharelog-1'), path('aside'));
    const did = (step: string): void => {
      if (step === 'stored' && existsSync(path('aside'))) renameSync(path('aside'), path('sharelog-1'));
    };
    const ledger = ledgerOf({ did });
    ledger.taker.step();
    expect(ledger.slices.sealedUpTo()).toBe(-1);
    ledger.taker.step();
    expect(contents(ledger.database)).toEqual({ '0000000005-b007b007 a': [W, 1] });
  });

  it('stops at an accepted share of a job that was closed before', async () => {
    await boot(async (journal) => {
      await mine(journal, 1, 'a');
      journal.closed(1);
      await commit(journal);
      await mine(journal, 1, 'a');
    });
    expect(() => ledgerOf().all()).toThrow(/batch 3 of sharelog has an accepted share of the job 1, which was closed/);
  });
});

describe('a share log and a ledger that are not of one time', () => {
  const keep = (name: string, as: string): void => cpSync(path(name), path(as), { recursive: true });
  function putBack(kept: string, name: string): void {
    rmSync(path(name), { recursive: true });
    keep(kept, name);
  }
  const takeAll = (modules = {}): Record<string, [bigint, number]> => {
    const ledger = openTestLedger(folder.path, modules);
    try {
      ledger.all();
      return contents(ledger.database);
    } finally {
      ledger.close();
    }
  };

  it('stops if the share log is an older copy', async () => {
    await boot((journal) => mine(journal, 1, 'a', 'b'));
    keep('sharelog', 'copy');
    await boot((journal) => mine(journal, 2, 'a', 'b'));
    const before = takeAll();
    putBack('copy', 'sharelog');
    expect(takeAll).toThrow(LogMismatch);
    expect(takeAll).toThrow(/sharelog ends at batch 2, and the ledger has counted up to batch 4/);
    await boot((journal) => mine(journal, 7, 'x', 'y', 'z'));
    expect(takeAll).toThrow(/batch 4 of sharelog is not the one that the ledger has counted/);
    const ledger = ledgerOf();
    expect(contents(ledger.database)).toEqual(before);
  });

  it('goes on if the ledger is an older copy and the log has what is missing', async () => {
    await boot((journal) => mine(journal, 1, 'a', 'b'));
    takeAll();
    keep('ledger.db', 'copy.db');
    await boot((journal) => mine(journal, 2, 'a', 'b'));
    const before = takeAll();
    putBack('copy.db', 'ledger.db');
    expect(takeAll()).toEqual(before);
  });

  it('stops if the ledger is an older copy and the log has let go of what is missing', async () => {
    const small = { segmentBytes: 600 };
    await boot((journal) => mine(journal, 1, 'a'), POOL_JOURNAL, small);
    takeAll();
    keep('ledger.db', 'copy.db');
    await boot(
      async (journal) => {
        await mine(journal, 2, ...Array.from({ length: 12 }, (_, i) => `a${i}`));
        journal.confirm('ledger', 10);
      },
      POOL_JOURNAL,
      small,
    );
    putBack('copy.db', 'ledger.db');
    expect(takeAll).toThrow(/the batches 2 to \d+ of sharelog are gone from the share log, and this ledger has not/);
  });

  it('stops if a journal is gone that was not read to its end, and not if it was', async () => {
    await boot((journal) => mine(journal, 1, 'a'));
    await boot((journal) => mine(journal, 1, 'b'), 'sharelog-1');
    takeAll({ orphans: new Map() });
    keep('ledger.db', 'copy.db');
    const before = takeAll({ orphans: new Map([['sharelog-1', 1]]) });
    rmSync(path('sharelog-1'), { recursive: true });
    expect(takeAll({ orphans: new Map() })).toEqual(before);
    putBack('copy.db', 'ledger.db');
    expect(() => takeAll({ orphans: new Map() })).toThrow(
      /sharelog-1 is gone, and the ledger has not read it to its end/,
    );
  });

  it('begins with what is there if it has never read a log', async () => {
    const small = { segmentBytes: 600 };
    await boot(
      async (journal) => {
        await mine(journal, 2, ...Array.from({ length: 12 }, (_, i) => `a${i}`));
        journal.confirm('ledger', 10);
      },
      POOL_JOURNAL,
      small,
    );
    const taken = Object.keys(takeAll());
    expect(taken.length).toBeGreaterThan(1);
    expect(taken.length).toBeLessThan(12);
  });

  it('takes both lives of a folder that was copied with its ledger, each in its own', async () => {
    await boot((journal) => mine(journal, 1, 'a'));
    takeAll();
    for (const name of ['sharelog', 'ledger.db']) keep(name, `copy-${name}`);
    await boot((journal) => mine(journal, 2, 'b'));
    expect(Object.keys(takeAll())).toEqual(['0000000001-b007b007 a', '0000000002-b007b007 b']);
    for (const name of ['sharelog', 'ledger.db']) putBack(`copy-${name}`, name);
    await boot((journal) => mine(journal, 3, 'c', 'd'));
    expect(Object.keys(takeAll()).sort()).toEqual([
      '0000000001-b007b007 a',
      '0000000003-b007b007 c',
      '0000000003-b007b007 d',
    ]);
  });
});
