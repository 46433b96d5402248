const unitsMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `90s`, `10m`, `1h` or `7d` in ms; undefined for anything else. */
export function parseDurationMs(text: string): number | undefined {
  const match = /^([1-9][0-9]{0,8})([smhd])$/.exec(text);
  return match === null ? undefined : Number(match[1]) * unitsMs[match[2] as keyof typeof unitsMs];
}

/** A time in the largest unit that gives a whole number, as `parseDurationMs` reads it. Whole seconds only. */
export function formatDuration(ms: number): string {
  const unit = (['d', 'h', 'm'] as const).find((each) => ms % unitsMs[each] === 0) ?? 's';
  return `${ms / unitsMs[unit]}${unit}`;
}
