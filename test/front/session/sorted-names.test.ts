import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SortedNames } from '#front/session/workers/sorted-names';

describe('names in order', () => {
  it('are those of a sorted set, whatever was added and removed', () => {
    const name = fc.oneof(
      fc.string(),
      fc.nat({ max: 3000 }).map((i) => `rig ${i}`),
    );
    const steps = fc.array(fc.record({ name, add: fc.boolean() }), { maxLength: 400 });
    fc.assert(
      fc.property(
        fc.nat({ max: 3000 }),
        steps,
        fc.option(name, { nil: undefined }),
        fc.nat(1500),
        (size, more, after, max) => {
          const names = new SortedNames();
          const set = new Set<string>();
          const first = Array.from({ length: size }, (_, i) => ({ name: `rig ${(i * 7919) % 3001}`, add: true }));
          for (const step of [...first, ...more]) {
            if (step.add) set.add(step.name);
            else set.delete(step.name);
            if (step.add) names.add(step.name);
            else names.delete(step.name);
          }
          const sorted = [...set].sort();
          expect(names.after(undefined, sorted.length + 1)).toEqual(sorted);
          expect(names.after(after, max)).toEqual(
            sorted.filter((each) => after === undefined || each > after).slice(0, max),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  it('cost as little with 200,000 as with 20,000', () => {
    const cpuMs = (count: number): number => {
      const names = new SortedNames();
      for (let i = 0; i < count; i += 1) names.add(`rig ${(i * 7919) % count}`);
      const began = process.cpuUsage();
      for (let i = 0; i < 2000; i += 1) {
        const at = `rig ${(i * 104_729) % count}`;
        names.after(at, 10);
        names.delete(at);
        names.add(at);
      }
      const { user, system } = process.cpuUsage(began);
      return (user + system) / 1000;
    };
    cpuMs(2000);
    const few = Math.min(cpuMs(20_000), cpuMs(20_000));
    const many = Math.min(cpuMs(200_000), cpuMs(200_000));
    expect(many).toBeLessThan(5 * few + 20);
  });
});
