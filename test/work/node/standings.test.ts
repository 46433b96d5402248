import { afterEach, describe, expect, it } from 'vitest';
import { toDisplayHash } from '#base/bitcoin/bytes';
import { headerHash } from '#base/bitcoin/header';
import type { BitcoinNode, Standing } from '#base/domain/ports';
import { connectBitcoind } from '#work/node/bitcoind';
import { mergeStandings, readStanding } from '#work/node/standings';
import { recordedContainment } from '../../support/containment.ts';
import { recordedLogger } from '../../support/recorded-logger.ts';
import { FakeNode, type Reply } from './fake-node.ts';
import { noSpare, systemClock, TemplateInbox } from './fixtures.ts';

const NOT_FOUND: Reply = { status: 500, code: -5 };
/** No node of these looks at what is in it. */
const block = new Uint8Array(200).fill(7);
const hash = toDisplayHash(headerHash(block.subarray(0, 80)));
const bytes = (): Promise<Uint8Array> => Promise.resolve(block);

const fakes: FakeNode[] = [];
let pool: BitcoinNode | undefined;

/** A pool on as many nodes as there are descriptions; each is what a node replies, or undefined for a healthy answer. */
async function poolOn(...replies: FakeNode['reply'][]) {
  const inbox = new TemplateInbox();
  for (const reply of replies) {
    const fake = await FakeNode.start();
    fake.reply = reply;
    fakes.push(fake);
  }
  const logger = recordedLogger();
  pool = connectBitcoind(
    { rpc: fakes.map(({ url }) => ({ url })), network: 'regtest', pollMs: 20 },
    { clock: systemClock, contain: recordedContainment().contain, logger, spare: noSpare },
  );
  await pool.start(inbox.take);
  // Each is known to be ready.
  const ready = (): number => logger.lines.filter(({ message }) => message === 'the node is ready').length;
  await expect.poll(ready).toBe(fakes.length);
  const offers = (node: FakeNode): number => node.calls.filter((method) => method === 'submitblock').length - 1;
  return { node: pool, inbox, offers, fakes: [...fakes] as [FakeNode, FakeNode] };
}

/** A node that says this to submitblock and getblockheader of the block, and is healthy else. */
const saying =
  (submitted: Reply, header: Reply) =>
  (method: string, params: readonly unknown[]): Reply => {
    if (method === 'submitblock' && params[0] !== '00') return submitted;
    return method === 'getblockheader' && params[0] === hash ? header : undefined;
  };
const inChain = (confirmations: unknown, of = hash): Reply => ({ result: { hash: of, confirmations } });

afterEach(async () => {
  await pool?.close();
  for (const fake of fakes.splice(0)) fake.stop();
});

describe('a block', () => {
  it('is not accepted because a node calls it a duplicate that does not have it', async () => {
    const { node, fakes } = await poolOn(saying({ result: 'duplicate' }, NOT_FOUND));
    expect(await node.submitBlock(block)).toEqual({
      status: 'unknown',
      reason: 'duplicate, but the node does not show the block',
    });
    fakes[0].reply = saying({ result: 'duplicate' }, inChain(1));
    expect(await node.submitBlock(block)).toEqual({ status: 'accepted' });
    fakes[0].reply = saying({ result: 'duplicate' }, inChain(-1));
    expect(await node.submitBlock(block)).toMatchObject({ status: 'orphaned' });
  });

  it('is offered once for each state of the chain to a node that says it takes it, and does not', async () => {
    const { node, fakes, offers } = await poolOn(saying({ result: null }, NOT_FOUND));
    const [fake] = fakes;
    expect(await node.submitBlock(block)).toEqual({ status: 'accepted' });
    for (let look = 0; look < 3; look += 1) expect(await node.standing(hash, bytes)).toEqual({ at: 'none' });
    expect(offers(fake)).toBe(2);
    fake.chainwork += 1;
    const checks = (): number => fake.calls.filter((method) => method === 'getblockchaininfo').length;
    const before = checks();
    await expect.poll(checks).toBeGreaterThan(before + 1);
    for (let look = 0; look < 3; look += 1) expect(await node.standing(hash, bytes)).toEqual({ at: 'none' });
    expect(offers(fake)).toBe(3);
  });

  it('is not settled by the refusal of one node while another has not judged it', async () => {
    const { node, fakes } = await poolOn(
      saying({ result: 'bad-fork' }, NOT_FOUND),
      saying({ result: 'prev-blk-not-found' }, NOT_FOUND),
    );
    expect(await node.submitBlock(block)).toEqual({ status: 'unknown', reason: 'prev-blk-not-found' });
    expect(await node.standing(hash, bytes)).toEqual({ at: 'none' });
    fakes[1].reply = () => ({ status: 503 });
    expect(await node.standing(hash, bytes)).toEqual({ at: 'unknown' });
    fakes[1].chainwork += 1;
    fakes[1].reply = saying({ result: 'time-too-new' }, NOT_FOUND);
    await expect.poll(() => node.standing(hash, bytes)).toEqual({ at: 'none', refused: 'time-too-new' });
    fakes[1].chainwork += 1;
    let had = false;
    fakes[1].reply = (method, params) => {
      if (method === 'submitblock') had = true;
      return saying({ result: null }, had ? inChain(1) : NOT_FOUND)(method, params);
    };
    await expect.poll(() => node.standing(hash, bytes)).toEqual({ at: 'chain', confirmations: 1 });
  });

  it('is not what the chain of a poorer node says', async () => {
    const { node, fakes, offers } = await poolOn(
      saying({ result: 'inconclusive' }, inChain(-1)),
      saying({ result: null }, inChain(150)),
    );
    expect(await node.standing(hash, bytes)).toEqual({ at: 'side' });
    // As one that is asked and does not know it.
    fakes[0].reply = saying({ result: 'bad-fork' }, NOT_FOUND);
    fakes[0].chainwork += 1;
    await expect.poll(() => node.standing(hash, bytes)).toEqual({ at: 'side' });
    expect(offers(fakes[0])).toBeGreaterThan(0);
    expect(offers(fakes[1])).toBe(0);
  });

  it('is asked of no node for a while that lets the question hang, and its templates go on', async () => {
    const { node, inbox, fakes } = await poolOn(saying({ result: null }, 'silence'));
    const asked = (): number => fakes[0].calls.filter((method) => method === 'getblockheader').length;
    const before = asked();
    const first = node.standing(hash, bytes);
    fakes[0].tip = '0c'.repeat(32);
    await inbox.wait(({ previousHash }) => toDisplayHash(previousHash) === fakes[0].tip);
    expect(await first).toEqual({ at: 'unknown' });
    for (let look = 0; look < 100; look += 1) expect(await node.standing(hash, bytes)).toEqual({ at: 'unknown' });
    expect(asked()).toBe(before + 1);
  });

  it.each<[string, Reply]>([
    ['an error', { status: 500, code: -28 }],
    ['an error without a code', { status: 500, code: Number.NaN }],
    ['a busy node', { status: 503 }],
    ['nothing', { result: null }],
    ['a text', { result: 'yes' }],
    ['another block', inChain(3, '0d'.repeat(32))],
    ['confirmations that are missing', inChain(undefined)],
    ['confirmations as text', inChain('150')],
    ['confirmations that are no whole number', inChain(1.5)],
    ['no confirmations', inChain(0)],
    ['fewer than no confirmations', inChain(-2)],
    ['more confirmations than there can be blocks', inChain(1e300)],
  ])('is not known from %s', async (_, header) => {
    const { node, fakes, offers } = await poolOn(saying({ result: null }, header));
    expect(await node.standing(hash, bytes)).toEqual({ at: 'unknown' });
    expect(offers(fakes[0])).toBe(0);
  });
});

describe('readStanding', () => {
  it.each<[number, Standing]>([
    [1, { at: 'chain', confirmations: 1 }],
    [2 ** 31 - 1, { at: 'chain', confirmations: 2 ** 31 - 1 }],
    [2 ** 31, { at: 'unknown' }],
    [-1, { at: 'side' }],
  ])('takes %d confirmations', (confirmations, standing) => {
    expect(readStanding({ ok: true, result: { hash, confirmations } }, hash)).toEqual(standing);
  });

  it.each<[unknown, Standing]>([
    [0, { at: 'none' }],
    [1, { at: 'side' }],
    [4000, { at: 'side' }],
    [undefined, { at: 'side' }],
    ['0', { at: 'unknown' }],
    [null, { at: 'unknown' }],
    [-1, { at: 'unknown' }],
    [0.5, { at: 'unknown' }],
  ])('takes %j transactions of a block that is not in the chain', (nTx, standing) => {
    expect(readStanding({ ok: true, result: { hash, confirmations: -1, nTx } }, hash)).toEqual(standing);
  });
});

describe('mergeStandings', () => {
  const at = (chainwork: string, standing: Standing, active = false) => ({ chainwork, standing, active });

  it('takes the word of the one that serves, of two with as much work', () => {
    const [side, chain] = [at('1', { at: 'side' }, true), at('1', { at: 'chain', confirmations: 1 })];
    expect(mergeStandings([chain, side])).toEqual({ at: 'side' });
    expect(
      mergeStandings([
        { ...chain, active: true },
        { ...side, active: false },
      ]),
    ).toMatchObject({ at: 'chain' });
  });

  it.each<Standing>([
    { at: 'none' },
    { at: 'none', refused: 'high-hash' },
    { at: 'side' },
    { at: 'chain', confirmations: 1 },
  ])('is unknown while a node with as much work is silent, whatever the others say: %j', (standing) => {
    const silent = (chainwork: string) => at(chainwork, { at: 'unknown' });
    const heard = at('2', standing, true);
    for (const chainwork of ['2', '3']) {
      expect(mergeStandings([heard, silent(chainwork)])).toEqual({ at: 'unknown' });
      expect(mergeStandings([silent(chainwork), heard, at('1', standing)])).toEqual({ at: 'unknown' });
    }
    // One with less work, or that has never shown its chain, takes no answer away; but it may still take a refused block.
    const left = standing.at === 'none' ? { at: 'none' } : standing;
    for (const chainwork of ['', '1']) expect(mergeStandings([heard, silent(chainwork)])).toEqual(left);
  });

  it('is unknown without an answer', () => {
    expect(mergeStandings([])).toEqual({ at: 'unknown' });
    expect(mergeStandings([at('2', { at: 'unknown' })])).toEqual({ at: 'unknown' });
  });
});
