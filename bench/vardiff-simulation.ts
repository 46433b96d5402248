import type { Rule } from './vardiff-rules.ts';

/** Hash rate over time: from each moment on, so many hashes a second. The first begins at 0. */
export type Profile = readonly (readonly [fromMs: number, hashesPerSecond: number])[];

/** The state in one second. */
export interface Sample {
  readonly difficulty: number;
  readonly shares: number;
  readonly changes: number;
  /** The difficulty that meets the rule's target rate; 0 if the miner is silent. */
  readonly ideal: number;
}

/** Numbers in (0, 1) from a seed (SplitMix32). */
export function randomness(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let word = state;
    word = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
    return (((word ^ (word >>> 15)) >>> 0) + 0.5) / 2 ** 32;
  };
}

/** Mines with exponential arrivals and returns one sample a second. */
export function simulate(rule: Rule, start: number, profile: Profile, seconds: number, seed: number): Sample[] {
  const random = randomness(seed);
  const control = rule.start(start);
  const samples: Sample[] = [];
  let difficulty = control.difficulty;
  let at = 0;
  let nowMs = 0;
  for (let second = 1; second <= seconds; second += 1) {
    while ((profile[at + 1]?.[0] ?? Number.POSITIVE_INFINITY) < second * 1000) at += 1;
    const hashesPerSecond = profile[at]?.[1] ?? 0;
    let [shares, changes] = [0, 0];
    const changed = (): void => {
      if (control.difficulty === difficulty) return;
      difficulty = control.difficulty;
      changes += 1;
    };
    for (;;) {
      // Waits are exponential, so the rest of a wait is drawn again when the second or the difficulty ends.
      const waitMs = (-Math.log(random()) * difficulty * 2 ** 32 * 1000) / hashesPerSecond;
      if (!(nowMs + waitMs < second * 1000)) break;
      nowMs += waitMs;
      shares += 1;
      control.share(nowMs);
      changed();
    }
    nowMs = second * 1000;
    control.tick(nowMs);
    changed();
    const ideal = (hashesPerSecond * 60) / rule.sharesPerMinute / 2 ** 32;
    samples.push({ difficulty, shares, changes, ideal });
  }
  return samples;
}

/** Seconds from `from` until the difficulty is within a factor of two of the ideal and stays there for ten minutes. */
export function settledAfter(samples: readonly Sample[], from: number): number {
  let good = 0;
  for (let second = from; second < samples.length; second += 1) {
    const { difficulty = 0, ideal = 0 } = samples[second] ?? {};
    good = difficulty <= 2 * ideal && difficulty * 2 >= ideal ? good + 1 : 0;
    if (good === 600) return second - 599 - from;
  }
  return samples.length - from;
}

/** The value below which `part` of the numbers are. */
export function quantile(numbers: readonly number[], part: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}
