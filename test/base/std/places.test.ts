import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Places } from '#base/std/places';

describe('places', () => {
  it('never exceed their bound, and are never free while a task waits', () => {
    const steps = fc.array(fc.constantFrom('come', 'go'), { maxLength: 60 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), steps, (placesMax, moves) => {
        const waiting: number[] = [];
        const running: number[] = [];
        let came = 0;
        const places = new Places(placesMax, {
          startNext() {
            const next = waiting.shift();
            if (next !== undefined) running.push(next);
            return next !== undefined;
          },
        });
        for (const move of moves) {
          if (move === 'come') {
            came += 1;
            (places.take() ? running : waiting).push(came);
          } else if (running.shift() !== undefined) places.give();
          expect(running.length).toBeLessThanOrEqual(placesMax);
          if (running.length < placesMax) expect(waiting).toEqual([]);
        }
        // In order of arrival, since this line keeps it.
        const all = [...running, ...waiting];
        expect(all).toEqual(all.toSorted((a, b) => a - b));
      }),
    );
  });

  it('go to the next in line before anyone else can take them', () => {
    const started: string[] = [];
    const line = ['next'];
    const places: Places = new Places(1, {
      startNext() {
        const next = line.shift();
        if (next === undefined) return false;
        started.push(next);
        expect(places.take()).toBe(false);
        return true;
      },
    });
    expect(places.take()).toBe(true);
    places.give();
    expect(started).toEqual(['next']);
    expect(places.take()).toBe(false);
    places.give();
    expect(places.take()).toBe(true);
  });
});
