import type { Row } from './samples.ts';
import type { Spread } from './statistics.ts';

export interface Column {
  /** The value's name in a row. */
  readonly name: string;
  readonly title: string;
  readonly digits: number;
  /** Without the spread. */
  readonly bare?: boolean;
  /** Left out if no row has it. */
  readonly optional?: boolean;
}

/** Rows as text: the median, and [min–max] if there were several rounds. One block for each workload. */
export function formatTable(rows: readonly Row[], all: readonly Column[]): string {
  const columns = all.filter(
    ({ name, optional }) => !optional || rows.some(({ values }) => values[name] !== undefined),
  );
  const head = ['', ...columns.map(({ title }) => title)];
  const lines: string[][] = [head];
  let workload: string | undefined;
  for (const row of rows) {
    if (row.workload !== workload) {
      workload = row.workload;
      lines.push([workload]);
    }
    lines.push([`  ${row.subject}`, ...columns.map((column) => formatSpread(row.values[column.name], column))]);
  }
  const widths = head.map((_, at) =>
    Math.max(...lines.map((line) => (line.length > 1 || at > 0 ? (line[at]?.length ?? 0) : 0))),
  );
  return lines
    .map((line) => line.map((cell, at) => (at === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[at] ?? 0))))
    .map((cells) => `${cells.join('   ').trimEnd()}\n`)
    .join('');
}

/** The median, and [least–greatest] where there were several rounds. */
export function formatSpread(spread: Spread | undefined, { digits, bare = false }: Column): string {
  if (spread === undefined) return '–';
  const format = (value: number): string =>
    value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const { median, min, max, count } = spread;
  return count === 1 || bare ? format(median) : `${format(median)} [${format(min)}–${format(max)}]`;
}
