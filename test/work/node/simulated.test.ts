import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Transaction } from 'bitcoinjs-lib';
import { afterEach, describe, expect, it } from 'vitest';
import { equalBytes, toDisplayHash, toHex } from '#base/bitcoin/bytes';
import { headerHash } from '#base/bitcoin/header';
import { merkleBranch } from '#base/bitcoin/merkle';
import { difficultyOfTarget, targetOfBits } from '#base/bitcoin/target';
import type { BitcoinNode } from '#base/domain/ports';
import type { BlockTemplate } from '#base/domain/template';
import { createJobFactory } from '#work/jobs/factory';
import { BLOCK_DIFFICULTY, type SimulatedNodeOptions, simulatedNode, subsidySats } from '#work/node/simulated';
import { recordedContainment } from '../../support/containment.ts';
import { recordedLogger } from '../../support/recorded-logger.ts';
import { ManualClock } from '../jobs/fixtures.ts';
import { buildBlock, faults } from './block-builder.ts';
import { mineBlock, TemplateInbox } from './fixtures.ts';

/** Regtest's own limit: every second hash is a block. */
const EASY = 4e-10;

/** A seeded generator (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const opened: BitcoinNode[] = [];
const folders: string[] = [];

function open(options: Partial<SimulatedNodeOptions> = {}, seed = 1) {
  const clock = new ManualClock();
  const logger = recordedLogger();
  const inbox = new TemplateInbox();
  const contained = recordedContainment();
  const node = simulatedNode(
    { network: 'regtest', blockDifficulty: EASY, ...options },
    { clock, contain: contained.contain, logger, random: seeded(seed) },
  );
  opened.push(node);
  return { node, clock, contained, logger, inbox };
}

/** Submits a good block on the newest template and waits for the one after it. */
async function mineOne(node: BitcoinNode, inbox: TemplateInbox): Promise<BlockTemplate> {
  const block = buildBlock(inbox.latest);
  expect(await node.submitBlock(block)).toEqual({ status: 'accepted' });
  const hash = headerHash(block);
  return inbox.wait((template) => equalBytes(template.previousHash, hash));
}

function chainFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-chain-'));
  folders.push(folder);
  return join(folder, 'node', 'chain.json');
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((node) => node.close()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

describe('the simulated node', () => {
  it("starts on regtest's genesis block", async () => {
    const { node, inbox } = open();
    expect(node.status()).toEqual({ ready: false, reason: 'not started' });
    await node.start(inbox.take);
    expect(node.status()).toEqual({ ready: true });
    expect(inbox.latest.height).toBe(1);
    expect(toDisplayHash(inbox.latest.previousHash)).toBe(
      '0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206',
    );
  });

  it("accepts the pool's own blocks, and goes on with a template on top", async () => {
    const { node, clock, inbox } = open();
    await node.start(inbox.take);
    const jobs = createJobFactory(
      {
        epoch: 1,
        bootId: '0123456789abcdef',
        identity: new Uint8Array(6),
        payoutScript: Uint8Array.of(0x51),
        tag: '/Sluice/',
      },
      { clock, nextEpoch: () => 2, merkleBranch },
    );
    for (let height = 1; height <= 5; height += 1) {
      const job = jobs.build(inbox.latest);
      expect(job.height).toBe(height);
      const block = mineBlock(job);
      expect(await node.submitBlock(block)).toEqual({ status: 'accepted' });
      // As after an answer that got lost.
      expect(await node.submitBlock(block)).toEqual({ status: 'accepted' });
      await inbox.wait((template) => equalBytes(template.previousHash, headerHash(block)));
      clock.ms += 10_000;
    }
    expect(inbox.all.map((template) => template.height)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(new Set(inbox.all.map((template) => template.transactions.length)).size).toBeGreaterThan(2);
  });

  it('takes a rolled version and a later time', async () => {
    const { node, inbox } = open();
    await node.start(inbox.take);
    const header = ({ version, curTime }: BlockTemplate) => ({
      version: (version | 0x1fffe000) >>> 0,
      time: curTime + 7200,
    });
    expect(await node.submitBlock(buildBlock(inbox.latest, { header }))).toEqual({ status: 'accepted' });
  });

  it.each(Object.entries(faults))('refuses %s', async (_, [fault, reason]) => {
    const { node, inbox } = open();
    await node.start(inbox.take);
    expect(await node.submitBlock(buildBlock(inbox.latest, fault))).toEqual({ status: 'rejected', reason });
    // Nothing of it stays.
    await mineOne(node, inbox);
  });

  it('reads the version as a signed number', async () => {
    const { node, inbox } = open();
    await node.start(inbox.take);
    const header = () => ({ version: 0xa000_0000 });
    expect(await node.submitBlock(buildBlock(inbox.latest, { header }))).toEqual({
      status: 'rejected',
      reason: 'bad-version(0xa0000000)',
    });
  });

  it('refuses bytes that are no block', async () => {
    const { node, inbox } = open();
    await node.start(inbox.take);
    const good = buildBlock(inbox.latest);
    const wrong = [
      new Uint8Array(),
      new Uint8Array(80),
      good.subarray(0, -1),
      Uint8Array.from([...good, 0]),
      // The count of transactions written longer than need be.
      Uint8Array.from([...good.subarray(0, 80), 0xfd, good[80] ?? 0, 0, ...good.subarray(81)]),
      new Uint8Array(4_000_001),
    ];
    for (const bytes of wrong) {
      expect(await node.submitBlock(bytes)).toEqual({ status: 'rejected', reason: 'Block decode failed' });
    }
    expect(await node.submitBlock(good)).toEqual({ status: 'accepted' });
  });

  it('refuses a block without a coinbase', async () => {
    const { node, inbox } = open();
    await node.start(inbox.take);
    const coinbase = (transaction: Transaction) => {
      for (const input of transaction.ins) input.hash = new Uint8Array(32).fill(1);
    };
    expect(await node.submitBlock(buildBlock(inbox.latest, { coinbase }))).toMatchObject({ reason: 'bad-cb-missing' });
    const header = Uint8Array.from([...buildBlock(inbox.latest).subarray(0, 80), 0]);
    expect(await node.submitBlock(header)).toMatchObject({ reason: 'bad-blk-length' });
  });

  it('calls a valid block on an older tip orphaned', async () => {
    const { node, inbox } = open();
    await node.start(inbox.take);
    const late = buildBlock(inbox.latest, { header: ({ curTime }) => ({ time: curTime + 1 }) });
    const lateAndBad = buildBlock(inbox.latest, { misses: true });
    await mineOne(node, inbox);
    expect(await node.submitBlock(late)).toEqual({ status: 'orphaned', reason: 'inconclusive' });
    expect(await node.submitBlock(lateAndBad)).toEqual({ status: 'rejected', reason: 'high-hash' });
  });

  it('accepts a block of an earlier template on the same tip', async () => {
    const { node, inbox } = open({ refreshMs: 1 });
    await node.start(inbox.take);
    const [earlier] = inbox.all;
    await inbox.wait(() => true, 1);
    expect(earlier && (await node.submitBlock(buildBlock(earlier)))).toEqual({ status: 'accepted' });
  });

  it.each([0, 300])('fills each template with %i transactions if configured', async (transactions) => {
    const { node, inbox } = open({ transactionsPerBlock: transactions, transactionsMax: transactions });
    await node.start(inbox.take);
    expect(inbox.latest.transactions).toHaveLength(transactions);
  });

  it('holds transactions to their rules: known, unspent, whole, after their parents, once', async () => {
    const { node, inbox } = open({ transactionsPerBlock: 80 });
    await node.start(inbox.take);
    const all = inbox.latest.transactions.map(({ data }) => Transaction.fromBuffer(data));
    const ids = new Set(all.map((transaction) => toHex(transaction.getHash())));
    const child = all.find((transaction) => transaction.ins.some((input) => ids.has(toHex(input.hash))));
    if (child === undefined) throw new Error('no transaction spends from another one');
    const rewarded = async (others: Transaction[]) =>
      node.submitBlock(buildBlock(inbox.latest, { others: () => others, coinbase: takeSubsidyOnly }));

    const missing = { status: 'rejected', reason: 'bad-txns-inputs-missingorspent' };
    expect(await rewarded([child])).toEqual(missing);
    expect(await rewarded([child, ...all.filter((one) => one !== child)])).toEqual(missing);
    const [first, second] = all;
    if (first === undefined || second === undefined) throw new Error('too few transactions');
    expect(await rewarded([first, second, first])).toEqual(missing);
    const forged = first.clone();
    for (const input of forged.ins) input.witness = [Uint8Array.of(1)];
    expect(await rewarded([forged])).toEqual({ status: 'rejected', reason: 'block-script-verify-flag-failed' });

    expect(await rewarded([first])).toEqual({ status: 'accepted' });
    await inbox.wait((template) => template.height === 2);
    expect(await rewarded([first, second])).toEqual(missing);
    expect(await rewarded(all.slice(1))).toEqual({ status: 'accepted' });
  });

  it('sees the doubled transaction that leaves the merkle root as it is', async () => {
    const { node, inbox } = open({ transactionsPerBlock: 2, transactionsPerSecond: 1e-9 });
    await node.start(inbox.take);
    const last = inbox.latest.transactions.at(-1)?.data ?? new Uint8Array();
    const bytes = (block: Uint8Array): Uint8Array =>
      Uint8Array.from([...block.subarray(0, 80), 4, ...block.subarray(81), ...last]);
    expect(await node.submitBlock(buildBlock(inbox.latest, { bytes }))).toMatchObject({ reason: 'bad-txns-duplicate' });
  });

  it('lets new transactions in with time, in a fresh template', async () => {
    const { node, clock, inbox } = open({ refreshMs: 1, transactionsPerSecond: 10 });
    await node.start(inbox.take);
    const [first] = inbox.all;
    clock.ms += 60_000;
    const later = await inbox.wait((template) => template.curTime === (first?.curTime ?? 0) + 60);
    expect(later.previousHash).toEqual(first?.previousHash);
    const [before, after] = [first?.transactions.length ?? 0, later.transactions.length];
    expect(after - before).toBeGreaterThan(400);
    expect(after - before).toBeLessThan(800);
    expect(later.coinbaseValueSats).toBeGreaterThan(first?.coinbaseValueSats ?? 0n);
  });

  it('is the same for the same seed, and bounded however long nothing is mined', async () => {
    const [a, b] = [open({ refreshMs: 1 }, 7), open({ refreshMs: 1 }, 7)];
    for (const { node, clock, inbox } of [a, b]) {
      await node.start(inbox.take);
      clock.ms += 90 * 24 * 3_600_000;
      await inbox.wait((template) => template.transactions.length === 2500);
    }
    const block = buildBlock(a.inbox.latest);
    expect(equalBytes(block, buildBlock(b.inbox.latest))).toBe(true);
    expect(await a.node.submitBlock(block)).toEqual({ status: 'accepted' });
  });

  it('halves the subsidy every 150 blocks', async () => {
    expect([0, 149, 150, 299, 300, 5100].map(subsidySats)).toEqual([
      5_000_000_000n,
      5_000_000_000n,
      2_500_000_000n,
      2_500_000_000n,
      1_250_000_000n,
      0n,
    ]);
    const { node, inbox } = open({ transactionsPerBlock: 0, transactionsPerSecond: 1e-9 });
    await node.start(inbox.take);
    while (inbox.latest.height < 150) await mineOne(node, inbox);
    expect(inbox.latest.coinbaseValueSats).toBe(2_500_000_000n);
    expect(inbox.latest.minTime).toBeGreaterThan(1_699_999_990);
  });

  it('has the difficulty that it was given', async () => {
    const { node, inbox } = open({ blockDifficulty: undefined });
    await node.start(inbox.take);
    expect(difficultyOfTarget(targetOfBits(inbox.latest.bits) ?? 0n)).toBeCloseTo(BLOCK_DIFFICULTY, 6);
    expect(() => open({ blockDifficulty: 1e300 })).toThrow('too high');
    expect(() => open({ blockDifficulty: 0 })).toThrow('difficulty');
  });

  it('is a regtest node and nothing else', () => {
    expect(() => open({ network: 'main' })).toThrow('main needs a real one');
  });

  it('survives a pool that fails to use a template', async () => {
    const { node, contained } = open({ refreshMs: 1 });
    let calls = 0;
    const third = new Promise<void>((resolve) => {
      void node.start(() => {
        calls += 1;
        if (calls === 3) resolve();
        throw new Error('unusable');
      });
    });
    await third;
    expect(contained.errors).toBe(3);
    expect(contained.lines).toHaveLength(1);
  });

  it('is quiet after close', async () => {
    const { node, inbox } = open();
    await node.start(inbox.take);
    const block = buildBlock(inbox.latest);
    await node.close();
    expect(node.status()).toEqual({ ready: false, reason: 'closed' });
    expect(await node.submitBlock(block)).toEqual({ status: 'unknown', reason: 'closed' });
    await expect(node.start(inbox.take)).rejects.toThrow('once');
  });
});

describe("the simulated node's chain file", () => {
  it('lets a restart go on at the same block, and still know the ones before', async () => {
    const file = chainFile();
    const before = open({ file });
    await before.node.start(before.inbox.take);
    const late = buildBlock(before.inbox.latest, { header: ({ curTime }) => ({ time: curTime + 1 }) });
    const block = buildBlock(before.inbox.latest);
    expect(await before.node.submitBlock(block)).toEqual({ status: 'accepted' });
    await before.inbox.wait((template) => template.height === 2);
    // No close: the process may have been killed.
    const after = open({ file }, 2);
    await after.node.start(after.inbox.take);
    expect(after.inbox.latest.height).toBe(2);
    expect(after.inbox.latest.previousHash).toEqual(headerHash(block));
    expect(await after.node.submitBlock(block)).toEqual({ status: 'accepted' });
    expect(await after.node.submitBlock(late)).toEqual({ status: 'orphaned', reason: 'inconclusive' });
    await mineOne(after.node, after.inbox);
  });

  it('stays small', async () => {
    const file = chainFile();
    const { node, inbox } = open({ file, transactionsPerBlock: 0, transactionsPerSecond: 1e-9 });
    await node.start(inbox.take);
    while (inbox.latest.height <= 300) await mineOne(node, inbox);
    expect(readFileSync(file).length).toBeLessThan(200_000);
    const again = open({ file });
    await again.node.start(again.inbox.take);
    expect(again.inbox.latest.height).toBe(301);
  });

  it('goes on under another difficulty', async () => {
    const file = chainFile();
    const before = open({ file });
    await before.node.start(before.inbox.take);
    await mineOne(before.node, before.inbox);
    const after = open({ file, blockDifficulty: EASY * 4 });
    await after.node.start(after.inbox.take);
    expect(after.inbox.latest.height).toBe(2);
    await mineOne(after.node, after.inbox);
  });

  it('is named with the error if it can not be read', async () => {
    const file = chainFile();
    const { node, inbox } = open({ file });
    await node.start(inbox.take);
    await mineOne(node, inbox);
    await mineOne(node, inbox);
    const { coinbases: _, ...good } = JSON.parse(readFileSync(file, 'utf8')) as Record<
      'coinbases' | 'headers',
      string[]
    >;
    const [genesis = '', one = '', two = ''] = good.headers;
    const cases: [unknown, string][] = [
      [{ ...good, format: 'other' }, 'format'],
      [{ ...good, height: '2' }, 'height is no number'],
      [{ ...good, height: 1 }, 'height 1 is impossible'],
      [{ ...good, headers: [] }, 'there is no header'],
      [{ ...good, headers: [genesis, one.slice(2)] }, 'not 80 bytes'],
      [{ ...good, headers: [genesis, two] }, 'does not build on'],
      [{ ...good, headers: [genesis, one, `${two.slice(0, -16)}000000${two.slice(-10)}`] }, 'proof of work'],
      [{ ...good, headers: 7 }, 'headers is no list'],
      [{ ...good, coinbases: [null] }, 'one for each header'],
      [{ ...good, coinbases: [null, 'xx', null] }, 'a coinbase is no hex'],
      [null, 'format'],
    ];
    for (const [content, reason] of cases) {
      writeFileSync(file, JSON.stringify(content));
      expect(() => open({ file })).toThrow(reason);
      expect(() => open({ file })).toThrow(`${file} holds no chain`);
    }
    writeFileSync(file, JSON.stringify(good).slice(0, 100));
    expect(() => open({ file })).toThrow('Move the file away');
  });

  it('that can not be written leaves the chain as it is, and the block to be tried again', async () => {
    const file = chainFile();
    const { node, inbox } = open({ file });
    await node.start(inbox.take);
    await mineOne(node, inbox);
    const folder = join(file, '..');
    rmSync(folder, { recursive: true });
    writeFileSync(folder, 'no folder');
    const block = buildBlock(inbox.latest);
    expect(await node.submitBlock(block)).toMatchObject({ status: 'unknown' });
    rmSync(folder);
    expect(await node.submitBlock(block)).toEqual({ status: 'accepted' });
  });
});

function takeSubsidyOnly(coinbase: Transaction, template: BlockTemplate): void {
  const [payout] = coinbase.outs;
  if (payout) payout.value = subsidySats(template.height);
}
