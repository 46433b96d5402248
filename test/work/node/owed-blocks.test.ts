import { describe, expect, it } from 'vitest';
import type { Standing, SubmitOutcome } from '#base/domain/ports';
import { OwedBlocks } from '#work/node/owed-blocks';
import type { Health } from '#work/node/upstream';

const ready = (chainwork: string): Health => ({ ready: true, chainwork });
const away: Health = { ready: false, reason: 'down', fatal: false };
const noAnswer: SubmitOutcome = { status: 'unknown', reason: 'no answer' };
const noParent: SubmitOutcome = { status: 'unknown', reason: 'prev-blk-not-found' };

/** A node whose health and answer the test sets. */
function setUp() {
  const node = {
    health: ready('1'),
    answer: noAnswer,
    asked: [] as string[],
    submit: (block: string) => {
      node.asked.push(block);
      return Promise.resolve(node.answer);
    },
    /** Where it says that a block stands: the last is said again. */
    standings: [{ at: 'none' }] as Standing[],
    standing: () =>
      Promise.resolve((node.standings.length > 1 ? node.standings.shift() : node.standings[0]) as Standing),
  };
  const owed = new OwedBlocks(node);
  const offer = async (): Promise<void> => {
    owed.offer();
    await new Promise((resolve) => setImmediate(resolve));
  };
  const standing = (): Promise<Standing> => owed.standing('a', () => Promise.resolve('aa'));
  return { node, owed, offer, standing };
}

describe('OwedBlocks', () => {
  it('offers a block to a node that is back, until the node has judged it', async () => {
    const { node, owed, offer } = setUp();
    owed.note('a', noAnswer, away);
    node.health = away;
    await offer();
    expect(node.asked).toEqual([]);
    node.health = ready('1');
    await offer();
    node.answer = { status: 'accepted' };
    await offer();
    await offer();
    expect(node.asked).toEqual(['a', 'a']);
  });

  it('asks a node that lacked the parent again only when its chain has moved', async () => {
    const { node, owed, offer } = setUp();
    node.answer = noParent;
    owed.note('a', noParent, ready('1'));
    await offer();
    expect(node.asked).toEqual([]);
    node.health = ready('2');
    await offer();
    await offer();
    expect(node.asked).toEqual(['a']);
  });

  it('holds no more than four blocks, and forgets the oldest', async () => {
    const { node, owed, offer } = setUp();
    for (const block of 'abcdef') owed.note(block, noAnswer, away);
    await offer();
    expect(node.asked).toEqual(['c', 'd', 'e', 'f']);
  });
});

describe('the standing of a block at a node', () => {
  it('is asked, and the block is offered if the node lacks it, once for each state of its chain', async () => {
    const { node, standing } = setUp();
    node.answer = { status: 'rejected', reason: 'duplicate-invalid' };
    expect(await standing()).toEqual({ at: 'none', refused: 'duplicate-invalid' });
    expect(await standing()).toEqual({ at: 'none', refused: 'duplicate-invalid' });
    expect(node.asked).toEqual(['aa']);
    node.health = ready('2');
    node.answer = { status: 'accepted' };
    node.standings = [{ at: 'none' }, { at: 'chain', confirmations: 1 }];
    expect(await standing()).toEqual({ at: 'chain', confirmations: 1 });
    expect(node.asked).toEqual(['aa', 'aa']);
  });

  it('is beside the chain if the node does not refuse the block, which it is offered once', async () => {
    const { node, standing } = setUp();
    node.standings = [{ at: 'side' }];
    node.answer = { status: 'orphaned', reason: 'known, and not on the best chain' };
    expect(await standing()).toEqual({ at: 'side' });
    node.health = ready('2');
    expect(await standing()).toEqual({ at: 'side' });
    expect(node.asked).toEqual(['aa']);
  });

  it('is that of a refused block if the node keeps what it refuses, until the node changes its mind', async () => {
    const { node, standing } = setUp();
    node.standings = [{ at: 'side' }];
    node.answer = { status: 'rejected', reason: 'duplicate-invalid' };
    for (let look = 0; look < 2; look += 1) {
      expect(await standing()).toEqual({ at: 'none', refused: 'duplicate-invalid' });
    }
    expect(node.asked).toEqual(['aa']);
    node.health = ready('2');
    node.answer = { status: 'orphaned', reason: 'inconclusive' };
    expect(await standing()).toEqual({ at: 'side' });
  });

  it('is not known while a node that has the block beside its chain does not judge it', async () => {
    const { node, standing } = setUp();
    node.standings = [{ at: 'side' }];
    expect(await standing()).toEqual({ at: 'unknown' });
    expect(node.asked).toEqual(['aa']);
  });

  it('is not what a node claims that takes the block and then does not have it', async () => {
    const { node, standing } = setUp();
    node.answer = { status: 'accepted' };
    expect(await standing()).toEqual({ at: 'none' });
    expect(await standing()).toEqual({ at: 'none' });
    expect(node.asked).toEqual(['aa']);
  });

  it('is open while the node does not judge the block, and it is offered again', async () => {
    const { node, standing } = setUp();
    expect(await standing()).toEqual({ at: 'unknown' });
    expect(await standing()).toEqual({ at: 'unknown' });
    expect(node.asked).toEqual(['aa', 'aa']);
    node.answer = noParent;
    expect(await standing()).toEqual({ at: 'none' });
    expect(await standing()).toEqual({ at: 'none' });
    expect(node.asked).toEqual(['aa', 'aa', 'aa']);
  });

  it('is not found by sending the block to a node that is far behind, each time its chain moves', async () => {
    const { node, owed } = setUp();
    const parent = '0b'.repeat(32);
    const block = `${'00'.repeat(4)}${parent}${'00'.repeat(44)}`;
    const hasParent = { at: 'chain', confirmations: 1 } as const;
    let known: readonly string[] = [];
    Object.assign(node, { standing: async (of: string) => (known.includes(of) ? hasParent : { at: 'none' }) });
    node.answer = noParent;
    for (const chainwork of ['1', '2', '3']) {
      node.health = ready(chainwork);
      expect(await owed.standing('a', () => Promise.resolve(block))).toEqual({ at: 'none' });
    }
    expect(node.asked).toHaveLength(1);
    known = [parent];
    expect(await owed.standing('a', () => Promise.resolve(block))).toEqual({ at: 'none' });
    expect(node.asked).toHaveLength(2);
  });

  it('is open if the node is away or does not answer, and no block is offered', async () => {
    const { node, standing } = setUp();
    node.health = away;
    expect(await standing()).toEqual({ at: 'unknown' });
    node.health = ready('1');
    node.standings = [{ at: 'unknown' }];
    expect(await standing()).toEqual({ at: 'unknown' });
    expect(node.asked).toEqual([]);
  });
});
