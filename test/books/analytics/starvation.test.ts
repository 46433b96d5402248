import { describe, expect, it } from 'vitest';
import { Starvation } from '#books/analytics/starvation';

/** Looks at a process once a second; `cpuMs` is what it had in that second. */
function seen() {
  const starvation = new Starvation();
  let total = 0;
  return (cpuMs: number, wants: boolean, runnable = true): boolean => {
    total += cpuMs;
    return starvation.look({ cpuMs: total, passedMs: 1000, wants, runnable: () => runnable });
  };
}

describe('a process under the idle policy', () => {
  it('gets a turn when it has wanted the processor for seconds, and loses it when nothing waits', () => {
    const look = seen();
    expect([look(0, true), look(3, true), look(3, true), look(3, true)]).toEqual([false, false, false, true]);
    expect(look(800, true)).toBe(true);
    const idle = Array.from({ length: 12 }, () => look(0, false));
    expect(idle.indexOf(false)).toBeGreaterThan(5);
    expect(idle.at(-1)).toBe(false);
  });

  it('gets none while it works, wants nothing, or waits for a disk or a peer', () => {
    for (const [cpuMs, wants, runnable] of [
      [500, true, true],
      [0, false, true],
      [0, true, false],
    ] as const) {
      const look = seen();
      expect(Array.from({ length: 20 }, () => look(cpuMs, wants, runnable))).not.toContain(true);
    }
  });

  it('gets none where the system does not tell its processor time', () => {
    const starvation = new Starvation();
    const look = () => starvation.look({ cpuMs: undefined, passedMs: 1000, wants: true, runnable: () => true });
    expect(Array.from({ length: 20 }, look)).not.toContain(true);
  });
});
