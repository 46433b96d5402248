import { describe, expect, it } from 'vitest';
import { formatDuration, parseDurationMs } from '#base/std/duration';

describe('durations', () => {
  it.each([
    ['1s', 1000],
    ['90s', 90_000],
    ['10m', 600_000],
    ['1h', 3_600_000],
    ['7d', 604_800_000],
  ])('%s', (duration, ms) => {
    expect(parseDurationMs(duration)).toBe(ms);
  });
  it.each(['', '1', 'h', '0h', '-1h', '1.5h', '1 h', '01h', '1w', '9999999999s'])('%j is none', (duration) => {
    expect(parseDurationMs(duration)).toBeUndefined();
  });

  it.each(['1s', '90s', '59m', '25h', '7d', '3601s'])('%s is written as it was read', (text) => {
    expect(formatDuration(parseDurationMs(text) ?? 0)).toBe(text);
  });
});
