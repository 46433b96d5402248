import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LATE, within } from '#base/std/within';

describe('a promise with a limit', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('gives the value if it is in time, and leaves no timer', async () => {
    await expect(within(Promise.resolve('done'), 1000)).resolves.toBe('done');
    await expect(within(Promise.resolve(undefined), 1000)).resolves.toBeUndefined();
    await expect(within(Promise.reject(new Error('broken')), 1000)).rejects.toThrow('broken');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is late after that time, and not before', async () => {
    let result: unknown = 'open';
    void within(new Promise(() => {}), 1000).then((value) => {
      result = value;
    });
    await vi.advanceTimersByTimeAsync(999);
    expect(result).toBe('open');
    await vi.advanceTimersByTimeAsync(1);
    expect(result).toBe(LATE);
  });

  it('may fail later without harm', async () => {
    let fail = (_: Error): void => {};
    const failing = new Promise<never>((_, reject) => {
      fail = reject;
    });
    const limited = within(failing, 10);
    await vi.advanceTimersByTimeAsync(10);
    await expect(limited).resolves.toBe(LATE);
    // An unhandled rejection would fail this run.
    fail(new Error('too late'));
    await Promise.resolve();
  });

  it.each([
    [true, '300'],
    [false, ''],
  ])('keeps its process alive: %s', (ref, printed) => {
    const built = fileURLToPath(new URL('../../../dist/base/std/within.js', import.meta.url));
    const code = `import { within } from ${JSON.stringify(built)};
      void within(new Promise(() => {}), 300, { ref: ${ref} }).then(() => process.stdout.write('300'));`;
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
    expect(run).toMatchObject({ stdout: printed, stderr: '', status: 0 });
  });
});
