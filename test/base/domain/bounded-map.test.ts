import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BoundedMap } from '#base/domain/bounded-map';

it('a bounded map may be read in a loop over its keys', () => {
  const map = new BoundedMap<number>(3);
  for (const [value, key] of ['a', 'b', 'c'].entries()) map.set(key, value);
  expect(map.keys().map((key) => map.get(key))).toEqual([0, 1, 2]);
});

it('a bounded map has the entries that were used last, and no more than it may', () => {
  const uses = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }).map(String), fc.boolean()), { maxLength: 60 });
  fc.assert(
    fc.property(uses, fc.integer({ min: 1, max: 5 }), (steps, max) => {
      const map = new BoundedMap<number>(max);
      /** Keys and values, the one that was used last at the end. */
      let model: [string, number][] = [];
      for (const [value, [key, reads]] of steps.entries()) {
        const known = model.find(([other]) => other === key);
        if (reads) expect(map.get(key)).toBe(known?.[1]);
        else map.set(key, value);
        if (known || !reads)
          model = [...model.filter((one) => one !== known), [key, reads ? (known?.[1] ?? 0) : value]];
        model = model.slice(-max);
        for (const other of '0123456789') expect(map.has(other)).toBe(model.some(([has]) => has === other));
      }
    }),
  );
});
