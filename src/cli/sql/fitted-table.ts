import { escapedText } from '#base/std/text';

/** A result as text: rows of as many values as there are columns. */
export interface TextRows {
  readonly names: readonly string[];
  /** ClickHouse's. */
  readonly types: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
}

/** A column is not made narrower than this before the rows are written one value a line. */
const WIDTH_MIN = 6;
const GAP = '  ';
const CUT = '…';

/** The rows as a table that is no wider than `width` characters; or each row with a line for each value, if that is not enough. */
export function fittedTable({ names, types, rows }: TextRows, width: number): string {
  const cells = rows.map((row) => row.map((value) => shown(value)));
  const titles = names.map((name) => shown(name));
  const natural = titles.map((title, column) =>
    Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const widths = fittedWidths(natural, width - GAP.length * (names.length - 1));
  if (widths === undefined) return listed(titles, cells, width);
  const right = types.map((type) => /^(Nullable\(|LowCardinality\()*(U?Int|Float|Decimal)/.test(type));
  const line = (row: readonly string[]): string =>
    row
      .map((text, column) => {
        const [columnWidth = 0, numeric] = [widths[column], right[column]];
        const fitting = text.length > columnWidth ? text.slice(0, columnWidth - 1) + CUT : text;
        return numeric ? fitting.padStart(columnWidth) : fitting.padEnd(columnWidth);
      })
      .join(GAP)
      .trimEnd();
  const rule = widths.map((columnWidth) => '─'.repeat(columnWidth)).join(GAP);
  return [line(titles), rule, ...cells.map(line)].map((text) => `${text}\n`).join('');
}

/** Takes from the widest columns until all fit; undefined if they can not. */
function fittedWidths(natural: readonly number[], room: number): readonly number[] | undefined {
  const least = natural.reduce((sum, width) => sum + Math.min(width, WIDTH_MIN), 0);
  if (least > room) return undefined;
  // The greatest width that a column may have so that all fit: what the narrow ones leave is the wide ones'.
  let [low, high] = [Math.min(WIDTH_MIN, room), Math.max(WIDTH_MIN, ...natural)];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (natural.reduce((sum, width) => sum + Math.min(width, middle), 0) <= room) low = middle;
    else high = middle - 1;
  }
  return natural.map((width) => Math.min(width, low));
}

function listed(titles: readonly string[], cells: readonly (readonly string[])[], width: number): string {
  const titleWidth = Math.min(Math.max(0, ...titles.map((title) => title.length)), Math.floor(width / 2));
  return cells
    .map((row, index) => {
      const head = `── row ${index + 1} `;
      const values = titles.map(
        (title, column) => `${title.slice(0, titleWidth).padEnd(titleWidth)}${GAP}${row[column]}`,
      );
      return [head.padEnd(Math.min(width, 40), '─'), ...values].map((text) => `${text.trimEnd()}\n`).join('');
    })
    .join('');
}

/** A miner chose some of the values: nothing in one of them moves the cursor. */
function shown(value: string | null): string {
  return value === null ? 'NULL' : escapedText(value);
}
