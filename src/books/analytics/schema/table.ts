import { quoted } from '../warehouse.ts';

/** A column of a table or a view: what DESCRIBE says of it. */
export interface ColumnDefinition {
  readonly name: string;
  readonly type: string;
  /** Meaning and unit. */
  readonly comment: string;
  /** Compression, if it is not ClickHouse's default (LZ4). */
  readonly codec?: string;
}

export interface TableDefinition {
  readonly name: string;
  readonly comment: string;
  readonly columns: readonly ColumnDefinition[];
  readonly engine: string;
  readonly partition?: string;
  readonly order: string;
}

/**
 * Of every table. The window is how many tokens of shipments it remembers (see shipper.ts): a shipment is tried again until
 * it is in, and only then comes the next; but several pools may write to one server, each with a shipment under way. The
 * share log lets go what is in, so an insert is in when it is on the disk (not measurably slower, at an insert a second).
 */
export const SETTINGS = 'non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1';

/** A column, as CREATE and ALTER want it. */
export function columnSql({ name, type, comment, codec }: ColumnDefinition): string {
  return `${name} ${type} COMMENT ${quoted(comment)}${codec === undefined ? '' : ` CODEC(${codec})`}`;
}

/** A column, as a view wants it: views have no codecs. */
export function viewColumnSql({ name, type, comment }: ColumnDefinition): string {
  return `${name} ${type} COMMENT ${quoted(comment)}`;
}

/** The statement that makes a table; `as` is its name if that is not the definition's. */
export function createTable(database: string, table: TableDefinition, as = table.name): string {
  const { columns, engine, partition, order, comment } = table;
  return `CREATE TABLE IF NOT EXISTS ${database}.${as} (
    ${columns.map(columnSql).join(',\n    ')}
  ) ENGINE = ${engine}
  ${partition === undefined ? '' : `PARTITION BY ${partition} `}ORDER BY ${order}
  SETTINGS ${SETTINGS}
  COMMENT ${quoted(comment)}`;
}
