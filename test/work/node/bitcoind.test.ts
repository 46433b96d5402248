import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseAddress } from '#base/bitcoin/address';
import { fromDisplayHash, toDisplayHash, toHex } from '#base/bitcoin/bytes';
import { headerHash } from '#base/bitcoin/header';
import { merkleBranch } from '#base/bitcoin/merkle';
import type { BitcoinNode } from '#base/domain/ports';
import { createJobFactory, type JobFactory } from '#work/jobs/factory';
import { type BitcoindOptions, connectBitcoind } from '#work/node/bitcoind';
import { simulatedNode } from '#work/node/simulated';
import { findBitcoind } from '../../support/bitcoind.ts';
import { freePorts, type RegtestNode, startRegtest } from '../../support/bitcoind-regtest.ts';
import { recordedContainment } from '../../support/containment.ts';
import { recordedLogger } from '../../support/recorded-logger.ts';
import { buildBlock, faults } from './block-builder.ts';
import { mineBlock, noSpare, systemClock, TemplateInbox } from './fixtures.ts';

const bitcoind = await findBitcoind();
if (bitcoind.reason !== undefined) process.stderr.write(`not run: ${bitcoind.reason}\n`);

const payTo = parseAddress('bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080', 'regtest');
if (!payTo.ok) throw new Error(payTo.reason);

function factory(): JobFactory {
  const options = {
    epoch: 1,
    bootId: '0123456789abcdef',
    identity: new Uint8Array(6),
    payoutScript: payTo.ok ? payTo.script : new Uint8Array(),
    tag: '/Sluice test/',
  };
  return createJobFactory(options, { clock: systemClock, nextEpoch: () => 2, merkleBranch });
}

describe.skipIf(bitcoind.path === undefined)('connectBitcoind with a real node', () => {
  const logger = recordedLogger();
  const { contain } = recordedContainment();
  let first: RegtestNode;
  let second: RegtestNode;
  const opened: BitcoinNode[] = [];

  function connect(options: Partial<BitcoindOptions>): BitcoinNode {
    const node = connectBitcoind(
      { rpc: [{ url: first.url }], network: 'regtest', pollMs: 100, ...options },
      { clock: systemClock, contain, logger, spare: noSpare },
    );
    opened.push(node);
    return node;
  }

  beforeAll(async () => {
    const path = bitcoind.path ?? '';
    first = await startRegtest({ path });
    second = await startRegtest({ path, connect: first.p2p });
    await first.fund();
  });

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((node) => node.close()));
  });

  afterAll(async () => {
    await Promise.all([first, second].map((node) => node?.stop()));
  });

  it('decodes its template, and has it accept a block with transactions', async () => {
    const sent = await first.send(5);
    const inbox = new TemplateInbox();
    const node = connect({});
    expect(node.status().ready).toBe(false);
    await node.start(inbox.take);
    expect(node.status()).toEqual({ ready: true });
    const height = await first.rpc<number>('getblockcount');
    const template = inbox.latest;
    expect(template.height).toBe(height + 1);
    expect(toDisplayHash(template.previousHash)).toBe(await first.rpc<string>('getbestblockhash'));
    expect(template.transactions.map((transaction) => toDisplayHash(transaction.txid)).sort()).toEqual(sent.sort());

    const block = mineBlock(factory().build(template));
    expect(await node.submitBlock(block)).toEqual({ status: 'accepted' });
    const hash = toDisplayHash(headerHash(block));
    expect(await first.rpc<string>('getbestblockhash')).toBe(hash);
    const mined = await first.rpc<{ tx: string[] }>('getblock', hash);
    expect(mined.tx).toHaveLength(6);
    // Our own block is noticed at once.
    await inbox.wait((next) => toDisplayHash(next.previousHash) === hash);
    // As after an answer that got lost.
    expect(await node.submitBlock(block)).toEqual({ status: 'accepted' });
  });

  it('does not take a block for one on the chain that a reorganisation has thrown out', async () => {
    const inbox = new TemplateInbox();
    const node = connect({});
    await node.start(inbox.take);
    const block = mineBlock(factory().build(inbox.latest));
    expect(await node.submitBlock(block)).toEqual({ status: 'accepted' });
    const hash = toDisplayHash(headerHash(block));
    // Another chain gets longer while ours is set aside; then the node may consider it again.
    await first.rpc('invalidateblock', hash);
    await first.mine(2);
    await first.rpc('reconsiderblock', hash);
    expect(await node.submitBlock(block)).toEqual({ status: 'orphaned', reason: 'known, and not on the best chain' });
    expect(await node.standing(hash, async () => block)).toEqual({ at: 'side' });
  });

  it('has a node take a block of which it knew the header only', async () => {
    const inbox = new TemplateInbox();
    const node = connect({});
    await node.start(inbox.take);
    const block = mineBlock(factory().build(inbox.latest));
    const header = block.subarray(0, 80);
    await first.rpc('submitheader', toHex(header));
    const hash = toDisplayHash(headerHash(header));
    expect(await first.rpc('getblockheader', hash)).toMatchObject({ confirmations: -1, nTx: 0 });
    expect(await node.standing(hash, async () => undefined)).toEqual({ at: 'none' });
    expect(await node.standing(hash, async () => block)).toEqual({ at: 'chain', confirmations: 1 });
    expect(await first.rpc('getbestblockhash')).toBe(hash);
  });

  it.each(['one satoshi too much', 'another height', 'another reserved value'])(
    'tells a block that its node keeps and refuses from one that has lost its race: %s',
    async (name) => {
      await first.mine(1);
      const inbox = new TemplateInbox();
      const node = connect({});
      await node.start(inbox.take);
      const [fault, reason] = faults[name] ?? [{}, ''];
      const block = buildBlock(inbox.latest, fault);
      const hash = toDisplayHash(headerHash(block.subarray(0, 80)));
      expect(await node.submitBlock(block)).toEqual({ status: 'rejected', reason });
      expect(await first.rpc('getblockheader', hash)).toMatchObject({ confirmations: -1 });
      const refused = name === 'another reserved value' ? reason : 'duplicate-invalid';
      for (let look = 0; look < 2; look += 1) {
        expect(await node.standing(hash, async () => block)).toEqual({ at: 'none', refused });
      }
    },
  );

  it('takes back the refusal of a block that its node considers again', async () => {
    const inbox = new TemplateInbox();
    const node = connect({});
    await node.start(inbox.take);
    const block = mineBlock(factory().build(inbox.latest));
    const hash = toDisplayHash(headerHash(block.subarray(0, 80)));
    const standing = () => node.standing(hash, async () => block);
    expect(await node.submitBlock(block)).toEqual({ status: 'accepted' });
    await first.rpc('invalidateblock', hash);
    await expect.poll(standing).toEqual({ at: 'none', refused: 'duplicate-invalid' });
    await first.mine(2);
    await first.rpc('reconsiderblock', hash);
    await expect.poll(standing).toEqual({ at: 'side' });
  });

  it("has it refuse bad blocks, with the node's reason", async () => {
    const inbox = new TemplateInbox();
    const node = connect({});
    await node.start(inbox.take);
    const job = factory().build(inbox.latest);
    expect(await node.submitBlock(mineBlock(job, { meets: false }))).toEqual({
      status: 'rejected',
      reason: 'high-hash',
    });
    expect(await node.submitBlock(mineBlock(job, { time: job.minTime - 1 }))).toEqual({
      status: 'rejected',
      reason: 'time-too-old',
    });
    expect(await node.submitBlock(Uint8Array.of(1, 2, 3))).toMatchObject({ status: 'rejected' });
    const [stale, winner] = [mineBlock(job, { fill: 1 }), mineBlock(job, { fill: 2 })];
    expect(await node.submitBlock(winner)).toEqual({ status: 'accepted' });
    expect(await node.submitBlock(stale)).toEqual({ status: 'orphaned', reason: 'inconclusive' });
  });

  it.each(Object.entries(faults))('has it refuse %s, as the simulated node does', async (_, [fault, reason]) => {
    // An empty mempool, so that the blocks differ by their fault alone.
    await first.mine(1);
    const inbox = new TemplateInbox();
    const node = connect({});
    await node.start(inbox.take);
    // A parent that is unknown now may come from a peer later.
    const status = reason === 'prev-blk-not-found' ? 'unknown' : 'rejected';
    expect(await node.submitBlock(buildBlock(inbox.latest, fault))).toEqual({ status, reason });
    expect(await node.submitBlock(buildBlock(inbox.latest))).toEqual({ status: 'accepted' });
  });

  it("reads the simulated node's transactions", async () => {
    const inbox = new TemplateInbox();
    const random = Math.random;
    const simulated = simulatedNode({ network: 'regtest' }, { clock: systemClock, contain, logger, random });
    opened.push(simulated);
    await simulated.start(inbox.take);
    for (const { data, txid } of inbox.latest.transactions) {
      const read = await first.rpc<{
        txid: string;
        vin: { txinwitness: string[] }[];
        vout: { scriptPubKey: { type: string } }[];
      }>('decoderawtransaction', toHex(data));
      expect(read.txid).toBe(toDisplayHash(txid));
      expect(read.vin.map((input) => input.txinwitness.length)).toEqual(read.vin.map(() => 2));
      for (const { scriptPubKey } of read.vout) {
        expect(['witness_v0_keyhash', 'witness_v1_taproot', 'pubkeyhash']).toContain(scriptPubKey.type);
      }
    }
  });

  it('notices a block from elsewhere by polling', async () => {
    const inbox = new TemplateInbox();
    await connect({}).start(inbox.take);
    const [hash = ''] = await first.mine(1);
    await inbox.wait((template) => toDisplayHash(template.previousHash) === hash);
  });

  it('notices a block from elsewhere by ZeroMQ, without waiting for the poll', async () => {
    const inbox = new TemplateInbox();
    await connect({ zmq: [first.zmq], pollMs: 3_600_000 }).start(inbox.take);
    // The subscription takes effect some time after the connection, so blocks are mined until one is signalled.
    const before = inbox.all.length;
    let signalled = false;
    const signal = inbox
      .wait(() => true, before)
      .then(() => {
        signalled = true;
      });
    while (!signalled) await first.mine(1);
    await signal;
    const [hash = ''] = await first.mine(1);
    await inbox.wait((template) => toDisplayHash(template.previousHash) === hash);
  });

  it('ends at the newest tip, and never goes back, however fast blocks come', async () => {
    const inbox = new TemplateInbox();
    await connect({ zmq: [first.zmq], pollMs: 50 }).start(inbox.take);
    const hashes: string[] = [];
    for (let block = 0; block < 20; block += 1) hashes.push(...(await first.mine(1)));
    const last = fromDisplayHash(hashes.at(-1) ?? '');
    await inbox.wait((template) => toDisplayHash(template.previousHash) === toDisplayHash(last ?? new Uint8Array()));
    const heights = inbox.all.map((template) => template.height);
    expect(heights).toEqual([...heights].sort((a, b) => a - b));
  });

  it('brings new transactions with a fresh template on the same tip', async () => {
    const inbox = new TemplateInbox();
    await connect({ refreshMs: 200 }).start(inbox.take);
    const before = inbox.latest;
    const [txid = ''] = await first.send(1);
    const fresh = await inbox.wait((template) =>
      template.transactions.some((transaction) => toDisplayHash(transaction.txid) === txid),
    );
    expect(fresh.previousHash).toEqual(before.previousHash);
  });

  it('goes on with the next node when the first dies, and back when it lives again', async () => {
    const inbox = new TemplateInbox();
    const node = connect({ rpc: [{ url: first.url }, { url: second.url }] });
    await node.start(inbox.take);
    const [shared = ''] = await first.mine(1);
    while ((await second.rpc<string>('getbestblockhash')) !== shared) await second.rpc('waitfornewblock', 1000);
    await inbox.wait((template) => toDisplayHash(template.previousHash) === shared);

    await first.kill();
    const [alone = ''] = await second.mine(1);
    const template = await inbox.wait((next) => toDisplayHash(next.previousHash) === alone);
    expect(node.status()).toEqual({ ready: true });
    // Submitted to all, taken by the one that lives.
    expect(await node.submitBlock(mineBlock(factory().build(template)))).toEqual({ status: 'accepted' });

    const before = logger.lines.length;
    await first.restart();
    await first.rpc('addnode', second.p2p, 'onetry');
    const isBack = (): boolean =>
      logger.lines
        .slice(before)
        .some(
          ({ message, fields }) =>
            message === 'templates come from this node' &&
            'node' in fields &&
            fields.node === `http://127.0.0.1:${first.rpcPort}`,
        );
    while (!isBack()) await inbox.wait(() => true, inbox.all.length);
    expect(await first.rpc('getbestblockhash')).toBe(await second.rpc('getbestblockhash'));
  });

  it('leaves a node that hangs, and has the others take a block meanwhile', async () => {
    const inbox = new TemplateInbox();
    const node = connect({ rpc: [{ url: first.url }, { url: second.url }] });
    await node.start(inbox.take);
    process.kill(first.pid, 'SIGSTOP');
    try {
      const [alone = ''] = await second.mine(1);
      const template = await inbox.wait((next) => toDisplayHash(next.previousHash) === alone);
      expect(await node.submitBlock(mineBlock(factory().build(template)))).toEqual({ status: 'accepted' });
    } finally {
      process.kill(first.pid, 'SIGCONT');
    }
  });

  it('says why it can not start: another network', async () => {
    const node = connect({ network: 'signet' });
    await expect(node.start(() => {})).rejects.toThrow('it serves the chain "regtest", but the pool is for signet');
    expect(node.status()).toMatchObject({ ready: false });
  });

  it('says why it can not start: a wrong password, which it never repeats', async () => {
    const node = connect({ rpc: [{ url: `http://sluice:hunter2@127.0.0.1:${first.rpcPort}` }] });
    await expect(node.start(() => {})).rejects.toThrow(
      `node http://127.0.0.1:${first.rpcPort}: it refuses the user name or password (HTTP 401)`,
    );
    expect(JSON.stringify(logger.lines)).not.toContain('hunter2');
    expect(JSON.stringify(logger.lines)).not.toContain(first.password);
  });

  it('takes the cookie instead of a password, and the new one after a restart of the node', async () => {
    const inbox = new TemplateInbox();
    const node = connect({ rpc: [{ url: `http://127.0.0.1:${first.rpcPort}`, cookie: first.cookie }] });
    await node.start(inbox.take);
    // Writes its chain to the disk: with an older one it would wait for its blocks first.
    await first.rpc('gettxoutsetinfo');
    await first.restart();
    const [hash = ''] = await first.mine(1);
    await inbox.wait((template) => toDisplayHash(template.previousHash) === hash);
    expect(node.status()).toEqual({ ready: true });
  });

  it('waits for a node that is not there yet, and says so', async () => {
    const [port = 0] = await freePorts(1);
    const node = connect({ rpc: [{ url: `http://127.0.0.1:${port}` }] });
    const started = node.start(() => {});
    const outcome = expect(started).rejects.toThrow('closed before there was a template');
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening));
    expect(node.status()).toMatchObject({ ready: false });
    await node.close();
    await outcome;
    await new Promise((closed) => server.close(closed));
    expect(node.status()).toEqual({ ready: false, reason: 'closed' });
  });
});
