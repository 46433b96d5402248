import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openBlocks } from '#books/ledger/blocks/blocks';
import { checkLedger } from '#books/ledger/check';
import { EntryBook } from '#books/ledger/entries/book';
import { rebuildBooks } from '#books/ledger/entries/rebuild';
import { LEDGER_FILE, memoryLedger, openLedger, readLedger } from '#books/ledger/ledger-db';
import { noFees } from '#books/ledger/rewards/scheme';
import { ModelChain, ModelSlices, POOL_SCRIPT } from './blocks/model-chain.ts';

let folder = '';
let [first, orphan] = ['', ''];
/** The books of a block that is mature, one that was booked and left behind, and one that is booked. */
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-check-'));
  const { database, close } = openLedger(folder);
  const chain = new ModelChain();
  const slices = new ModelSlices();
  const { book, follower } = openBlocks(
    database,
    {
      ...{ scheme: 'pplns', fees: { ...noFees, feeBasisPoints: 100 }, donationAccount: undefined, window: 8n << 64n },
      ...{ confirmations: 2, maturity: 5, scripts: [POOL_SCRIPT], network: 'regtest' },
    },
    { view: chain, slices, clock: { nowMs: () => 1_700_000_000_000 } },
  );
  const find = (finder: string): string => {
    const { hash, found } = chain.mine(finder);
    if (found !== undefined) {
      slices.known.add(found.jobId);
      book.found(found);
    }
    return hash;
  };
  first = find('alice');
  const base = chain.tipBlock;
  orphan = find('bob');
  chain.mine();
  await follower.look();
  chain.mine(undefined, base);
  find('carol');
  for (let blocks = 0; blocks < 2; blocks += 1) chain.mine();
  await follower.look();
  close();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Changes the file as somebody with the SQLite shell could, and says what the check finds. */
function faultsAfter(...statements: readonly string[]): string[] {
  const raw = new Database(join(folder, LEDGER_FILE));
  const triggers = raw.prepare<[], string>("SELECT name FROM sqlite_master WHERE type = 'trigger'").pluck().all();
  for (const name of triggers) raw.exec(`DROP TRIGGER ${name}`);
  raw.pragma('foreign_keys = OFF');
  for (const statement of statements) raw.exec(statement);
  raw.close();
  const database = readLedger(folder);
  const faults = checkLedger(database).map(({ invariant, detail }) => `${invariant}: ${detail}`);
  database.close();
  return faults;
}

function rebuilt(): Record<string, boolean> {
  const [database, into] = [readLedger(folder), memoryLedger()];
  try {
    return Object.fromEntries(
      rebuildBooks(database, into).map(({ table, kept, rebuilt }) => [table, kept === rebuilt]),
    );
  } finally {
    database.close();
    into.close();
  }
}

describe('the check of the books', () => {
  it('finds nothing wrong with books that are right', () => {
    expect(faultsAfter()).toEqual([]);
    const database = readLedger(folder);
    expect([...new EntryBook(database).entries()].map(({ kind }) => kind)).toEqual([
      ...['block-booked', 'block-booked', 'block-reversed', 'block-matured', 'block-booked'],
    ]);
    database.close();
  });

  it.each<[string, () => string, string]>([
    [
      'a credit that was raised',
      () => `UPDATE block_credits SET sats = sats + 1 WHERE hash = '${first}' AND account = 'alice'`,
      'block-value',
    ],
    [
      'a credit that was moved',
      () => `UPDATE block_credits SET account = 'mallory' WHERE hash = '${first}' AND account = 'alice'`,
      'block-credit: block',
    ],
    [
      'a fee that was lowered',
      () => `UPDATE blocks SET fee_sats = 0 WHERE hash = '${first}'`,
      'credits, fee, donation and rest come to 4950000000',
    ],
    [
      'a reward that was raised with its credit',
      () =>
        `UPDATE blocks SET reward_sats = reward_sats + 1 WHERE hash = '${first}'; UPDATE block_credits SET sats = sats + 1 WHERE hash = '${first}' AND account = 'alice'`,
      'its coinbase pays 5000000000, it is booked as 5000000001',
    ],
    [
      'another coinbase',
      () => `UPDATE blocks SET coinbase = '00' WHERE hash = '${first}'`,
      'its coinbase pays nothing that can be read',
    ],
    ['a status', () => `UPDATE blocks SET status = 'mature' WHERE hash = '${orphan}'`, 'block-status: block'],
    [
      'a block that was removed',
      () => `DELETE FROM block_credits WHERE hash = '${first}'; DELETE FROM blocks WHERE hash = '${first}'`,
      'is about no block of the ledger',
    ],
    [
      'a line of an entry',
      () =>
        "UPDATE lines SET sats = sats - 5 WHERE entry = 1 AND account = 'immature:alice'; UPDATE lines SET sats = sats + 5 WHERE entry = 1 AND account = 'immature:bob'",
      'block-entry: entry 1',
    ],
    [
      'what is to be booked again',
      () => `UPDATE blocks SET lines = '[]' WHERE hash = '${first}'`,
      'block-coins: block',
    ],
  ])('names %s', (_, statement, expected) => {
    const faults = faultsAfter(statement());
    expect(
      faults.some((fault) => fault.includes(expected)),
      faults.join('\n'),
    ).toBe(true);
  });
});

describe('books that are made anew from their entries', () => {
  it('are the same, byte for byte', () => {
    expect(rebuilt()).toEqual({ entries: true, lines: true, balances: true, head: true });
  });

  it.each([
    [
      "UPDATE balances SET sats = sats + 1 WHERE account = 'own:fee'",
      { entries: true, lines: true, balances: false, head: true },
    ],
    ['UPDATE entries SET at_ms = 5 WHERE id = 2', { entries: false, lines: true, balances: true, head: false }],
    [
      'DELETE FROM lines WHERE entry = 5; DELETE FROM entries WHERE id = 5',
      { entries: true, lines: true, balances: false, head: false },
    ],
  ])('differ after %s', (statement, expected) => {
    faultsAfter(statement);
    expect(rebuilt()).toEqual(expected);
  });
});
