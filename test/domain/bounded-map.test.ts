import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BoundedMap } from '../../src/domain/bounded-map.ts';

it('a bounded map has the entries that came last, and no more than it may', () => {
  const keys = fc.array(fc.integer({ min: 0, max: 9 }).map(String), { maxLength: 60 });
  fc.assert(
    fc.property(keys, fc.integer({ min: 1, max: 5 }), (entries, max) => {
      const map = new BoundedMap<number>(max);
      let model: [string, number][] = [];
      entries.forEach((key, value) => {
        map.set(key, value);
        const known = model.findIndex(([other]) => other === key);
        if (known >= 0) model[known] = [key, value];
        else model.push([key, value]);
        model = model.slice(-max);
        for (const other of '0123456789') expect(map.get(other)).toBe(new Map(model).get(other));
      });
    }),
  );
});
