import { type Command, Option } from 'commander';
import { configOption, type Done, examples } from './command-parts.ts';
import { type ExportOptions, exportFormats, exportRows, exportTables } from './export.ts';
import type { Io } from './io.ts';
import { formats, sql } from './sql.ts';

export function addSql(program: Command, io: Io, done: Done): void {
  program
    .command('sql')
    .description("run an SQL query over the pool's shares, jobs and blocks, while it runs or when it is stopped")
    .argument('[query]', 'ClickHouse SQL; - reads it from standard input; without one, a prompt for many')
    .addOption(configOption())
    .addOption(new Option('--format <name>', 'of the output').choices(formats).default('TSV'))
    .option('--json', 'the same as --format JSONEachRow')
    .addHelpText(
      'after',
      examples(
        "sluice sql 'SELECT verdict, count() FROM shares GROUP BY verdict'",
        "sluice sql --format Pretty 'SELECT worker, sum(difficulty) FROM shares GROUP BY worker'",
      ),
    )
    .action(async (query: string | undefined, options: Parameters<typeof sql>[1]) =>
      done(await sql(query, options, io)),
    );
}

export function addExport(program: Command, io: Io, done: Done): void {
  program
    .command('export')
    .description("write a table's rows of some days as files; go on where an earlier run was stopped")
    .requiredOption('--from <time>', 'the first day or hour, of UTC: 2026-01-31 or 2026-01-31T05')
    .requiredOption('--to <time>', 'the first one that is not written any more')
    .addOption(new Option('--format <name>', 'of the files').choices(exportFormats).default('parquet'))
    .addOption(new Option('--by <unit>', 'a file for each day or hour; otherwise one').choices(['day', 'hour']))
    .addOption(new Option('--table <name>', 'what to write').choices(exportTables).default('shares'))
    .option('--output <folder>', 'where the files go', '.')
    .addOption(configOption())
    .option('--json', 'print a JSON object for each file')
    .addHelpText(
      'after',
      examples(
        'sluice export --from 2026-01-01 --to 2026-02-01 --by day --output january',
        'sluice export --from 2026-01-31 --to 2026-02-01 --format csv --table blocks',
      ),
    )
    .action(async (options: ExportOptions) => done(await exportRows(options, io)));
}
