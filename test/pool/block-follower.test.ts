import { describe, expect, it } from 'vitest';
import type { Standing, SubmitOutcome } from '#base/domain/ports';
import { limits } from '#base/limits';
import { BlockFollower } from '#pool/block-follower';
import type { BlockHead } from '#shares/sharelog/candidates/candidate';
import { recordedContainment } from '../support/containment.ts';

const HEIGHT = 1000;
const head = (hash: string, height = HEIGHT): BlockHead => ({ hash, height }) as BlockHead;
const accepted: SubmitOutcome = { status: 'accepted' };
const unjudged: SubmitOutcome = { status: 'unknown', reason: 'no answer' };
const inChain = (confirmations: number): Standing => ({ at: 'chain', confirmations });

/** A chain whose answers the test sets, and a log that notes what it is told, in order. */
function setUp(maturity: number = limits.burialDepth) {
  const events: string[] = [];
  const asked: string[] = [];
  const chain = new Map<string, Standing>();
  const contained = recordedContainment();
  let committed = 0;
  const follower = new BlockFollower(
    { maturity },
    {
      node: {
        standing(hash) {
          asked.push(hash);
          if (hash === 'unreadable') return Promise.reject(new Error('EIO'));
          return Promise.resolve(chain.get(hash) ?? { at: 'unknown' });
        },
      },
      log: {
        blockOf: () => Promise.resolve(new Uint8Array()),
        resolved: ({ hash }, { status }) => events.push(`${status} ${hash}`),
        settled: (hash) => events.push(`settled ${hash}`),
        commit: () => {
          committed = events.length;
        },
      },
      contain: contained.contain,
      changed: ({ hash }, { status }, before) => events.push(`${before?.status} → ${status} ${hash}`),
      looked: () => {},
    },
  );
  let tips = 0;
  /** A tick; with a height, after a new tip. */
  const look = async (height?: number): Promise<void> => {
    if (height !== undefined) {
      tips += 1;
      follower.template({ height, previousHash: new Uint8Array(32).fill(tips) });
    }
    follower.tick();
    await new Promise((resolve) => setImmediate(resolve));
    expect(committed).toBe(events.length);
  };
  return { follower, events, asked, chain, look, contained };
}

describe('BlockFollower', () => {
  it('looks at the other blocks if the file of one can not be read, and logs that once', async () => {
    const { follower, events, chain, look, contained } = setUp();
    follower.follow(head('unreadable', HEIGHT - 1), unjudged);
    follower.follow(head('a'), accepted);
    chain.set('a', { at: 'side' });
    await look(HEIGHT + 1);
    await look(HEIGHT + 2);
    expect(events).toEqual(['orphaned a', 'accepted → orphaned a']);
    expect([contained.errors, contained.lines.length, follower.size]).toEqual([2, 1, 2]);
  });

  it('follows a block that the chain leaves and comes back to, until it is buried', async () => {
    const { follower, events, chain, look } = setUp();
    follower.follow(head('a'), accepted);
    chain.set('a', inChain(1));
    await look(HEIGHT + 1);
    expect(events).toEqual([]);
    chain.set('a', { at: 'side' });
    await look(HEIGHT + 2);
    chain.set('a', inChain(3));
    await look(HEIGHT + 3);
    expect(events).toEqual(['orphaned a', 'accepted → orphaned a', 'accepted a', 'orphaned → accepted a']);
    chain.set('a', inChain(limits.burialDepth));
    await look(HEIGHT + limits.burialDepth);
    expect(follower.size).toBe(1);
    chain.set('a', inChain(limits.burialDepth + 1));
    await look(HEIGHT + limits.burialDepth + 1);
    expect(events.slice(4)).toEqual(['mature a', 'accepted → mature a', 'settled a']);
    expect(follower.size).toBe(0);
  });

  it('says when the coins of a block may be spent, and takes that back if the chain leaves it', async () => {
    const { follower, events, chain, look } = setUp(10);
    follower.follow(head('a'), accepted);
    // A node that counts more confirmations than there are blocks says nothing of maturity.
    chain.set('a', inChain(1_000));
    await look(HEIGHT + 9);
    chain.set('a', inChain(9));
    await look(HEIGHT + 10);
    expect(events).toEqual([]);
    chain.set('a', inChain(10));
    await look(HEIGHT + 10);
    expect(events).toEqual(['mature a', 'accepted → mature a']);
    chain.set('a', { at: 'side' });
    await look(HEIGHT + 11);
    chain.set('a', inChain(5));
    await look(HEIGHT + 12);
    expect(events.slice(2)).toEqual(['orphaned a', 'mature → orphaned a', 'accepted a', 'orphaned → accepted a']);
  });

  it('follows a block until it is mature, if that is later than burial', async () => {
    const { follower, events, chain, look } = setUp(200);
    follower.follow(head('a'), accepted);
    chain.set('a', inChain(150));
    await look(HEIGHT + 150);
    expect(events).toEqual([]);
    chain.set('a', inChain(201));
    await look(HEIGHT + 201);
    expect(events).toEqual(['mature a', 'accepted → mature a', 'settled a']);
  });

  it('settles a block that another one has buried, and not before', async () => {
    const { follower, events, chain, look } = setUp();
    follower.follow(head('a'), unjudged);
    chain.set('a', { at: 'none' });
    await look(HEIGHT + limits.burialDepth);
    expect(events).toEqual([]);
    await look(HEIGHT + limits.burialDepth + 1);
    expect(events).toEqual(['orphaned a', 'unknown → orphaned a', 'settled a']);
  });

  it('settles nothing while no node answers, however high the chain is', async () => {
    const { follower, events, look } = setUp();
    follower.follow(head('a'), accepted);
    await look(HEIGHT + 500);
    expect(events).toEqual([]);
    expect(follower.size).toBe(1);
  });

  it('is not settled by a node that counts too many confirmations, or none in a chain that is high', async () => {
    const { follower, events, chain, look } = setUp();
    follower.follow(head('a'), accepted);
    chain.set('a', inChain(1_000_000));
    await look(HEIGHT + 1);
    chain.set('a', inChain(1));
    await look(HEIGHT + 500);
    expect(events).toEqual([]);
    expect(follower.size).toBe(1);
  });

  it('does not believe a node that took a block and does not have it', async () => {
    const { follower, events, chain, look } = setUp();
    follower.follow(head('a'), accepted);
    chain.set('a', { at: 'none' });
    await look(HEIGHT + 1);
    expect(events).toEqual(['unknown a', 'accepted → unknown a']);
    expect(follower.undecided).toBe(1);
    chain.set('a', inChain(1));
    await look();
    expect(events.slice(2)).toEqual(['accepted a', 'unknown → accepted a']);
    expect(follower.undecided).toBe(0);
  });

  it('keeps what is known of a block that nodes have refused, or do not keep', async () => {
    const { follower, events, chain, look } = setUp();
    follower.follow(head('refused'), { status: 'rejected', reason: 'high-hash' });
    follower.follow(head('late'), { status: 'orphaned', reason: 'inconclusive' });
    follower.follow(head('open'), unjudged);
    chain.set('refused', { at: 'none' });
    chain.set('late', { at: 'none' });
    chain.set('open', { at: 'none', refused: 'high-hash' });
    await look(HEIGHT + 1);
    expect(events).toEqual(['rejected open', 'unknown → rejected open']);
    // The operator's node takes it after all (reconsiderblock).
    chain.set('refused', inChain(2));
    await look(HEIGHT + 2);
    expect(events.slice(2)).toEqual(['accepted refused', 'rejected → accepted refused']);
  });

  it('looks at every tick at what is open, and at the rest with a new tip and now and then', async () => {
    const { follower, asked, chain, look } = setUp();
    for (const hash of ['sure', 'open']) follower.follow(head(hash), accepted);
    chain.set('sure', inChain(1));
    await look(HEIGHT + 1);
    expect(asked.splice(0)).toEqual(['sure', 'open']);
    await look();
    expect(asked.splice(0)).toEqual(['open']);
    chain.set('open', inChain(1));
    await look();
    expect(asked.splice(0)).toEqual(['open']);
    for (let tick = 0; tick < 10; tick += 1) await look();
    expect(asked.splice(0)).toEqual(['sure', 'open']);
    follower.lookSoon();
    await look();
    expect(asked.splice(0)).toEqual(['sure', 'open']);
  });

  it('hands parents over before their children', async () => {
    const { follower, asked, look } = setUp();
    for (const height of [3, 1, 2]) follower.follow(head(String(height), height), undefined);
    await look(HEIGHT);
    expect(asked).toEqual(['1', '2', '3']);
  });

  it('goes on after a restart: the first word on an old block is recorded', async () => {
    const { follower, events, chain, look } = setUp();
    follower.follow(head('a'), undefined);
    expect(follower.undecided).toBe(0);
    await look(HEIGHT + 1);
    expect(events).toEqual([]);
    chain.set('a', inChain(1));
    await look();
    expect(events).toEqual(['accepted a', 'undefined → accepted a']);
  });

  it('follows a bounded number of judged blocks, the newest, and every one that is open', async () => {
    const { follower, events, chain, look } = setUp();
    follower.follow(head('open', 1), unjudged);
    const hashes = Array.from({ length: limits.blocksFollowedMax + 2 }, (_, index) => `b${index}`);
    for (const [index, hash] of hashes.entries()) {
      follower.follow(head(hash, HEIGHT + index), accepted);
      chain.set(hash, inChain(1));
    }
    expect(follower.size).toBe(limits.blocksFollowedMax + 1);
    await look(HEIGHT + 10);
    expect(events).toEqual(['settled b0', 'settled b1']);
  });

  it('touches nothing after its close', async () => {
    const { follower, events, chain, asked } = setUp();
    follower.follow(head('a'), accepted);
    chain.set('a', { at: 'side' });
    follower.template({ height: HEIGHT, previousHash: new Uint8Array(32) });
    follower.tick();
    follower.close();
    await new Promise((resolve) => setImmediate(resolve));
    follower.tick();
    expect(asked).toEqual(['a']);
    expect(events).toEqual([]);
  });
});
