import { describe, expect, it } from 'vitest';
import { parseAddress } from '#base/bitcoin/address';
import { type BlocksOptions, openBlocks } from '#books/ledger/blocks/blocks';
import { checkLedger } from '#books/ledger/check';
import { EntryBook } from '#books/ledger/entries/book';
import { divideAgain } from '#books/ledger/explain/explain-block';
import { memoryLedger } from '#books/ledger/ledger-db';
import { windowOfBlocks } from '#books/ledger/rewards/fixed-point';
import { SealedSlices } from '#books/ledger/slices/sealed-slices';
import { SliceStore } from '#books/ledger/slices/slice-store';
import { ModelChain, POOL_SCRIPT } from './model-chain.ts';

const ALICE = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const BOB = 'bcrt1qy7yl6pjgjct4qgael8e5dp2csn9f9k068fnq9n';
const FEES = { feeBasisPoints: 100, donationBasisPoints: 0, exceptions: new Map<string, number>() };
const scriptOf = (account: string): Uint8Array => {
  const parsed = parseAddress(account, 'regtest');
  return parsed.ok ? parsed.script : new Uint8Array();
};

/** The books on a chain in memory, with slices in a real ledger: a job for each block that is mined, sealed at once. */
function setUp(changes: Partial<BlocksOptions> = {}) {
  const database = memoryLedger();
  const chain = new ModelChain();
  const store = new SliceStore(database);
  const options: BlocksOptions = {
    ...{ scheme: 'solo', fees: FEES, donationAccount: undefined, window: windowOfBlocks(8) },
    ...{ scripts: [POOL_SCRIPT], network: 'regtest', confirmations: 2, maturity: 5, ...changes },
  };
  const slices = new SealedSlices(database);
  let nowMs = 1;
  const clock = { nowMs: () => nowMs };
  const { book, follower } = openBlocks(database, options, { view: chain, slices, clock });
  /** Until the row of a block that is seen in the chain is no longer waited for. */
  const giveUpRows = async (): Promise<void> => {
    await follower.look();
    nowMs += 60_000;
  };
  /** A block with its job: who worked on it, and the job whose slice its coinbase was made by. */
  const mine = (
    work: Readonly<Record<string, bigint>>,
    direct: Readonly<Record<string, bigint>>,
    { windowEnd = '', heard = true, finder = ALICE } = {},
  ) => {
    const outputs = Object.entries(direct).map(([account, sats]) => ({ script: scriptOf(account), sats }));
    const block = chain.mine(finder, chain.tipBlock, 5_000_000_000n, outputs);
    const found = block.found;
    if (found === undefined) throw new Error('not found by the pool');
    const serial = Number.parseInt(found.jobId.slice(0, 10), 16);
    const facts = { nbits: 0x207fffff, networkWork: 2n, rewardSats: 5_000_000_000n, subsidySats: 5_000_000_000n };
    store.take({
      ...{ positions: [], found: [], rows: 0, shares: 0 },
      jobs: [{ ...facts, jobId: found.jobId, serial, height: block.height, feesSats: 0n, timeMs: 0, windowEnd }],
      sums: Object.entries(work).map(([account, each]) => ({
        ...{ jobId: found.jobId, serial, account, work: each, shares: 1 },
      })),
    });
    store.seal(serial);
    if (heard) book.found(found);
    return { ...block, jobId: found.jobId };
  };
  const grow = (blocks: number): void => {
    for (let left = blocks; left > 0; left -= 1) chain.mine();
  };
  const balances = () => Object.fromEntries([...new EntryBook(database).balances()].filter(([, sats]) => sats !== 0n));
  return { database, chain, follower, giveUpRows, mine, grow, balances, store: book.store };
}

describe('a coinbase that pays its finder', () => {
  const paid = {
    'asset:immature': 50_000_000n,
    'own:fee': -50_000_000n,
    'own:paid_out': 4_950_000_000n,
    [`paid:${ALICE}`]: -4_950_000_000n,
  };

  it('is booked as paid directly; the pool owes nothing, at maturity neither', async () => {
    const { database, follower, mine, grow, balances } = setUp();
    const { hash } = mine({ [ALICE]: 1n }, { [ALICE]: 4_950_000_000n });
    grow(1);
    await follower.look();
    expect(balances()).toEqual(paid);
    grow(5);
    await follower.look();
    expect(balances()).toEqual({ ...paid, 'asset:immature': undefined, 'asset:wallet': 50_000_000n });
    expect(checkLedger(database)).toEqual([]);
    expect(divideAgain(database, hash).differences).toEqual([]);
  });

  it('is no coinbase that pays somebody else what the books have as paid', async () => {
    const { database, follower, mine, grow } = setUp();
    mine({ [ALICE]: 1n }, { [ALICE]: 4_950_000_000n });
    grow(1);
    await follower.look();
    database.prepare('UPDATE block_credits SET account = ?').run(BOB);
    const faults = checkLedger(database).map(({ invariant }) => invariant);
    expect(faults).toContain('block-direct');
  });

  it('is undone by the opposite entries when the chain leaves it', async () => {
    const { database, chain, follower, mine, grow, balances } = setUp();
    const before = chain.tipBlock;
    mine({ [ALICE]: 1n }, { [ALICE]: 4_950_000_000n });
    grow(1);
    await follower.look();
    chain.tipBlock = before;
    grow(4);
    await follower.look();
    expect(balances()).toEqual({});
    expect(checkLedger(database)).toEqual([]);
  });

  it('settles what the finder gets, if the fee was another when the job was made', async () => {
    const { database, follower, mine, grow, balances } = setUp();
    const { hash } = mine({ [ALICE]: 1n }, { [ALICE]: 4_900_000_000n });
    grow(1);
    await follower.look();
    expect(balances()).toEqual({
      'asset:immature': 100_000_000n,
      'own:fee': -100_000_000n,
      'own:paid_out': 4_900_000_000n,
      [`paid:${ALICE}`]: -4_900_000_000n,
    });
    expect(checkLedger(database)).toEqual([]);
    expect(() => divideAgain(database, hash)).toThrow('no terms');
  });

  it('is adopted by what it pays, if the row of its block was lost; any other coinbase with our job is foreign', async () => {
    const { follower, giveUpRows, mine, grow, balances, store } = setUp();
    mine({ [ALICE]: 1n }, { [ALICE]: 4_950_000_000n }, { heard: false });
    const greedy = mine({ [ALICE]: 1n }, { [ALICE]: 4_950_000_001n }, { heard: false });
    const shared = mine({ [ALICE]: 1n }, { [ALICE]: 4_000_000_000n, [BOB]: 950_000_000n }, { heard: false });
    grow(7);
    await giveUpRows();
    await follower.look();
    await follower.look();
    expect(balances()).toMatchObject({ [`paid:${ALICE}`]: -4_950_000_000n, 'own:fee': -50_000_000n });
    expect(store.foreign().map(({ hash }) => hash)).toEqual([greedy.hash, shared.hash]);
  });
});

describe('a coinbase that pays a window', () => {
  /** Bob has a quarter of 4,950,000,000. */
  const work = { [ALICE]: 3n, [BOB]: 1n };
  const [alices, bobs] = [3_712_500_000n, 1_237_500_000n];

  it('is divided by the window that its job names; who was left out is owed, and the pool has the coins for it', async () => {
    const { database, follower, mine, grow, balances } = setUp({ scheme: 'pplns' });
    const { jobId } = mine(work, {}, { heard: false });
    // What is worked on the block's own job counts for a later one.
    const { hash } = mine({ [BOB]: 100n }, { [ALICE]: alices }, { windowEnd: jobId });
    grow(1);
    await follower.look();
    expect(balances()).toEqual({
      'asset:immature': 50_000_000n + bobs,
      'own:fee': -50_000_000n,
      [`immature:${BOB}`]: -bobs,
      'own:paid_out': alices,
      [`paid:${ALICE}`]: -alices,
    });
    expect(checkLedger(database)).toEqual([]);
    expect(divideAgain(database, hash).differences).toEqual([]);
  });

  it('is adopted only if it pays each account what the window credits', async () => {
    const { follower, giveUpRows, mine, grow, balances, store } = setUp({ scheme: 'pplns' });
    const { jobId } = mine(work, {});
    const ours = mine({}, { [ALICE]: alices, [BOB]: bobs }, { windowEnd: jobId, heard: false });
    const theirs = mine({}, { [ALICE]: alices + 1n }, { windowEnd: jobId, heard: false });
    grow(7);
    await giveUpRows();
    await follower.look();
    await follower.look();
    expect(balances()).toMatchObject({ [`paid:${ALICE}`]: -alices, [`paid:${BOB}`]: -bobs });
    expect(store.state(ours.hash)?.status).not.toBe('found');
    expect(store.foreign().map(({ hash }) => hash)).toEqual([theirs.hash]);
  });

  it('is divided from the block on if the ledger does not have the window', async () => {
    const { database, follower, mine, grow, balances } = setUp({ scheme: 'pplns' });
    mine(work, { [ALICE]: alices }, { windowEnd: '00000000ff-00000000' });
    grow(1);
    await follower.look();
    expect(balances()).toMatchObject({ [`immature:${BOB}`]: -bobs, [`paid:${ALICE}`]: -alices });
    expect(checkLedger(database)).toEqual([]);
  });
});
