import { describe, expect, it } from 'vitest';
import { until } from '#base/std/until';

describe('what is tried until it works', () => {
  /** Resolves with undefined so many times, then with `done`. */
  const afterFailures = (failures: number) => {
    let tries = 0;
    return {
      attempt: () => (tries++ < failures ? undefined : 'done'),
      get tries() {
        return tries;
      },
    };
  };

  it('is tried once without patience', async () => {
    const never = afterFailures(9);
    await expect(until(never.attempt, { everyMs: 20, msMax: 0 })).resolves.toBeUndefined();
    expect(never.tries).toBe(1);
  });

  it('is tried at every interval, and not after it has worked', async () => {
    const third = afterFailures(2);
    const started = performance.now();
    await expect(until(third.attempt, { everyMs: 20, msMax: 1000 })).resolves.toBe('done');
    expect(third.tries).toBe(3);
    expect(performance.now() - started).toBeGreaterThanOrEqual(38);
  });

  it('is tried no longer than patience lasts', async () => {
    const never = afterFailures(1000);
    await expect(until(async () => never.attempt(), { everyMs: 5, msMax: 20 })).resolves.toBeUndefined();
    expect(never.tries).toBe(5);
  });

  it('ends with what it throws', async () => {
    const attempt = (): undefined => {
      throw new Error('damaged');
    };
    await expect(until(attempt, { everyMs: 5, msMax: 20 })).rejects.toThrow('damaged');
  });
});
