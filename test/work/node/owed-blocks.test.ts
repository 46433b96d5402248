import { describe, expect, it } from 'vitest';
import type { SubmitOutcome } from '#base/domain/ports';
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
  };
  const owed = new OwedBlocks(node);
  const offer = async (): Promise<void> => {
    owed.offer();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { node, owed, offer };
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
