import { tokens } from './sql-tokens.ts';

/** Formats without head, foot or numbering: their chunks can be put one after another. */
const STREAMABLE = new Set(
  [
    'TSV',
    'TabSeparated',
    'TSVRaw',
    'TabSeparatedRaw',
    'CSV',
    'JSONEachRow',
    'NDJSON',
    'JSONLines',
    'JSONCompactEachRow',
    'JSONStringsEachRow',
    'RowBinary',
  ].map((name) => name.toLowerCase()),
);

/** Names of ClickHouse's formats are plain words. */
export function isFormatName(format: string): boolean {
  return /^[A-Za-z][A-Za-z0-9]{0,63}$/.test(format);
}

/** Whether the result can be read in chunks: a SELECT, in a format that allows it. A FORMAT in the statement wins. */
export function isStreamable(sql: string, format: string): boolean {
  const words = tokens(sql);
  const first = words?.find((token) => token.text !== '(')?.text.toLowerCase();
  if (words === undefined || (first !== 'select' && first !== 'with')) return false;
  const [before, last] = words.filter((token) => token.text !== ';').slice(-2);
  const named = before?.text.toLowerCase() === 'format' ? last?.text : undefined;
  return STREAMABLE.has((named ?? format).toLowerCase());
}
