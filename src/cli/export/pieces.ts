import { labelOf, type Period, rangeLabelOf, smallerUnit, UNITS, type Unit } from './periods.ts';

/** What becomes one file. */
export interface Piece {
  /** The file's name without its extension. */
  readonly name: string;
  readonly period: Period;
  readonly rows: number;
}

export interface PlanOptions {
  readonly table: string;
  readonly period: Period;
  /** Undefined: one file. */
  readonly by: Unit | undefined;
  /** A file of more rows is made of smaller units instead; Infinity if the format has no bound. */
  readonly rowsMax: number;
}

export interface PlanModules {
  /** Counts rows by the beginnings of units, UNIX time in ms; without those that have none. */
  readonly count: (period: Period, unitMs: number) => Promise<ReadonlyMap<number, number>>;
  /** Whether a file of that name, without its extension, is there and whole. */
  readonly done: (name: string) => boolean;
  /** Whether there is a file whose name begins so: a unit whose smaller units have been begun is gone on with by these. */
  readonly begun: (start: string) => boolean;
}

/** A unit of the smallest size has more rows than a file may have. */
export class TooManyRows extends Error {}

/** The files that an export comes to, but for those that are done. A period of the past always has the same ones. */
export async function planPieces(options: PlanOptions, modules: PlanModules): Promise<readonly Piece[]> {
  const { table, period, by, rowsMax } = options;
  if (by !== undefined) return ofUnit(options, modules, period, by);
  const name = `${table}-${rangeLabelOf(period)}`;
  if (modules.done(name)) return [];
  const counts = await modules.count(period, UNITS.day);
  const rows = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (rows > rowsMax) throw new TooManyRows();
  return rows === 0 ? [] : [{ name, period, rows }];
}

async function ofUnit(
  options: PlanOptions,
  modules: PlanModules,
  period: Period,
  unit: Unit,
): Promise<readonly Piece[]> {
  const { table, rowsMax } = options;
  const pieces: Piece[] = [];
  for (const [unitMs, rows] of await modules.count(period, UNITS[unit])) {
    const name = `${table}-${labelOf(unitMs, unit)}`;
    if (modules.done(name)) continue;
    const own = { fromMs: Math.max(unitMs, period.fromMs), toMs: Math.min(unitMs + UNITS[unit], period.toMs) };
    const smaller = smallerUnit(unit);
    const separator = { day: 'T', hour: '-', minute: '' }[unit];
    const split = rows > rowsMax || (smaller !== undefined && modules.begun(name + separator));
    if (!split) pieces.push({ name, period: own, rows });
    else if (smaller === undefined) throw new TooManyRows();
    else pieces.push(...(await ofUnit(options, modules, own, smaller)));
  }
  return pieces;
}
