import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseAddress } from '#base/bitcoin/address';
import { toHex } from '#base/bitcoin/bytes';
import { SIMULATED_PAYOUT_ADDRESS } from '#base/config/defaults';
import type { BitcoinNode } from '#base/domain/ports';
import { type Blocks, openBlocks } from '#books/ledger/blocks/blocks';
import { checkLedger } from '#books/ledger/check';
import { EntryBook } from '#books/ledger/entries/book';
import { type LedgerDatabase, memoryLedger } from '#books/ledger/ledger-db';
import { noFees } from '#books/ledger/rewards/scheme';
import { connectBitcoind } from '#work/node/bitcoind';
import { ModelSlices } from '../books/ledger/blocks/model-chain.ts';
import { findBitcoind } from '../support/bitcoind.ts';
import { type RegtestNode, startRegtest } from '../support/bitcoind-regtest.ts';
import { recordedContainment } from '../support/containment.ts';
import { recordedLogger } from '../support/recorded-logger.ts';
import { noSpare, systemClock } from '../work/node/fixtures.ts';

const { path, reason } = await findBitcoind();
const OURS = SIMULATED_PAYOUT_ADDRESS;
const FEES = { ...noFees, feeBasisPoints: 250 };

describe.skipIf(path === undefined)(`books on two bitcoinds that split and join${reason ? ` (${reason})` : ''}`, () => {
  let a: RegtestNode;
  let b: RegtestNode;
  let node: BitcoinNode;
  let theirs = '';

  beforeAll(async () => {
    a = await startRegtest({ path: path ?? '' });
    b = await startRegtest({ path: path ?? '', connect: a.p2p });
    theirs = await a.address();
    // The wallet has coins, so that blocks have transactions.
    await a.fund();
    await joined();
    node = connectBitcoind(
      { rpc: [{ url: a.url }, { url: b.url }], network: 'regtest' },
      { clock: systemClock, contain: recordedContainment().contain, logger: recordedLogger(), spare: noSpare },
    );
  });
  afterAll(async () => {
    await node?.close();
    await Promise.all([a?.stop(), b?.stop()]);
  });

  const tipOf = (one: RegtestNode) => one.rpc<string>('getbestblockhash');
  const until = (holds: () => Promise<boolean>) =>
    vi.waitFor(async () => expect(await holds()).toBe(true), { timeout: 30_000, interval: 20 });
  const joined = () => until(async () => (await tipOf(a)) === (await tipOf(b)));
  async function split(): Promise<void> {
    await b.rpc('setnetworkactive', false);
    await until(async () => (await b.rpc('getconnectioncount')) === 0);
  }
  async function join(): Promise<void> {
    await b.rpc('setnetworkactive', true);
    await b.rpc('addnode', a.p2p, 'onetry');
    await joined();
  }

  function open(maturity: number): { database: LedgerDatabase; blocks: Blocks; find: () => Promise<string> } {
    const database = memoryLedger();
    const slices = new ModelSlices();
    const payout = parseAddress(OURS, 'regtest');
    const blocks = openBlocks(
      database,
      {
        ...{ scheme: 'pplns', fees: FEES, donationAccount: undefined, window: 8n << 64n, confirmations: 2, maturity },
        scripts: payout.ok ? [payout.script] : [],
        network: 'regtest',
      },
      { clock: systemClock, slices, view: node.chain },
    );
    let serial = 0;
    /** Mines a block of the pool on `a`. */
    const find = async (): Promise<string> => {
      const [hash = ''] = await a.mine(1, OURS);
      serial += 1;
      const jobId = `${serial.toString(16).padStart(10, '0')}-01020304`;
      slices.known.add(jobId);
      const { height } = await a.rpc<{ height: number }>('getblockheader', hash);
      blocks.book.found({ hash, jobId, finder: 'alice', height, foundMs: serial, claimedSats: 0n });
      return hash;
    };
    return { database, blocks, find };
  }

  /** What the node says a coinbase pays, in satoshis. */
  async function coinbaseSats(hash: string): Promise<bigint> {
    const block = await a.rpc<{ tx: { vout: { value: number }[] }[] }>('getblock', hash, 2);
    const [coinbase] = block.tx;
    return (coinbase?.vout ?? []).reduce((sum, { value }) => sum + BigInt(Math.round(value * 1e8)), 0n);
  }

  /** Looks, and compares the books with what the nodes say. */
  async function look({ database, blocks }: ReturnType<typeof open>, expected: Record<string, string>): Promise<void> {
    expect(await blocks.follower.look()).toMatchObject({ verdict: { chain: 'same' }, undecided: 0, waiting: 0 });
    const statuses = Object.fromEntries(blocks.book.store.all().map(({ hash, status }) => [hash, status]));
    expect(statuses).toMatchObject(expected);
    let [immature, wallet] = [0n, 0n];
    for (const [hash, status] of Object.entries(statuses)) {
      if (status === 'confirmed') immature += await coinbaseSats(hash);
      if (status === 'mature') wallet += await coinbaseSats(hash);
    }
    const book = new EntryBook(database);
    expect([book.balance('asset:immature'), book.balance('asset:wallet')]).toEqual([immature, wallet]);
    const fees = -book.balance('own:fee');
    const owed = ['immature', 'payable'].map((state) => -book.balance(`${state}:alice`) - book.balance(`${state}:bob`));
    expect(fees + (owed[0] ?? 0n) + (owed[1] ?? 0n)).toBe(immature + wallet);
    expect(checkLedger(database)).toEqual([]);
  }

  it('proves the coinbase of a block with transactions', async () => {
    await a.send(3);
    const [hash = ''] = await a.mine(1, theirs);
    const { tx } = await a.rpc<{ tx: { hex: string }[] }>('getblock', hash, 2);
    expect(tx).toHaveLength(4);
    expect(toHex((await node.chain.coinbase(hash)) ?? new Uint8Array())).toBe(tx[0]?.hex);
    await joined();
  });

  const placed = (depth: number) => (depth < 2 ? 'found' : depth < 4 ? 'confirmed' : 'mature');

  it.each([1, 2, 3, 4, 5, 6])(
    'reverses a block exactly at a reorg of depth %d, and books it again when it is back',
    async (depth) => {
      const ledger = open(4);
      const before = await ledger.find();
      await a.mine(5, theirs);
      await joined();
      await look(ledger, { [before]: 'mature' });
      await split();
      const ours = await ledger.find();
      if (depth > 1) await a.mine(depth - 1, theirs);
      await look(ledger, { [before]: 'mature', [ours]: placed(depth) });
      // As much work on both sides, then more on the other: that decides, before the nodes meet and after.
      const [first = ''] = await b.mine(depth + 1, theirs);
      await look(ledger, { [before]: 'mature', [ours]: 'orphaned' });
      await join();
      await look(ledger, { [before]: 'mature', [ours]: 'orphaned' });
      expect(await a.rpc<{ confirmations: number }>('getblockheader', ours)).toMatchObject({ confirmations: -1 });
      // The branch is left again, by both.
      await Promise.all([a, b].map((one) => one.rpc('invalidateblock', first)));
      await a.mine(2, theirs);
      await joined();
      await look(ledger, { [before]: 'mature', [ours]: placed(depth + 2) });
      await Promise.all([a, b].map((one) => one.rpc('reconsiderblock', first)));
      await a.mine(1, theirs);
      await joined();
    },
  );

  it('reverses a block that is mature by 100 confirmations', async () => {
    const ledger = open(100);
    const ours = await ledger.find();
    await a.mine(98, theirs);
    await joined();
    await look(ledger, { [ours]: 'confirmed' });
    const [hundredth = ''] = await a.mine(1, theirs);
    await joined();
    await look(ledger, { [ours]: 'mature' });
    // The 100th block is replaced by three others: the block itself stays.
    await Promise.all([a, b].map((one) => one.rpc('invalidateblock', hundredth)));
    // To another address, or the blocks would be those that were invalidated.
    await b.mine(3, await a.address());
    await joined();
    await look(ledger, { [ours]: 'mature' });
    await Promise.all([a, b].map((one) => one.rpc('invalidateblock', ours)));
    await b.mine(104, await a.address());
    await joined();
    await look(ledger, { [ours]: 'orphaned' });
    expect([...new EntryBook(ledger.database).entries()].map(({ kind }) => kind)).toEqual([
      'block-booked',
      'block-matured',
      'block-unmatured',
      'block-reversed',
    ]);
  });

  it('reports a block that pays the pool and has no job, and decides nothing while a node is behind its headers', async () => {
    const ledger = open(4);
    const [hash = ''] = await a.mine(1, OURS);
    await joined();
    const { discoveries } = await ledger.blocks.follower.look();
    // Among them the blocks of the other tests' ledgers.
    expect(discoveries).toContainEqual(expect.objectContaining({ kind: 'foreign', hash }));
    const ours = await ledger.find();
    await a.mine(3, theirs);
    await joined();
    await look(ledger, { [ours]: 'mature' });
    await b.kill();
    expect(await ledger.blocks.follower.look()).toMatchObject({ verdict: { chain: 'same' } });
    await a.kill();
    expect(await ledger.blocks.follower.look()).toMatchObject({ tip: undefined, verdict: { chain: 'unknown' } });
    expect(ledger.blocks.book.store.find(ours)?.status).toBe('mature');
  });
});
