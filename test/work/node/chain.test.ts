import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Transaction } from 'bitcoinjs-lib';
import { afterEach, describe, expect, it } from 'vitest';
import { toDisplayHash, toHex } from '#base/bitcoin/bytes';
import { encodeHeader, headerHash } from '#base/bitcoin/header';
import { merkleRoot } from '#base/bitcoin/merkle';
import type { BitcoinNode } from '#base/domain/ports';
import { connectBitcoind } from '#work/node/bitcoind';
import { simulatedNode } from '#work/node/simulated';
import { recordedContainment } from '../../support/containment.ts';
import { recordedLogger } from '../../support/recorded-logger.ts';
import { buildBlock } from './block-builder.ts';
import { FakeNode, type Reply } from './fake-node.ts';
import { noSpare, systemClock, TemplateInbox } from './fixtures.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const NOT_FOUND: Reply = { status: 500, code: -5 };
const hash = 'ab'.repeat(32);

interface Told {
  readonly work?: number;
  readonly blocks?: unknown;
  readonly headers?: number;
  readonly downloading?: boolean;
  readonly chain?: string;
  /** Of getblockheader. */
  readonly header?: Reply;
  readonly silent?: boolean;
}

/** The chain of as many nodes as there are descriptions. */
async function chainOf(...nodes: readonly Told[]) {
  const fakes = await Promise.all(nodes.map(() => FakeNode.start()));
  const told = [...nodes];
  for (const [index, fake] of fakes.entries()) {
    closing.push(() => fake.stop());
    fake.reply = (method) => answer(told[index] ?? {}, method);
  }
  const logger = recordedLogger();
  const node = connectBitcoind(
    { rpc: fakes.map(({ url }) => ({ url })), network: 'regtest' },
    { clock: systemClock, contain: recordedContainment().contain, logger, spare: noSpare },
  );
  closing.push(() => node.close());
  return { node, chain: node.chain, fakes, told, logger };
}

function answer(told: Told, method: string): Reply {
  const { work = 5, blocks = 7, headers = 7, downloading = false, chain = 'regtest' } = told;
  if (told.silent) return { status: 503 };
  if (method === 'getblockheader') return told.header ?? NOT_FOUND;
  if (method === 'getblockhash') return { result: hash };
  if (method !== 'getblockchaininfo') return undefined;
  const chainwork = work.toString(16).padStart(64, '0');
  return { result: { chain, blocks, headers, bestblockhash: hash, chainwork, initialblockdownload: downloading } };
}

const inChain = (confirmations: number, height: unknown = 7): Reply => ({
  result: { hash, confirmations, height, nTx: 1 },
});
const aside: Reply = { result: { hash, confirmations: -1, height: 7, nTx: 1 } };

describe('the chain of several nodes', () => {
  it('is the one with the most work of a node in sync', async () => {
    const poor = { work: 4, blocks: 6, headers: 6, header: inChain(2) };
    const { chain } = await chainOf(poor, { header: inChain(1) });
    expect(await chain.tip()).toEqual({ height: 7, hash });
    expect(await chain.place(hash)).toEqual({ at: 'chain', height: 7, confirmations: 1 });
    expect(await chain.hashAt(7)).toBe(hash);
    expect(await chain.hashAt(8)).toBeUndefined();
  });

  it.each<[string, Told[]]>([
    ['no node answers', [{ silent: true }]],
    ['the only node is downloading', [{ downloading: true, header: inChain(1) }]],
    ['the only node is behind its headers', [{ headers: 8, header: inChain(1) }]],
    ['the only node is of another chain', [{ chain: 'main', header: inChain(1) }]],
    ['a node that is behind its headers has as much work', [{ header: inChain(1) }, { headers: 8 }]],
    ['a height is none', [{ blocks: 7.5, header: inChain(1) }]],
  ])('is undecided if %s', async (_, nodes) => {
    const { chain } = await chainOf(...nodes);
    expect(await chain.tip()).toBeUndefined();
    expect(await chain.place(hash)).toBeUndefined();
    expect(await chain.hashAt(7)).toBeUndefined();
  });

  it('is undecided while a node is silent that had as much work, and decided when another has more', async () => {
    const { node, chain, fakes, told } = await chainOf({ header: inChain(1) }, { header: aside });
    void node.start(new TemplateInbox().take).catch(() => undefined);
    // Its health is known: it has shown its chain.
    await expect
      .poll(() => fakes.map(({ calls }) => calls.filter((method) => method === 'submitblock').length))
      .toEqual([1, 1]);
    told[0] = { silent: true };
    expect(await chain.place(hash)).toBeUndefined();
    told[1] = { work: 6, blocks: 8, headers: 8, header: aside };
    expect(await chain.place(hash)).toEqual({ at: 'side' });
  });

  it.each<[string, Told[], unknown]>([
    ['no node has', [{}, {}], { at: 'none' }],
    ['only a poorer node has', [{}, { work: 4, header: inChain(3) }], { at: 'side' }],
    ['the deciding node has beside its chain', [{ header: aside }, { work: 4, header: inChain(3) }], { at: 'side' }],
    ['the deciding node says nothing of', [{ header: { status: 500, code: -1 } }], undefined],
    ['the deciding node gives no height', [{ header: inChain(1, 'seven') }], undefined],
    [
      'the deciding node mistakes for another',
      [{ header: { result: { hash: 'cd'.repeat(32), confirmations: 1, height: 7 } } }],
      undefined,
    ],
  ])('places a block that %s', async (_, nodes, place) => {
    const { chain } = await chainOf(...nodes);
    expect(await chain.place(hash)).toEqual(place);
  });

  it('says once that a node does not allow a question', async () => {
    const { chain, fakes, logger } = await chainOf({});
    for (const fake of fakes) fake.reply = () => ({ status: 403 });
    expect(await chain.tip()).toBeUndefined();
    expect(await chain.tip()).toBeUndefined();
    expect(logger.lines.filter(({ message }) => message.includes('can not follow blocks'))).toHaveLength(1);
  });
});

describe('the coinbase of a block', () => {
  const coinbase = new Transaction();
  coinbase.addInput(new Uint8Array(32), 0xffff_ffff, 0xffff_ffff, Uint8Array.of(1, 7, 1, 1));
  coinbase.addOutput(Uint8Array.of(0x51), 50n);
  const other = new Transaction();
  other.addInput(new Uint8Array(32).fill(1), 0);
  other.addOutput(Uint8Array.of(0x51), 1n);
  const header = encodeHeader({
    ...{ version: 4, time: 1, bits: 0x207f_ffff, nonce: 0 },
    previousHash: new Uint8Array(32),
    merkleRoot: merkleRoot([coinbase.getHash(), other.getHash()]),
  });
  const blockHash = toDisplayHash(headerHash(header));
  const honest: Record<string, unknown> = {
    getblockheader: toHex(header),
    getblock: { tx: [coinbase.getId(), other.getId()] },
    getrawtransaction: toHex(coinbase.toBuffer()),
  };
  async function coinbaseFrom(...nodes: Record<string, unknown>[]) {
    const { chain, fakes } = await chainOf(...nodes.map(() => ({})));
    for (const [index, fake] of fakes.entries()) fake.reply = (method) => ({ result: nodes[index]?.[method] ?? null });
    return chain.coinbase(blockHash);
  }

  it('is as it stands in the block', async () => {
    expect(await coinbaseFrom(honest)).toEqual(new Uint8Array(coinbase.toBuffer()));
  });

  it.each<[string, Record<string, unknown>]>([
    ['another header', { ...honest, getblockheader: toHex(header.with(0, 5)) }],
    ['other transactions', { ...honest, getblock: { tx: [other.getId(), coinbase.getId()] } }],
    ['no transactions', { ...honest, getblock: { tx: [] } }],
    ['transactions that are none', { ...honest, getblock: { tx: [1, {}] } }],
    ['another transaction as the coinbase', { ...honest, getrawtransaction: toHex(other.toBuffer()) }],
    ['bytes that are no transaction', { ...honest, getrawtransaction: 'ffff' }],
    ['nothing', {}],
  ])('is not taken from a node that gives %s, but from the next', async (_, lying) => {
    expect(await coinbaseFrom(lying)).toBeUndefined();
    expect(await coinbaseFrom(lying, honest)).toEqual(new Uint8Array(coinbase.toBuffer()));
  });
});

describe('the chain of the simulated node', () => {
  function simulated(file?: string) {
    const inbox = new TemplateInbox();
    const modules = { clock: systemClock, contain: recordedContainment().contain, logger: recordedLogger() };
    const node = simulatedNode(
      { network: 'regtest', blockDifficulty: 4e-10, transactionsPerBlock: 2, file },
      { ...modules, random: Math.random },
    );
    closing.push(() => node.close());
    return { node, inbox };
  }

  async function mine(node: BitcoinNode, inbox: TemplateInbox): Promise<{ hash: string; coinbase: string }> {
    const block = buildBlock(inbox.latest);
    expect(await node.submitBlock(block)).toEqual({ status: 'accepted' });
    const mined = toDisplayHash(headerHash(block));
    await inbox.wait(({ previousHash }) => toDisplayHash(previousHash) === mined);
    return { hash: mined, coinbase: toHex((await node.chain.coinbase(mined)) ?? new Uint8Array()) };
  }

  it('places blocks, and has their coinbases after a restart', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-simulated-chain-'));
    closing.push(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'chain.json');
    const before = simulated(file);
    await before.node.start(before.inbox.take);
    expect(await before.node.chain.tip()).toMatchObject({ height: 0 });
    const late = buildBlock(before.inbox.latest, { header: ({ curTime }) => ({ time: curTime + 1 }) });
    const first = await mine(before.node, before.inbox);
    const second = await mine(before.node, before.inbox);
    expect(await before.node.submitBlock(late)).toMatchObject({ status: 'orphaned' });
    const { chain } = before.node;
    expect(await chain.tip()).toEqual({ height: 2, hash: second.hash });
    expect(await chain.place(first.hash)).toEqual({ at: 'chain', height: 1, confirmations: 2 });
    expect(await chain.place(toDisplayHash(headerHash(late)))).toEqual({ at: 'side' });
    expect(await chain.place(hash)).toEqual({ at: 'none' });
    expect(await chain.hashAt(1)).toBe(first.hash);
    expect(await chain.hashAt(3)).toBeUndefined();
    expect(await chain.hashAt(-1)).toBeUndefined();
    expect(Transaction.fromHex(first.coinbase).isCoinbase()).toBe(true);
    await before.node.close();
    const after = simulated(file);
    expect(toHex((await after.node.chain.coinbase(first.hash)) ?? new Uint8Array())).toBe(first.coinbase);
    expect(await after.node.chain.tip()).toEqual({ height: 2, hash: second.hash });
    // As an earlier version wrote it.
    const { coinbases: _, ...old } = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify(old));
    expect(await simulated(file).node.chain.coinbase(first.hash)).toBeUndefined();
    writeFileSync(file, JSON.stringify({ ...old, coinbases: [] }));
    expect(() => simulated(file)).toThrow('one for each header');
  });

  it('decides nothing of an unknown block once it has forgotten some', async () => {
    const { node, inbox } = simulated();
    await node.start(inbox.take);
    const first = await mine(node, inbox);
    for (let blocks = 1; blocks < 288; blocks += 1) await mine(node, inbox);
    expect(await node.chain.place(first.hash)).toMatchObject({ at: 'chain', confirmations: 288 });
    await mine(node, inbox);
    expect(await node.chain.place(first.hash)).toBeUndefined();
    expect(await node.chain.hashAt(1)).toBeUndefined();
    expect(await node.chain.hashAt(0)).toBe('0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206');
    expect(await node.chain.coinbase(first.hash)).toBeUndefined();
    expect(await node.chain.hashAt(2)).toMatch(/^[0-9a-f]{64}$/);
  });
});
