import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type GatewayNumber, GatewayNumbers } from '#cluster/gateway-numbers';

describe('the numbers of gateways', () => {
  it('are never in use, of jobs that can still be mined, or repeated in an epoch', () => {
    const step = fc.record({ do: fc.constantFrom('take', 'take', 'free', 'job'), which: fc.nat(7) });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 120 }), (incarnationsMax, steps) => {
        let epochs = 7;
        const numbers = new GatewayNumbers({ epoch: 7, incarnationsMax }, () => ++epochs);
        const live: GatewayNumber[] = [];
        const given = new Set<string>();
        /** The newest job that a holder of each number can have known. */
        const known = new Map<number, number>();
        let serial = 0;
        for (const { do: what, which } of steps) {
          if (what === 'job') serial += 1;
          else if (what === 'free') {
            const [number] = live.splice(which % Math.max(live.length, 1), 1);
            if (number) {
              numbers.free(number, serial);
              known.set(number.incarnation, serial);
            }
          } else {
            const number = numbers.take(serial);
            if (number === undefined) continue;
            expect(number.incarnation).toBeLessThan(incarnationsMax);
            expect(live.map(({ incarnation }) => incarnation)).not.toContain(number.incarnation);
            expect(known.get(number.incarnation) ?? -1).toBeLessThan(serial);
            const name = `${number.epoch}/${number.incarnation}`;
            expect(given).not.toContain(name);
            given.add(name);
            live.push(number);
          }
        }
        // With a newer job there is a number for every gateway that the space has room for.
        for (let count = live.length; count < incarnationsMax; count += 1)
          expect(numbers.take(serial + 1)).toBeDefined();
        expect(numbers.take(serial + 1)).toBeUndefined();
      }),
    );
  });

  it('count a further epoch only when a number comes again', () => {
    let epochs = 1;
    const numbers = new GatewayNumbers({ epoch: 1, incarnationsMax: 2 }, () => ++epochs);
    const first = numbers.take(0);
    expect(first).toEqual({ epoch: 1, incarnation: 0 });
    if (first) numbers.free(first, 0);
    expect(numbers.take(1)).toEqual({ epoch: 1, incarnation: 1 });
    expect(numbers.take(0)).toBeUndefined();
    expect(epochs).toBe(1);
    expect(numbers.take(1)).toEqual({ epoch: 2, incarnation: 0 });
  });
});
