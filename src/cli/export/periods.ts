/** Units of time, all of UTC, from the greatest; ms. */
export const UNITS = { day: 86_400_000, hour: 3_600_000, minute: 60_000 } as const;
export type Unit = keyof typeof UNITS;

/** From `fromMs`, which is in it, to `toMs`, which is not; UNIX time, ms. */
export interface Period {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Reads `2026-01-31` or `2026-01-31T05` (UTC; minutes are 00 if they are there); undefined for anything else. */
export function parseInstant(text: string): number | undefined {
  const [, day, hour = '00'] = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2})(?::00(?::00)?)?Z?)?$/.exec(text) ?? [];
  if (day === undefined) return undefined;
  const ms = Date.parse(`${day}T${hour}:00:00Z`);
  // Date.parse takes February's 30th for a day of March.
  return Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(`${day}T${hour}`) ? undefined : ms;
}

/** A name for the beginning of a period of that unit, fit for a file: `2026-01-31`, `2026-01-31T05`, `2026-01-31T05-30`. */
export function labelOf(ms: number, unit: Unit): string {
  const length = { day: 10, hour: 13, minute: 16 }[unit];
  return new Date(ms).toISOString().slice(0, length).replace(':', '-');
}

/** A name for a period that is no single unit. */
export function rangeLabelOf({ fromMs, toMs }: Period): string {
  const label = (ms: number): string => labelOf(ms, ms % UNITS.day === 0 ? 'day' : 'hour');
  return `${label(fromMs)}--${label(toMs)}`;
}

/** The smaller unit next to this one. */
export function smallerUnit(unit: Unit): Unit | undefined {
  return { day: 'hour', hour: 'minute', minute: undefined }[unit] as Unit | undefined;
}
