import Database from 'better-sqlite3';
import { Transaction } from 'bitcoinjs-lib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlockBook, type DivideReward } from '#books/ledger/blocks/block-book';
import { ChainFollower } from '#books/ledger/blocks/chain-follower';
import { ChainGuard, chainMismatch, checkpointHeight } from '#books/ledger/blocks/chain-guard';
import { Reconciler } from '#books/ledger/blocks/reconciler';
import { checkLedger } from '#books/ledger/check';
import { own } from '#books/ledger/entries/accounts';
import { EntryBook } from '#books/ledger/entries/book';

import { type LedgerDatabase, memoryLedger } from '#books/ledger/ledger-db';
import { divideBlock } from '#books/ledger/rewards/divide-block';
import { type ModelBlock, ModelChain, ModelSlices, POOL_SCRIPT } from './model-chain.ts';

const DEPTHS = { confirmations: 3, maturity: 6 };
const FEES = { feeBasisPoints: 100, donationBasisPoints: 0, exceptions: new Map<string, number>() };
const pplns: DivideReward = ({ rewardSats, finder }, slices) => ({
  distribution: divideBlock(rewardSats, slices, {
    ...{ scheme: 'pplns', fees: FEES, window: 8n << 64n, finder },
    afterSerial: undefined,
  }),
  donationAccount: undefined,
  rest: own.rounding,
});
const always = { check: async () => ({ chain: 'same', checkpointHeight: 0 }) as const, advance: async () => undefined };

interface Setup {
  readonly database?: LedgerDatabase;
  readonly chain?: ModelChain;
  readonly slices?: ModelSlices;
  readonly divide?: DivideReward;
  readonly stepped?: () => void;
  readonly needsFinder?: boolean;
  /** Default: every chain is the right one. */
  readonly guarded?: boolean;
}

/** The books of blocks on a chain in memory. */
function setUp({
  database = memoryLedger(),
  chain = new ModelChain(),
  slices = new ModelSlices(),
  ...rest
}: Setup = {}) {
  const clock = { nowMs: () => 1_700_000_000_000 };
  const { divide = pplns, stepped = () => undefined, needsFinder = false, guarded = false } = rest;
  const book = new BlockBook(database, DEPTHS, { clock, slices, divide, stepped });
  const finderOf = needsFinder ? () => undefined : undefined;
  const reconciler = new Reconciler({ scripts: [POOL_SCRIPT], rulesOf: () => ({ finderOf }) }, { book, slices, clock });
  const guard = guarded ? new ChainGuard(database) : always;
  const follower = new ChainFollower({ book, guard, reconciler, slices, view: chain });
  /** A block of the pool on the tip, of which the ledger has heard. */
  const find = (finder = 'alice', on?: ModelBlock, valueSats?: bigint): ModelBlock => {
    const block = chain.mine(finder, on, valueSats);
    if (block.found !== undefined) {
      slices.known.add(block.found.jobId);
      book.found(block.found);
    }
    return block;
  };
  const grow = (blocks: number): void => {
    for (let left = blocks; left > 0; left -= 1) chain.mine();
  };
  const status = (block: ModelBlock) => book.store.find(block.hash)?.status;
  const balances = () => nonZero(new EntryBook(database).balances());
  return { database, chain, slices, book, follower, find, grow, status, balances };
}

function nonZero(balances: ReadonlyMap<string, bigint>): Record<string, bigint> {
  return Object.fromEntries([...balances].filter(([, sats]) => sats !== 0n));
}

const booked = {
  'asset:immature': 5_000_000_000n,
  'own:fee': -50_000_000n,
  'immature:alice': -3_712_500_000n,
  'immature:bob': -1_237_500_000n,
};
const matured = {
  'asset:wallet': 5_000_000_000n,
  'own:fee': -50_000_000n,
  'payable:alice': -3_712_500_000n,
  'payable:bob': -1_237_500_000n,
};

describe('a block', () => {
  it('is booked from its coinbase at the configured depth, and may be paid at maturity', async () => {
    const { follower, find, grow, status, balances } = setUp();
    const block = find();
    grow(1);
    await follower.look();
    expect([status(block), balances()]).toEqual(['found', {}]);
    grow(1);
    await follower.look();
    expect([status(block), balances()]).toEqual(['confirmed', booked]);
    grow(2);
    await follower.look();
    expect(status(block)).toBe('confirmed');
    grow(1);
    await follower.look();
    expect([status(block), balances()]).toEqual(['mature', matured]);
  });

  it('is booked and mature at once if the ledger looks late', async () => {
    const { database, follower, find, grow, balances } = setUp();
    find();
    grow(20);
    await follower.look();
    expect(balances()).toEqual(matured);
    expect([...new EntryBook(database).entries()].map(({ kind }) => kind)).toEqual(['block-booked', 'block-matured']);
  });

  it.each([2, 5, 9])('is reversed exactly when a reorg leaves it behind %d blocks', async (depth) => {
    const { database, chain, follower, find, grow, status, balances } = setUp();
    const base = chain.tipBlock;
    const block = find();
    grow(depth);
    await follower.look();
    const before = balances();
    const old = chain.tipBlock;
    chain.mine(undefined, base);
    grow(depth + 1);
    await follower.look();
    expect([status(block), balances()]).toEqual(['orphaned', {}]);
    chain.tipBlock = old;
    chain.mine();
    chain.mine();
    await follower.look();
    expect(before).toEqual(depth < 5 ? booked : matured);
    expect([status(block), balances()]).toEqual([depth < 3 ? 'confirmed' : 'mature', depth < 3 ? booked : matured]);
    expect(checkLedger(database)).toEqual([]);
  });

  it('costs a look no credits if nothing becomes of it, since it may have a hundred thousand', async () => {
    const { database, follower, find, grow, status } = setUp();
    const block = find();
    grow(3);
    await follower.look();
    database.exec('ALTER TABLE block_credits RENAME TO credits_elsewhere');
    grow(1);
    expect(await follower.look()).toMatchObject({ undecided: 0, waiting: 0 });
    database.exec('ALTER TABLE credits_elsewhere RENAME TO block_credits');
    expect(status(block)).toBe('confirmed');
  });

  it('stays as it is while no node decides', async () => {
    const { chain, follower, find, grow, status } = setUp();
    const block = find();
    grow(3);
    await follower.look();
    chain.silent = true;
    expect(await follower.look()).toMatchObject({ tip: undefined, verdict: { chain: 'unknown' } });
    expect(status(block)).toBe('confirmed');
  });

  it('is not given up before the chain has reached its height', async () => {
    const { book, chain, slices, follower, grow } = setUp();
    const foreign = {
      hash: 'ff'.repeat(32),
      jobId: '0000000099-01020304',
      finder: 'a',
      height: 3,
      foundMs: 1,
      claimedSats: 5n,
    };
    slices.known.add(foreign.jobId);
    book.found(foreign);
    grow(2);
    await follower.look();
    expect(book.store.find(foreign.hash)?.status).toBe('found');
    chain.mine();
    await follower.look();
    expect(book.store.find(foreign.hash)?.status).toBe('orphaned');
  });

  it('waits for its slice, and later blocks wait with it', async () => {
    const { follower, slices, find, grow, status } = setUp();
    const [first, second] = [find(), find('bob')];
    slices.unsealed.add(first.found?.jobId ?? '');
    grow(3);
    expect(await follower.look()).toMatchObject({ waiting: 2 });
    expect([status(first), status(second)]).toEqual(['found', 'found']);
    slices.unsealed.clear();
    expect(await follower.look()).toMatchObject({ waiting: 0 });
    expect([status(first), status(second)]).toEqual(['confirmed', 'confirmed']);
  });

  it('waits for its coinbase', async () => {
    const { chain, follower, find, grow, status } = setUp();
    const block = find();
    chain.withheld.add(block.hash);
    grow(4);
    expect(await follower.look()).toMatchObject({ waiting: 1 });
    chain.withheld.clear();
    await follower.look();
    expect(status(block)).toBe('confirmed');
  });

  it('is told the job of the block before it in its own chain', async () => {
    const told: (string | undefined)[] = [];
    const divide: DivideReward = (block, slices) => {
      told.push(block.previousJobId);
      return pplns(block, slices);
    };
    const { chain, follower, find, grow } = setUp({ divide });
    const first = find();
    const base = chain.tipBlock;
    find('bob', base);
    const third = find('carol', base);
    grow(3);
    await follower.look();
    expect(told).toEqual([undefined, first.found?.jobId]);
    expect(third.height).toBe(2);
  });

  it('is not booked before a block below it whose place no node decides', async () => {
    const told: (string | undefined)[] = [];
    const divide: DivideReward = (block, slices) => {
      told.push(block.previousJobId);
      return pplns(block, slices);
    };
    const { chain, follower, find, grow, status } = setUp({ divide });
    const [first, second] = [find(), find('bob')];
    grow(3);
    const place = chain.place.bind(chain);
    chain.place = async (hash) => (hash === first.hash ? undefined : place(hash));
    expect(await follower.look()).toMatchObject({ undecided: 1, waiting: 1 });
    expect([status(first), status(second)]).toEqual(['found', 'found']);
    chain.place = place;
    await follower.look();
    expect(told).toEqual([undefined, first.found?.jobId]);
  });

  it('is never booked if its reward is not divided to the satoshi', async () => {
    const divide: DivideReward = (block, slices) => {
      const reward = pplns(block, slices);
      return { ...reward, distribution: { ...reward.distribution, feeSats: reward.distribution.feeSats - 1n } };
    };
    const { follower, find, grow, balances, status } = setUp({ divide });
    const block = find();
    grow(3);
    await expect(follower.look()).rejects.toThrow('a reward of 5000000000 sats is divided into 4950000000');
    expect([status(block), balances()]).toEqual(['found', {}]);
  });
});

describe('the reconciler', () => {
  it('adopts a block of a job of the ledger whose row was lost', async () => {
    const { chain, slices, follower, grow, status, balances } = setUp();
    const block = chain.mine('alice');
    slices.known.add(block.found?.jobId ?? '');
    grow(5);
    expect(await follower.look()).toMatchObject({ discoveries: [] });
    grow(1);
    const { hash, height } = block;
    expect(await follower.look()).toMatchObject({ discoveries: [{ kind: 'adopted', hash, height }] });
    await follower.look();
    expect([status(block), balances()]).toEqual(['mature', matured]);
  });

  it('gives the pool time to bring the row of a block that an earlier start left behind', async () => {
    const { chain, book, slices, grow } = setUp();
    let nowMs = 0;
    const modules = { book, slices, clock: { nowMs: () => nowMs } };
    const reconciler = new Reconciler(
      { scripts: [POOL_SCRIPT], rulesOf: () => ({ finderOf: () => undefined }), patienceMs: 1_000 },
      modules,
    );
    slices.known.add(chain.mine('alice').found?.jobId ?? '');
    grow(10);
    const walk = async () => reconciler.walk(chain, (await chain.tip()) ?? { height: 0, hash: '' });
    expect(await walk()).toEqual([]);
    nowMs = 999;
    expect(await walk()).toEqual([]);
    nowMs = 1_000;
    expect(await walk()).toMatchObject([{ kind: 'foreign' }]);
  });

  it('reports, once, a block of an unknown job, and one whose finder must be known', async () => {
    for (const needsFinder of [false, true]) {
      const { chain, book, slices, follower, grow, balances } = setUp({ needsFinder });
      const block = chain.mine('alice');
      if (needsFinder) slices.known.add(block.found?.jobId ?? '');
      grow(7);
      const reason = needsFinder ? 'finder' : 'does not have its job';
      expect(await follower.look()).toMatchObject({ discoveries: [{ kind: 'foreign', sats: 5_000_000_000n }] });
      expect(await follower.look()).toMatchObject({ discoveries: [] });
      expect(book.store.foreign()[0]?.reason).toContain(needsFinder ? 'found it is unknown' : reason);
      expect(balances()).toEqual({});
    }
  });
});

describe('a block that was taken for foreign', () => {
  it('is booked, and is foreign no more, when its row comes through the log after all', async () => {
    const { chain, book, slices, follower, grow, balances, status } = setUp();
    const block = chain.mine('alice');
    grow(10);
    await follower.look();
    expect(book.store.foreign()).toHaveLength(1);
    slices.known.add(block.found?.jobId ?? '');
    if (block.found !== undefined) book.found(block.found);
    await follower.look();
    expect([status(block), balances()]).toEqual(['mature', matured]);
    expect(book.store.foreign()).toEqual([]);
  });
});

describe('a block of somebody else', () => {
  it('that names a job of the pool and pays the pool a little is not booked as the pool', async () => {
    const { chain, book, slices, follower, grow, balances, status } = setUp();
    const block = chain.mine('alice');
    slices.known.add(block.found?.jobId ?? '');
    const forged = Transaction.fromBuffer(block.coinbase);
    const [output] = forged.outs;
    if (output === undefined) throw new Error('a coinbase has an output');
    output.value = 546n;
    forged.addOutput(Uint8Array.of(0x53), 4_999_999_454n);
    chain.blocks.set(block.hash, { ...block, coinbase: forged.toBuffer() });
    grow(10);
    expect(await follower.look()).toMatchObject({ discoveries: [{ kind: 'foreign', sats: 546n }] });
    await follower.look();
    expect([status(block), balances()]).toEqual([undefined, {}]);
    expect(book.store.foreign()[0]?.reason).toContain('pays others');
  });
});

describe('the chain guard', () => {
  it('knows the chain by its genesis block and a checkpoint, and stops at another one', async () => {
    const { database, chain, follower, find, grow, status } = setUp({ guarded: true });
    grow(100);
    const block = find();
    grow(10);
    expect(await follower.look()).toMatchObject({ verdict: { chain: 'same', checkpointHeight: 0 } });
    expect(await follower.look()).toMatchObject({ verdict: { checkpointHeight: checkpointHeight(111) } });
    const right = chain.tipBlock;
    const genesis = chain.below(200);
    chain.tipBlock = new ModelChain('another').mine();
    expect(await follower.look()).toMatchObject({ verdict: { chain: 'other' } });
    expect(chainMismatch(database)).toContain('begins with');
    chain.tipBlock = genesis;
    grow(10);
    expect(await follower.look()).toMatchObject({ verdict: { chain: 'other' } });
    expect(chainMismatch(database)).toContain('ends at height 10');
    grow(110);
    expect(await follower.look()).toMatchObject({ verdict: { chain: 'other' } });
    expect(chainMismatch(database)).toContain(`at height ${checkpointHeight(111)}`);
    expect(status(block)).toBe('mature');
    chain.tipBlock = right;
    expect(await follower.look()).toMatchObject({ verdict: { chain: 'same' } });
    expect(chainMismatch(database)).toBeUndefined();
  });

  it('takes no reorg of a few blocks for another chain, however young the chain is', () => {
    for (let tip = 0; tip < 1000; tip += 1) {
      const height = checkpointHeight(tip);
      expect(tip - height).toBeGreaterThanOrEqual(Math.min(tip, 12));
      expect(tip - height).toBeLessThanOrEqual(288);
      expect(checkpointHeight(tip + 1)).toBeGreaterThanOrEqual(height);
    }
  });
});

/** What a run does to the chain, before the ledger looks at it. */
type Act =
  | { readonly act: 'mine'; readonly ours: boolean; readonly blocks: number }
  | { readonly act: 'fork'; readonly depth: number; readonly ours: boolean }
  | { readonly act: 'return'; readonly which: number }
  | { readonly act: 'silence' }
  | { readonly act: 'seal'; readonly hold: boolean };

const acts: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      act: fc.constant('mine' as const),
      ours: fc.boolean(),
      blocks: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      act: fc.constant('fork' as const),
      depth: fc.integer({ min: 1, max: 12 }),
      ours: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('return' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.constant({ act: 'silence' as const }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('seal' as const), hold: fc.boolean() }) },
);

type World = ReturnType<typeof setUp>;

/** Does one act; the tips that were left are in `left`. Values differ, so that no two blocks can stand for each other. */
function perform(world: World, act: Act, left: ModelBlock[]): void {
  const { chain, slices, find, grow } = world;
  chain.silent = act.act === 'silence';
  const value = (): bigint => 1_000_000n + BigInt(chain.blocks.size) * 7n;
  if (act.act === 'mine') {
    if (act.ours) find('alice', undefined, value());
    grow(act.blocks - (act.ours ? 1 : 0));
  } else if (act.act === 'fork') {
    const { height } = chain.tipBlock;
    left.push(chain.tipBlock);
    chain.tipBlock = chain.below(act.depth);
    if (act.ours) find('bob', undefined, value());
    grow(height + 1 - chain.tipBlock.height);
  } else if (act.act === 'return') {
    const tip = left.splice(act.which % Math.max(1, left.length), 1)[0];
    if (tip === undefined) return;
    const { height } = chain.tipBlock;
    left.push(chain.tipBlock);
    chain.tipBlock = tip;
    grow(Math.max(1, height + 1 - tip.height));
  } else if (act.act === 'seal') {
    slices.unsealed.clear();
    if (act.hold) for (const job of slices.known) slices.unsealed.add(job);
  }
}

/** What the books must come to, from the chain alone: no entries, no steps. */
class Model {
  readonly #booked = new Map<string, 'immature' | 'mature'>();
  /** Blocks that were booked once: their slices are not asked for again. */
  readonly #known = new Set<string>();

  look({ chain, slices }: World): void {
    if (chain.silent) return;
    const best = [...chain.best()].reverse();
    const there = new Set(best.map(({ hash }) => hash));
    for (const hash of this.#booked.keys()) if (!there.has(hash)) this.#booked.delete(hash);
    let held = false;
    for (const { hash, height, found } of best) {
      if (found === undefined) continue;
      const depth = chain.tipBlock.height - height + 1;
      const due = depth >= DEPTHS.confirmations && !this.#booked.has(hash);
      if (due && !this.#known.has(hash) && (held || slices.unsealed.has(found.jobId))) {
        held = true;
        continue;
      }
      if (due) this.#booked.set(hash, 'immature');
      if (this.#booked.has(hash)) this.#known.add(hash);
      if (this.#booked.has(hash) && depth >= DEPTHS.maturity) this.#booked.set(hash, 'mature');
    }
  }

  balances({ chain }: World): Record<string, bigint> {
    const sums = new Map<string, bigint>();
    const add = (name: string, sats: bigint): void => void sums.set(name, (sums.get(name) ?? 0n) + sats);
    for (const [hash, state] of this.#booked) {
      const value = coinbaseSats(chain.blocks.get(hash) as ModelBlock);
      const fee = value / 100n;
      // Three quarters and one quarter of the rest, by largest remainder; alice is first in byte order.
      const rest = value - fee;
      const alice = (rest * 3n) / 4n + ([1n, 2n].includes(rest % 4n) ? 1n : 0n);
      add(state === 'mature' ? 'asset:wallet' : 'asset:immature', value);
      add('own:fee', -fee);
      add(`${state === 'mature' ? 'payable' : 'immature'}:alice`, -alice);
      add(`${state === 'mature' ? 'payable' : 'immature'}:bob`, alice - rest);
    }
    return nonZero(sums);
  }
}

function coinbaseSats({ coinbase }: ModelBlock): bigint {
  // Version, input count, outpoint, scriptSig with its length, sequence, output count; then the value, 8 bytes little-endian.
  const view = new DataView(coinbase.buffer, coinbase.byteOffset);
  return view.getBigUint64(4 + 1 + 36 + 1 + (coinbase[41] ?? 0) + 4 + 1, true);
}

describe('any sequence of blocks, reorgs and returns', () => {
  it('leaves the books equal to what the chain says, and empty when no block is left', async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.array(acts, { minLength: 1, maxLength: 25 }), async (sequence) => {
        const world = setUp({ stepped: () => undefined });
        const model = new Model();
        const left: ModelBlock[] = [];
        const genesis = world.chain.tipBlock;
        for (const act of sequence) {
          perform(world, act, left);
          await world.follower.look();
          model.look(world);
          expect(world.balances()).toEqual(model.balances(world));
        }
        for (const { kind } of new EntryBook(world.database).entries()) seen.add(kind);
        world.chain.silent = false;
        const { height } = world.chain.tipBlock;
        world.chain.tipBlock = genesis;
        world.grow(height + 1);
        await world.follower.look();
        expect(world.balances()).toEqual({});
        expect(checkLedger(world.database)).toEqual([]);
        world.database.close();
      }),
      { numRuns: 100 },
    );
    expect([...seen].sort()).toEqual(['block-booked', 'block-matured', 'block-reversed', 'block-unmatured']);
  });

  it('comes to the same books if the process is killed after any step', async () => {
    let kills = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(acts, { minLength: 4, maxLength: 15 }), async (sequence) => {
        let copies: Buffer[] = [];
        const database = memoryLedger();
        const world = setUp({ database, stepped: () => copies.push(database.serialize()) });
        const left: ModelBlock[] = [];
        for (const act of sequence) {
          perform(world, act, left);
          copies = [database.serialize()];
          await world.follower.look();
          const entries = [...new EntryBook(database).entries()];
          for (const copy of copies) {
            const restored = new Database(copy);
            restored.defaultSafeIntegers(true);
            await setUp({ ...world, database: restored }).follower.look();
            expect([...new EntryBook(restored).entries()]).toEqual(entries);
            expect(nonZero(new EntryBook(restored).balances())).toEqual(world.balances());
            restored.close();
            kills += 1;
          }
        }
        database.close();
      }),
      { numRuns: 20 },
    );
    expect(kills).toBeGreaterThan(50);
  });
});
