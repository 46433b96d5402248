import { describe, expect, it } from 'vitest';
import { WorkRate } from '#base/telemetry/work-rate';

describe('the estimate of a hash rate', () => {
  const HASHES = 2 ** 32;

  it('comes to a steady rate, over every window, from the first seconds on', () => {
    const rate = new WorkRate(0);
    for (let second = 1; second <= 7200; second += 1) {
      rate.add(10, second * 1000);
      if (second < 30) continue;
      const { minute, tenMinutes, hour } = rate.hashrates(second * 1000);
      for (const each of [minute, tenMinutes, hour]) {
        expect(each / (10 * HASHES)).toBeGreaterThan(0.98);
        expect(each / (10 * HASHES)).toBeLessThan(1.04);
      }
    }
  });

  it('forgets, the short window first', () => {
    const rate = new WorkRate(0);
    for (let second = 1; second <= 3600; second += 1) rate.add(1, second * 1000);
    const { minute, tenMinutes, hour } = rate.hashrates(3_720_000);
    expect(minute / HASHES).toBeLessThan(0.03);
    expect(tenMinutes / HASHES).toBeGreaterThan(0.6);
    expect(tenMinutes / HASHES).toBeLessThan(0.75);
    expect(hour / HASHES).toBeGreaterThan(0.9);
    expect(rate.hashrates(10 * 3_600_000).hour / HASHES).toBeLessThan(1e-6);
  });

  it('makes no record of a first share, and no nonsense of a clock that is set back', () => {
    const rate = new WorkRate(1_000_000);
    rate.add(100, 1_000_000);
    expect(rate.hashrates(1_000_000).minute).toBeLessThan((100 * HASHES) / 8);
    const before = rate.hashrates(1_000_000);
    expect(rate.hashrates(0)).toEqual(before);
    rate.add(1, 5000);
    for (const each of Object.values(rate.hashrates(5000))) {
      expect(each).toBeGreaterThan(0);
      expect(each).toBeLessThan(20 * HASHES);
    }
  });
});
