import { expect, it } from 'vitest';
import { addCounts } from '#base/std/add-counts';

it('adds counts member by member, and takes none for zero', () => {
  expect(addCounts({ a: 1, by: { x: 2, y: 3 } }, { a: 10, by: { x: 20, y: 30 } })).toEqual({
    a: 11,
    by: { x: 22, y: 33 },
  });
  expect(() => addCounts<object>({ a: 1 }, {})).toThrow('a can not be added');
  expect(() => addCounts<object>({ a: 1 }, { a: { x: 1 } })).toThrow('a can not be added');
});
