import { describe, expect, it } from 'vitest';
import { type Candidate, chooseUpstream, STALE_MS } from '#work/node/choice';

const work = (units: number): string => units.toString(16).padStart(64, '0');
const ready = (units: number, slow = false): Candidate => ({ health: { ready: true, chainwork: work(units) }, slow });
const down: Candidate = { health: { ready: false, reason: 'down', fatal: false }, slow: false };
const at = (nowMs: number, active?: Candidate, behindSinceMs?: number, workMin = '') => ({
  active,
  behindSinceMs,
  nowMs,
  workMin,
});

describe('chooseUpstream', () => {
  it('prefers the first that is ready', () => {
    const [a, b] = [ready(5), ready(5)];
    expect(chooseUpstream([a, b], at(0)).upstream).toBe(a);
    expect(chooseUpstream([down, b], at(0)).upstream).toBe(b);
    expect(chooseUpstream([down, down], at(0)).upstream).toBeUndefined();
    expect(chooseUpstream([a, b], at(0), new Set([a])).upstream).toBe(b);
  });

  it('goes back to the preferred one when it has caught up, not before', () => {
    const b = ready(17);
    expect(chooseUpstream([ready(16), b], at(0, b)).upstream).toBe(b);
    const caughtUp = ready(17);
    expect(chooseUpstream([caughtUp, b], at(0, b)).upstream).toBe(caughtUp);
  });

  it('leaves a node that stays behind, but not one that is late with a block', () => {
    const [a, b] = [ready(9), ready(10)];
    const late = chooseUpstream([a, b], at(1000, a));
    expect(late).toEqual({ upstream: a, behindSinceMs: 1000 });
    expect(chooseUpstream([a, b], at(1000 + STALE_MS - 1, a, 1000)).upstream).toBe(a);
    expect(chooseUpstream([a, b], at(1000 + STALE_MS, a, 1000))).toEqual({ upstream: b, behindSinceMs: undefined });
  });

  it('forgets that a node was behind when it has caught up', () => {
    const [a, b] = [ready(10), ready(10)];
    expect(chooseUpstream([a, b], at(5000, a, 1000))).toEqual({ upstream: a, behindSinceMs: undefined });
  });

  it('takes a node that is behind when it is all there is', () => {
    const a = ready(9);
    expect(chooseUpstream([a, down], at(0)).upstream).toBe(a);
  });

  it('prefers a node that is not slow, if it has as much work', () => {
    const [slow, prompt] = [ready(10, true), ready(10)];
    expect(chooseUpstream([slow, prompt], at(0, slow)).upstream).toBe(prompt);
    expect(chooseUpstream([slow, ready(9)], at(0)).upstream).toBe(slow);
    expect(chooseUpstream([slow, ready(10, true)], at(0)).upstream).toBe(slow);
  });

  it('takes no node with less work than is asked for', () => {
    expect(chooseUpstream([down, ready(9)], at(0, undefined, undefined, work(10))).upstream).toBeUndefined();
    const b = ready(10);
    expect(chooseUpstream([down, b], at(0, undefined, undefined, work(10))).upstream).toBe(b);
  });
});
