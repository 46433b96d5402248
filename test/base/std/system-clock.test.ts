import { expect, it } from 'vitest';
import { systemClock } from '#base/std/system-clock';

it('the system’s clock tells the date, and a time that never goes back', () => {
  const [dateMs, ms] = [Date.now(), performance.now()];
  const readings = Array.from({ length: 1000 }, () => systemClock.monotonicMs());
  expect(readings).toEqual(readings.toSorted((a, b) => a - b));
  expect(readings[0]).toBeGreaterThanOrEqual(ms);
  expect(readings[0]).toBeLessThan(ms + 60_000);
  expect(systemClock.nowMs()).toBeGreaterThanOrEqual(dateMs);
  expect(systemClock.nowMs()).toBeLessThan(dateMs + 60_000);
});
