import { expect, it } from 'vitest';
import { Backoff } from '#base/std/backoff';

it('waits twice as long each time, up to a bound, and begins anew after a reset', () => {
  const backoff = new Backoff({ msMin: 100, msMax: 1000 });
  expect(Array.from({ length: 6 }, () => backoff.next())).toEqual([100, 200, 400, 800, 1000, 1000]);
  backoff.reset();
  expect([backoff.next(), backoff.next()]).toEqual([100, 200]);
});
