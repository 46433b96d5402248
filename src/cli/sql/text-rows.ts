import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { TextRows } from './fitted-table.ts';

/** The format that `readTextRows` reads: each line an array of texts, after one with names and one with types. */
export const TEXT_ROWS_FORMAT = 'JSONCompactStringsEachRowWithNamesAndTypes';

/** Reads a result of up to `rowsMax` rows; of a larger one, `more` is true and the query is ended. Rejects as the result does. */
export async function readTextRows(
  result: Readable,
  rowsMax: number,
  onRows: (rows: number) => void,
): Promise<TextRows & { readonly more: boolean }> {
  const lines: (string | null)[][] = [];
  let more = false;
  let failed: unknown;
  const reader = createInterface({ input: result });
  result.once('error', (error) => {
    failed = error;
    // It waits for an end that does not come.
    reader.close();
  });
  for await (const line of reader) {
    if (line === '') continue;
    more = lines.length === rowsMax + 2;
    if (more) break;
    lines.push(JSON.parse(line) as (string | null)[]);
    onRows(Math.max(0, lines.length - 2));
  }
  if (failed !== undefined) throw failed;
  if (more) result.destroy();
  const [names = [], types = [], ...rows] = lines;
  return { names: names.map(String), types: types.map(String), rows, more };
}
