import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { page, type Result } from './report/page.ts';
import { root } from './run/project.ts';

/**
 * `report FILE --since DATE NAME…`: the newest result of each of these benchmarks, none of which is older than the date (ISO 8601), as
 * one page. Ends with 1 where there is none, or the file can not be written.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { since: { type: 'string', default: '' } },
});
const [file = '', ...names] = positionals;
const results = names.flatMap((name) => newest(name) ?? []);
try {
  if (results.length === 0) throw new Error('there is no result to show');
  writeFileSync(file, page(results, names));
  process.stderr.write(`the report is in ${file}\n`);
} catch (error) {
  process.stderr.write(`report: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

function newest(name: string): Result | undefined {
  try {
    const line = readFileSync(join(root, 'bench/results', `${name}.jsonl`), 'utf8')
      .trimEnd()
      .split('\n')
      .at(-1);
    const result = JSON.parse(line ?? '') as Result;
    return result.date >= values.since ? result : undefined;
  } catch {
    // It was not run, or has nothing to show.
    return undefined;
  }
}
