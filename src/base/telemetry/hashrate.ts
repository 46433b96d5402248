import type { Clock } from '#base/domain/ports';

/** Expected hashes of a share at difficulty 1: 2^256 ÷ (0xffff × 2^208), which is 2^32 but for the 16th part of a millionth. */
const HASHES_PER_DIFFICULTY = 2 ** 256 / (0xffff * 2 ** 208);

const SLOT_MS = 5_000;
/** The shortest time over which a rate is given, so that the first share of a young pool is no record. */
const COVERED_MS_MIN = 10_000;

/** Estimates hashes per second out of the difficulty of accepted shares, over windows of up to an hour. */
export interface HashrateMeter {
  /** One accepted share, judged at `difficulty`. Allocates nothing. */
  add(difficulty: number): void;
  /** Hashes per second over the last `windowMs`; over the meter's life where that is shorter. */
  perSecond(windowMs: number): number;
}

export function createHashrateMeter({ windowMsMax = 3_600_000 }, { clock }: { clock: Clock }): HashrateMeter {
  const slots = new Float64Array(Math.ceil(windowMsMax / SLOT_MS) + 1);
  const startMs = clock.monotonicMs();
  let current = Math.floor(startMs / SLOT_MS);

  /** Empties the slots that have come round again since the last call. */
  function advance(nowMs: number): void {
    const slot = Math.floor(nowMs / SLOT_MS);
    const passed = Math.min(slot - current, slots.length);
    for (let step = 1; step <= passed; step++) slots[(slot - passed + step) % slots.length] = 0;
    if (slot > current) current = slot;
  }

  return {
    add(difficulty) {
      advance(clock.monotonicMs());
      const index = current % slots.length;
      slots[index] = (slots[index] ?? 0) + difficulty;
    },
    perSecond(windowMs) {
      const nowMs = clock.monotonicMs();
      advance(nowMs);
      // Whole slots, and the part of the current one that has passed.
      const count = Math.max(1, Math.min(Math.round(windowMs / SLOT_MS), slots.length - 1));
      let sum = 0;
      for (let back = 0; back <= count; back++) sum += slots[(current - back + slots.length) % slots.length] ?? 0;
      const fromMs = Math.max((current - count) * SLOT_MS, startMs);
      return (sum * HASHES_PER_DIFFICULTY * 1000) / Math.max(nowMs - fromMs, COVERED_MS_MIN);
    },
  };
}
