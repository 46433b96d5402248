import { expect, it } from 'vitest';
import type { Solution } from '#base/domain/share';
import { ToldBlocks } from '#cluster/told-blocks';

const block = (hash: string): Solution => ({ hash }) as Solution;

it('tells the first block of a turn at once, and the others together', () => {
  const events: string[] = [];
  const deferred: (() => void)[] = [];
  const told = new ToldBlocks({
    expect: (what) => events.push(`expect ${what}`),
    say: (what, solutions) => events.push(`${what}: ${solutions.map(({ hash }) => hash).join()}`),
    defer: (act) => deferred.push(act),
  });
  const endTurn = (): void => {
    for (const act of deferred.splice(0)) act();
  };
  told.tell(block('a'));
  expect(events.splice(0)).toEqual(['expect blocks 1', 'blocks 1: a']);
  told.tell(block('b'));
  told.tell(block('c'));
  expect(events.splice(0)).toEqual(['expect blocks 2']);
  endTurn();
  expect(events.splice(0)).toEqual(['blocks 2: b,c']);
  told.tell(block('d'));
  endTurn();
  expect(events.splice(0)).toEqual(['expect blocks 3', 'blocks 3: d']);
});
