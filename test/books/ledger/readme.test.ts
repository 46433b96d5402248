import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { openBlocks } from '#books/ledger/blocks/blocks';
import { EntryBook } from '#books/ledger/entries/book';
import { memoryLedger } from '#books/ledger/ledger-db';
import { noFees } from '#books/ledger/rewards/scheme';
import { ModelChain, ModelSlices, POOL_SCRIPT } from './blocks/model-chain.ts';

const text = readFileSync('src/books/ledger/README.md', 'utf8');
const number = (digits: string) => BigInt(digits.replaceAll(',', ''));

/** The guide's tables of lines, in order. */
const tables = [...text.matchAll(/\| account +\| +sats \|\n\| -.*\n((?:\|.*\n)+)/g)].map(([, rows = '']) =>
  Object.fromEntries(
    [...rows.matchAll(/`([^`]+)` *\| *(-?[\d,]+)/g)].map(([, account = '', sats = '']) => [account, number(sats)]),
  ),
);

it("recomputes the example of the ledger's guide", async () => {
  const [, reward = ''] = /coinbase pays ([\d,]+) sats/.exec(text) ?? [];
  const database = memoryLedger();
  const chain = new ModelChain();
  const slices = new ModelSlices();
  const { book, follower } = openBlocks(
    database,
    {
      ...{ scheme: 'pplns', fees: { ...noFees, feeBasisPoints: 100 }, donationAccount: undefined, window: 8n << 64n },
      ...{ confirmations: 3, maturity: 10, scripts: [POOL_SCRIPT], network: 'regtest' },
    },
    { view: chain, slices, clock: { nowMs: () => 0 } },
  );
  const base = chain.tipBlock;
  const { found } = chain.mine('alice', base, number(reward));
  if (found === undefined) throw new Error('the block is ours');
  slices.known.add(found.jobId);
  book.found(found);
  for (let blocks = 0; blocks < 9; blocks += 1) chain.mine();
  await follower.look();
  chain.mine(undefined, base);
  for (let blocks = 0; blocks < 11; blocks += 1) chain.mine();
  await follower.look();
  const entries = [...new EntryBook(database).entries()].map(({ lines }) =>
    Object.fromEntries(lines.map(({ account, sats }) => [account, sats])),
  );
  const opposite = (lines: Record<string, bigint>) =>
    Object.fromEntries(Object.entries(lines).map(([account, sats]) => [account, -sats]));
  const [booked = {}, matured = {}] = tables;
  expect(tables).toHaveLength(2);
  expect(entries).toEqual([booked, matured, opposite(matured), opposite(booked)]);
});

it('names every table of the ledger', () => {
  const names = memoryLedger().prepare<[], string>("SELECT name FROM sqlite_master WHERE type = 'table'").pluck().all();
  for (const name of names) expect(text).toContain(`\`${name}\``);
});
