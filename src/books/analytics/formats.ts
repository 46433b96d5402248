import type { Query } from './query.ts';
import { tokens } from './sql-tokens.ts';

/** How the chunks of a streamed result are put together: the engine writes each of them as a result of its own. */
export type Joint =
  /** Nothing to do: the format has neither head nor foot. */
  | 'plain'
  /** One line, or two, with the columns' names and types stands before the rows of each chunk. */
  | 'names'
  | 'names-and-types'
  /** The same in CSV, where a name may have a line feed in its quotes. */
  | 'csv-names'
  | 'csv-names-and-types'
  /** The same in binary. */
  | 'binary-names-and-types'
  /** Messages of Arrow's IPC: the schema first and an end last. */
  | 'arrow-stream';

const STREAMED: Readonly<Record<Joint, readonly string[]>> = {
  plain: [
    ...['TSV', 'TabSeparated', 'TSVRaw', 'TabSeparatedRaw', 'CSV', 'CustomSeparated', 'TSKV'],
    ...['JSONEachRow', 'NDJSON', 'JSONLines', 'JSONCompactEachRow', 'JSONStringsEachRow', 'JSONCompactStringsEachRow'],
    ...['RowBinary', 'Native', 'MsgPack', 'BSONEachRow'],
  ],
  names: [
    ...['TSVWithNames', 'TabSeparatedWithNames', 'TSVRawWithNames', 'TabSeparatedRawWithNames'],
    ...['JSONCompactEachRowWithNames', 'JSONCompactStringsEachRowWithNames'],
  ],
  'names-and-types': [
    ...['TSVWithNamesAndTypes', 'TabSeparatedWithNamesAndTypes'],
    ...['TSVRawWithNamesAndTypes', 'TabSeparatedRawWithNamesAndTypes'],
    ...['JSONCompactEachRowWithNamesAndTypes', 'JSONCompactStringsEachRowWithNamesAndTypes'],
  ],
  'csv-names': ['CSVWithNames'],
  'csv-names-and-types': ['CSVWithNamesAndTypes'],
  'binary-names-and-types': ['RowBinaryWithNamesAndTypes'],
  'arrow-stream': ['ArrowStream'],
};

/** Formats with a head or foot that depends on all rows: the engine keeps such a result whole before it is sent. */
const WHOLE = [
  ...['JSON', 'JSONStrings', 'JSONCompact', 'JSONCompactStrings', 'JSONColumns', 'JSONCompactColumns'],
  ...['JSONColumnsWithMetadata', 'JSONObjectEachRow', 'JSONEachRowWithProgress', 'JSONStringsEachRowWithProgress'],
  ...['Parquet', 'Arrow', 'ORC', 'Avro', 'Npy', 'XML', 'Markdown', 'Vertical', 'Values', 'SQLInsert', 'Null'],
  ...['Pretty', 'PrettyNoEscapes', 'PrettyMonoBlock', 'PrettyNoEscapesMonoBlock', 'PrettyCompact'],
  ...['PrettyCompactNoEscapes', 'PrettyCompactMonoBlock', 'PrettySpace', 'PrettySpaceNoEscapes'],
];

const names = new Map([...Object.values(STREAMED).flat(), ...WHOLE].map((name) => [name.toLowerCase(), name]));
const joints = new Map(
  (Object.entries(STREAMED) as [Joint, readonly string[]][]).flatMap(([joint, formats]) =>
    formats.map((format) => [format.toLowerCase(), joint] as const),
  ),
);

/** Returns true if a result may have the format. Formats of other protocols, and those that read a schema's file, are no such. */
export function isFormat(format: string): boolean {
  return names.has(format.toLowerCase());
}

/** The format's name as ClickHouse writes it. */
export function formatName(format: string): string {
  return names.get(format.toLowerCase()) ?? format;
}

/** The format that the result will have: a FORMAT in the statement wins. */
export function effectiveFormat({ sql, format }: Pick<Query, 'sql' | 'format'>): string {
  const words = tokens(sql)?.filter((token) => token.text !== ';') ?? [];
  const [before, last] = words.slice(-2);
  const named = before?.kind === 'word' && before.text.toLowerCase() === 'format' ? last?.text : undefined;
  return formatName(named ?? format);
}

/** How to put the chunks of the result together; undefined if it can not be read in chunks. */
export function jointOf(query: Pick<Query, 'sql' | 'format'>): Joint | undefined {
  const first = tokens(query.sql)
    ?.find((token) => token.text !== '(')
    ?.text.toLowerCase();
  // Of a statement that is no SELECT, the engine gives no chunks.
  if (first !== 'select' && first !== 'with') return undefined;
  return joints.get(effectiveFormat(query).toLowerCase());
}
