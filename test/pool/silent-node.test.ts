import { afterEach, describe, expect, it } from 'vitest';
import type { BitcoinNode } from '#base/domain/ports';
import { limits } from '#base/limits';
import { BlockFollower } from '#pool/block-follower';
import type { BlockHead } from '#shares/sharelog/candidates/candidate';
import { connectBitcoind } from '#work/node/bitcoind';
import { recordedContainment } from '../support/containment.ts';
import { recordedLogger } from '../support/recorded-logger.ts';
import { FakeNode, type Reply } from '../work/node/fake-node.ts';
import { noSpare, systemClock } from '../work/node/fixtures.ts';

const HEIGHT = 1000;
const hash = 'ab'.repeat(32);
const block = new Uint8Array(200).fill(7);
const NOT_FOUND: Reply = { status: 500, code: -5 };
const BUSY: Reply = { status: 503 };

const fakes: FakeNode[] = [];
let pool: BitcoinNode | undefined;

afterEach(async () => {
  await pool?.close();
  for (const fake of fakes.splice(0)) fake.stop();
});

/** A node that says this of the block, has no parent for it, and is healthy else. */
const saying =
  (header: Reply) =>
  (method: string, params: readonly unknown[]): Reply => {
    if (method === 'submitblock' && params[0] !== '00') return { result: 'prev-blk-not-found' };
    return method === 'getblockheader' && params[0] === hash ? header : undefined;
  };
const shown = (confirmations: number): Reply => ({ result: { hash, confirmations, nTx: 1 } });

/** A pool that follows a block of an earlier start on a node with the most work, and one with less. */
async function follow(rich: Reply, poor: Reply, depth: number) {
  fakes.push(await FakeNode.start(), await FakeNode.start());
  const [most, less] = fakes as [FakeNode, FakeNode];
  most.chainwork = 3;
  most.reply = saying(rich);
  less.reply = saying(poor);
  const logger = recordedLogger();
  pool = connectBitcoind(
    { rpc: fakes.map(({ url }) => ({ url })), network: 'regtest', pollMs: 20 },
    { clock: systemClock, contain: recordedContainment().contain, logger, spare: noSpare },
  );
  await pool.start(() => {});
  await expect.poll(() => logger.lines.filter(({ message }) => message === 'the node is ready')).toHaveLength(2);

  const events: string[] = [];
  let looks = 0;
  const follower = new BlockFollower(
    { maturity: 100 },
    {
      node: pool,
      log: {
        blockOf: () => Promise.resolve(block),
        resolved: (_, { status }) => void events.push(status),
        settled: () => void events.push('settled'),
        commit: () => {
          looks += 1;
        },
      },
      contain: recordedContainment().contain,
      changed: () => {},
      looked: () => {},
    },
  );
  follower.follow({ hash, height: HEIGHT } as BlockHead, undefined);
  const look = async (): Promise<void> => {
    const before = looks;
    follower.template({ height: HEIGHT + depth, previousHash: new Uint8Array(32).fill(looks + 1) });
    follower.tick();
    await expect.poll(() => looks).toBe(before + 1);
  };
  return { most, less, events, look, logger };
}

describe.each([5, limits.burialDepth + 1])('a block that %d others follow', (depth) => {
  const isBuried = depth > limits.burialDepth;

  it.each([
    ['lacks it', NOT_FOUND],
    ['has it off its chain', shown(-1)],
  ])('waits for the richest node while it is silent and a poorer one %s', async (_, poor) => {
    const { most, events, look } = await follow(BUSY, poor, depth);
    for (let again = 0; again < 3; again += 1) await look();
    expect(events).toEqual([]);
    most.reply = saying(shown(depth));
    await look();
    expect(events).toEqual(isBuried ? ['mature', 'settled'] : ['accepted']);
  });

  it('waits for the richest node while it is not ready and a poorer one lacks it', async () => {
    const { most, events, look, logger } = await follow(shown(depth), NOT_FOUND, depth);
    most.reply = () => BUSY;
    const isAway = (): boolean => logger.lines.some(({ message }) => message === 'the node can not be used');
    await expect.poll(isAway).toBe(true);
    for (let again = 0; again < 3; again += 1) await look();
    expect(events).toEqual([]);
  });

  it('is given up if the richest node that is known lacks it too', async () => {
    const { less, events, look } = await follow(NOT_FOUND, NOT_FOUND, depth);
    less.reply = saying(BUSY);
    await look();
    expect(events).toEqual(isBuried ? ['orphaned', 'settled'] : ['unknown']);
  });
});
