import { afterEach, describe, expect, it } from 'vitest';
import { toDisplayHash } from '#base/bitcoin/bytes';
import type { BitcoinNode, Clock } from '#base/domain/ports';
import type { BlockTemplate } from '#base/domain/template';
import { type BitcoindOptions, connectBitcoind } from '#work/node/bitcoind';
import { STALE_MS } from '#work/node/choice';
import { freePorts } from '../../support/bitcoind-regtest.ts';
import { recordedContainment } from '../../support/containment.ts';
import { recordedLogger } from '../../support/recorded-logger.ts';
import { FakeNode, type Reply } from './fake-node.ts';
import { noSpare, systemClock, TemplateInbox } from './fixtures.ts';

const hash = (byte: number): string => byte.toString(16).padStart(2, '0').repeat(32);
const nodes: FakeNode[] = [];
const pools: BitcoinNode[] = [];

async function fakes(count: number): Promise<FakeNode[]> {
  const started = await Promise.all(Array.from({ length: count }, () => FakeNode.start()));
  nodes.push(...started);
  return started;
}

function connect(
  to: readonly FakeNode[],
  options: Partial<BitcoindOptions & { clock: Clock }> = {},
  take?: (template: BlockTemplate) => void,
) {
  const logger = recordedLogger();
  const inbox = new TemplateInbox();
  const contained = recordedContainment();
  const node = connectBitcoind(
    { rpc: to.map(({ url }) => ({ url })), network: 'regtest', pollMs: 20, ...options },
    { clock: options.clock ?? systemClock, contain: contained.contain, logger, spare: noSpare },
  );
  pools.push(node);
  const messages = (): string[] => logger.lines.map(({ message }) => message);
  return { node, inbox, logger, contained, messages, started: node.start(take ?? inbox.take) };
}

const on =
  (tip: string) =>
  (template: { readonly previousHash: Uint8Array }): boolean =>
    toDisplayHash(template.previousHash) === tip;

/** A clock that the test moves on. */
function movable() {
  const clock = { aheadMs: 0, nowMs: () => Date.now(), monotonicMs: () => performance.now() + clock.aheadMs };
  return clock;
}

afterEach(async () => {
  for (const node of nodes) node.stop();
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
  nodes.length = 0;
});

describe('slow nodes', () => {
  it('serve, if all of them are slow', async () => {
    const [a, b] = (await fakes(2)) as [FakeNode, FakeNode];
    const slowly =
      (node: FakeNode) =>
      (method: string): Reply => {
        if (method !== 'getblocktemplate') return undefined;
        // Longer than the feed waits for one node before it asks the next.
        setTimeout(() => node.speak(), 1500);
        return 'silence';
      };
    a.reply = slowly(a);
    b.reply = slowly(b);
    const { started, node } = connect([a, b]);
    await started;
    expect(node.status()).toEqual({ ready: true });
  });

  it('do not keep a prompt one from serving', async () => {
    const [a, b] = (await fakes(2)) as [FakeNode, FakeNode];
    a.reply = (method) => (method === 'getblocktemplate' ? 'silence' : undefined);
    const { started, inbox } = connect([a, b]);
    await started;
    b.tip = hash(0xb1);
    await inbox.wait(on(b.tip));
  });

  it('are asked one thing at a time', async () => {
    const [a, b] = (await fakes(2)) as [FakeNode, FakeNode];
    a.reply = (method) => (method === 'getblocktemplate' ? 'silence' : undefined);
    const { started, inbox } = connect([a, b]);
    await started;
    for (let block = 1; block <= 5; block += 1) {
      b.tip = hash(block);
      await inbox.wait(on(b.tip));
    }
    expect(a.calls.filter((method) => method === 'getblocktemplate')).toHaveLength(1);
  });
});

describe('one failed answer', () => {
  it.each(['getblockchaininfo', 'getbestblockhash', 'getblocktemplate'])('of %s changes nothing', async (failing) => {
    const [a] = (await fakes(1)) as [FakeNode];
    const { started, inbox, node, messages } = connect([a], { refreshMs: 50 });
    await started;
    let failures = 1;
    let asked = 0;
    a.reply = (method) => {
      if (method !== failing) return undefined;
      asked += 1;
      return failures-- > 0 ? { status: 503 } : undefined;
    };
    await expect.poll(() => asked, { timeout: 20_000 }).toBeGreaterThan(1);
    a.tip = hash(0xee);
    await inbox.wait(on(a.tip));
    expect(node.status()).toEqual({ ready: true });
    expect(messages()).not.toContain('the node can not be used');
  });
});

describe('a refresh that fails', () => {
  it('does not pause miners if the tip is still the same', async () => {
    const [a] = (await fakes(1)) as [FakeNode];
    const { started, inbox, node } = connect([a], { refreshMs: 50 });
    await started;
    let failed = 0;
    a.reply = (method) => {
      if (method !== 'getblocktemplate') return undefined;
      failed += 1;
      return { status: 500, code: -9 };
    };
    await expect.poll(() => failed).toBeGreaterThan(1);
    expect(node.status()).toEqual({ ready: true });
    a.tip = hash(0xcc);
    await expect.poll(() => node.status().ready).toBe(false);
    a.reply = () => undefined;
    await inbox.wait(on(a.tip));
    expect(node.status()).toEqual({ ready: true });
  });
});

describe('a node with less work', () => {
  it('does not serve while the one with more is away for a moment', async () => {
    const [a, b] = (await fakes(2)) as [FakeNode, FakeNode];
    a.chainwork = 10;
    b.chainwork = 9;
    b.tip = hash(0xbb);
    const { started, inbox, node } = connect([a, b]);
    await started;
    await expect.poll(() => b.calls.filter((method) => method === 'getblockchaininfo').length).toBeGreaterThan(1);
    let refused = 0;
    a.reply = () => {
      refused += 1;
      return { status: 503 };
    };
    await expect.poll(() => refused).toBeGreaterThan(4);
    expect(node.status()).toEqual({ ready: true });
    expect(inbox.all.some(on(b.tip))).toBe(false);
    // The other one has caught up: the same block, by its hash.
    b.chainwork = 10;
    await inbox.wait(on(b.tip));
  });
});

describe('a node that claims more work than the one that serves', () => {
  /** Connects, and has the feed look for another node at once: one that is behind is kept for a while. */
  async function connectTo(...to: readonly FakeNode[]) {
    const clock = movable();
    const connected = connect(to, { clock });
    await connected.started;
    const checks = (): number[] =>
      to.map(({ calls }) => calls.filter((method) => method === 'getblockchaininfo').length);
    // The node's claims are heard, and the feed has met them.
    await expect.poll(() => Math.min(...checks()), { timeout: 20_000 }).toBeGreaterThan(1);
    clock.aheadMs = STALE_MS;
    return connected;
  }

  /** Has `node` answer getblockheader for a block of its chain. */
  function knows(node: FakeNode, block: string, confirmations: number): void {
    node.reply = (method, [hash]) =>
      method === 'getblockheader' && hash === block ? { result: { hash, confirmations } } : undefined;
  }

  it('does not serve, if another node has blocks on top of its tip', async () => {
    const [a, liar] = (await fakes(2)) as [FakeNode, FakeNode];
    liar.chainwork = 1000;
    liar.tip = hash(0xbb);
    knows(a, liar.tip, 2);
    const { inbox, logger } = await connectTo(a, liar);
    await expect.poll(() => JSON.stringify(logger.lines)).toContain('it claims more work than');
    a.tip = hash(0xaa);
    await inbox.wait(on(a.tip));
    expect(inbox.all.some(on(liar.tip))).toBe(false);
  });

  it.each([
    ['its tip is the tip of the other one', 1],
    ['its tip is off the chain of the other one', -1],
  ])('serves, if %s', async (_, confirmations) => {
    const [a, richer] = (await fakes(2)) as [FakeNode, FakeNode];
    richer.chainwork = 1000;
    richer.tip = hash(0xbb);
    knows(a, richer.tip, confirmations);
    const { inbox } = await connectTo(a, richer);
    await inbox.wait(on(richer.tip));
  });

  it('serves, if the other one does not say', async () => {
    const [a, richer] = (await fakes(2)) as [FakeNode, FakeNode];
    richer.chainwork = 1000;
    richer.tip = hash(0xbb);
    const { inbox } = await connectTo(a, richer);
    a.reply = (method) => (method === 'getblockheader' ? 'silence' : undefined);
    await inbox.wait(on(richer.tip));
  });
});

describe('the work of the chain', () => {
  const checks = ({ calls }: FakeNode): number => calls.filter((method) => method === 'getblockchaininfo').length;

  it('does not go down because one answer is late', async () => {
    const [a, b] = (await fakes(2)) as [FakeNode, FakeNode];
    a.chainwork = 10;
    b.chainwork = 9;
    b.tip = hash(0xbb);
    const { started, inbox } = connect([a, b]);
    await started;
    await expect.poll(() => checks(b)).toBeGreaterThan(1);
    a.reply = (method) => (method === 'getbestblockhash' ? 'silence' : undefined);
    // Longer than the feed waits for one node before it asks the next.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    a.reply = () => undefined;
    a.speak();
    a.tip = hash(0xcc);
    await inbox.wait(on(a.tip));
    expect(inbox.all.some(on(b.tip))).toBe(false);
  });

  it('does not go down at once when the only node comes back with an older chain after a long time', async () => {
    const [a] = (await fakes(1)) as [FakeNode];
    const clock = movable();
    a.chainwork = 10;
    const { started, inbox, node } = connect([a], { clock });
    await started;
    a.reply = () => ({ status: 503 });
    clock.aheadMs = 60_000;
    await expect.poll(() => node.status().ready).toBe(false);
    a.chainwork = 9;
    a.tip = hash(0x99);
    const before = checks(a);
    a.reply = () => undefined;
    await expect.poll(() => checks(a), { timeout: 10_000 }).toBeGreaterThan(before + 1);
    expect(inbox.all.some(on(a.tip))).toBe(false);
    // It does not get its blocks again: what it has is the chain now.
    clock.aheadMs = 90_000;
    await inbox.wait(on(a.tip));
  });
});

describe('a right that is missing', () => {
  it.each(['submitblock', 'getblockheader', 'getblocktemplate', 'getbestblockhash'])(
    '%s shows at the start, and is no wrong password',
    async (method) => {
      const [a] = (await fakes(1)) as [FakeNode];
      a.reply = (called) => (called === method ? { status: 403 } : undefined);
      const { started, node } = connect([a], { refreshMs: 50 });
      const reason = `it does not allow ${method} (HTTP 403): see its rpcwhitelist and rpcallowip`;
      await expect(started).rejects.toThrow(reason);
      await expect.poll(() => JSON.stringify(node.status())).toContain(reason);
    },
  );
});

describe('a test chain in its initial download', () => {
  it.each(['testnet4', 'signet', 'regtest'] as const)('serves on %s, as Bitcoin Core decides', async (network) => {
    const [a] = (await fakes(1)) as [FakeNode];
    a.chain = network;
    a.initialBlockDownload = true;
    const { started, node } = connect([a], { network });
    await started;
    expect(node.status()).toEqual({ ready: true });
  });

  it('does not serve on main', async () => {
    const [a] = (await fakes(1)) as [FakeNode];
    a.chain = 'main';
    a.initialBlockDownload = true;
    const { started, node } = connect([a], { network: 'main' });
    await expect.poll(() => JSON.stringify(node.status())).toContain('still downloading');
    const refused = expect(started).rejects.toThrow('closed before');
    await node.close();
    await refused;
  });
});

describe('a clock', () => {
  it('that is wrong by more than ten minutes is said once, and that it is right again', async () => {
    const [a] = (await fakes(1)) as [FakeNode];
    const nowS = Math.floor(Date.now() / 1000);
    a.template = { curtime: nowS + 700 };
    const { started, inbox, node, messages } = connect([a], { refreshMs: 20 });
    await started;
    await inbox.wait(() => true, 3);
    expect(node.watched().clockOffsetSeconds).toBeGreaterThan(690);
    const said = "the node's clock and this machine's differ: one of them is wrong";
    expect(messages().filter((message) => message === said)).toHaveLength(1);
    a.template = { curtime: nowS };
    await expect.poll(messages).toContain("the node's clock and this machine's agree again");
  });
});

describe('testnet4', () => {
  const parentTime = 1_700_000_000;
  const hard = { bits: '1c00ffff', target: undefined };
  const limits = async (template: Record<string, unknown>) => {
    const [a] = (await fakes(1)) as [FakeNode];
    a.chain = 'testnet4';
    a.template = { mintime: parentTime - 3000, ...template };
    a.reply = (method) => (method === 'getblockheader' ? { result: { time: parentTime } } : undefined);
    const { started, inbox } = connect([a], { network: 'testnet4' });
    await started;
    const { minTime, maxTime } = inbox.latest;
    return { minTime, maxTime };
  };

  it('ends a job of the usual difficulty 20 minutes after its parent', async () => {
    expect(await limits({ ...hard, curtime: parentTime + 60 })).toEqual({
      minTime: parentTime - 3000,
      maxTime: parentTime + 1200,
    });
  });

  it('begins a job of the minimum difficulty 20 minutes after its parent', async () => {
    const easy = { bits: '1d00ffff', target: undefined, curtime: parentTime + 1300 };
    expect(await limits(easy)).toEqual({ minTime: parentTime + 1201, maxTime: undefined });
  });

  it('bounds no job if the usual difficulty is the minimum', async () => {
    const easy = { bits: '1d00ffff', target: undefined, curtime: parentTime + 60 };
    expect(await limits(easy)).toEqual({ minTime: parentTime - 3000, maxTime: undefined });
  });
});

describe('ZeroMQ', () => {
  it('is said to be missing, if nothing listens at its endpoint and a block comes without a signal', async () => {
    const [a] = (await fakes(1)) as [FakeNode];
    const [port = 0] = await freePorts(1);
    const { started, inbox, node, messages } = connect([a], { zmq: [`tcp://127.0.0.1:${port}`], refreshMs: 50 });
    await started;
    await inbox.wait(() => true, 5);
    await expect.poll(messages).toContain('ZeroMQ is not connected: new blocks are found by polling only');
    a.tip = hash(0xaa);
    await inbox.wait(on(a.tip));
    await expect.poll(messages).toContain('polling found a block that ZeroMQ did not signal: check zmqpubhashblock');
    expect(node.watched()).toMatchObject({ signalsConfigured: 1, signalsConnected: 0, signalsMissed: 1 });
  });
});

describe('an unexpected error', () => {
  it('of a template’s consumer is contained and logged once, and the feed goes on', async () => {
    const [node] = (await fakes(1)) as [FakeNode];
    const tips: string[] = [];
    const { contained, started } = connect([node], {}, ({ previousHash }) => {
      tips.push(toDisplayHash(previousHash));
      throw new Error('test');
    });
    await started;
    node.tip = hash(0x0b);
    await expect.poll(() => tips).toEqual([hash(0x0a), hash(0x0b)]);
    await expect.poll(() => contained.errors).toBe(2);
    expect(contained.lines.map(({ fields }) => fields)).toMatchObject([{ where: 'a template' }]);
  });

  it('over what a node says of itself is contained, logged once, and the node is asked again', async () => {
    const [node] = (await fakes(1)) as [FakeNode];
    // An object that can not be made a text.
    const blocks = { toString: 1 };
    node.reply = (method) =>
      method === 'getblockchaininfo'
        ? { result: { chain: 'main', initialblockdownload: true, chainwork: '00'.repeat(32), blocks } }
        : undefined;
    const { contained, started } = connect([node], { network: 'main' });
    await expect.poll(() => contained.errors, { timeout: 5_000 }).toBe(2);
    expect(contained.lines.map(({ fields }) => fields)).toMatchObject([{ where: 'the check of a node' }]);
    node.reply = () => undefined;
    node.chain = 'main';
    await started;
  });
});
