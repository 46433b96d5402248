/** The machine's own time. */
export const systemClock = {
  /** Wall clock, ms since 1970. */
  nowMs: (): number => Date.now(),
  /** Monotonic clock, ms with a fraction. */
  monotonicMs: (): number => performance.now(),
} as const;
