import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OFFLOAD_SHARES_MIN, offload } from '#shares/verify/policy';

describe('offload', () => {
  it('never hands a small batch to a worker, nor anything to a busy one', () => {
    fc.assert(
      fc.property(fc.nat({ max: 10_000 }), fc.nat({ max: 16 }), (waiting, idle) => {
        const count = offload(waiting, idle, 128);
        if (waiting < OFFLOAD_SHARES_MIN || idle === 0) expect(count).toBe(0);
        else expect(count).toBe(Math.min(128, Math.ceil(waiting / (idle + 1))));
        expect(count).toBeLessThanOrEqual(Math.min(waiting, 128));
      }),
    );
  });

  it('leaves this thread its part of the work', () => {
    expect(offload(512, 1, 400)).toBe(256);
    expect(offload(1000, 1, 128)).toBe(128);
    expect(offload(511, 1, 128)).toBe(0);
  });
});
