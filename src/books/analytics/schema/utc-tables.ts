import { rollupView } from './rollups-1.ts';

/** What a step finds. */
export interface Before {
  readonly database: string;
  /** The server's own: what a column without a time zone is shown, cut and compared in. */
  readonly timeZone: string;
  /** There were no tables before the first step: none has rows. */
  readonly empty: boolean;
}

/** The tables of version 1 with a time, and the type of it. */
const TIMES = {
  shares: "DateTime64(3, 'UTC')",
  jobs: "DateTime64(3, 'UTC')",
  blocks: "DateTime64(3, 'UTC')",
  hashrate_1m: "DateTime('UTC')",
  hashrate_1h: "DateTime('UTC')",
} as const;
type TableName = keyof typeof TIMES;

const VIEWS = { hashrate_1m: 'toStartOfMinute', hashrate_1h: 'toStartOfHour' } as const;
const UTC_NAMES = [
  'UTC',
  'Etc/UTC',
  'Zulu',
  'Universal',
  'Etc/Universal',
  'Etc/Zulu',
  'UCT',
  'Etc/UCT',
  'GMT',
  'Etc/GMT',
];

/**
 * Gives every time its zone, UTC. Version 1 left the zone to the server, and with it where hours and months begin. The
 * rows of a server in UTC, and tables without rows, are as they should be: only the type changes. Other tables are
 * written anew, because their order and their partitions are by the server's hours and months.
 */
export function inUtc({ database, timeZone, empty }: Before): readonly string[] {
  const modify = (table: TableName, name: string = table): string =>
    `ALTER TABLE ${database}.${name} MODIFY COLUMN time ${TIMES[table]}`;
  const tables = Object.keys(TIMES) as TableName[];
  if (empty || UTC_NAMES.includes(timeZone)) return tables.map((table) => modify(table));
  const views = Object.entries(VIEWS);
  return [
    ...views.map(([name]) => `DROP VIEW IF EXISTS ${database}.${name}_view`),
    ...tables.flatMap((table) => [
      `DROP TABLE IF EXISTS ${database}.${table}_utc`,
      `CREATE TABLE ${database}.${table}_utc AS ${database}.${table}`,
      modify(table, `${table}_utc`),
      copy(database, table),
      `EXCHANGE TABLES ${database}.${table} AND ${database}.${table}_utc`,
      `DROP TABLE ${database}.${table}_utc`,
    ]),
    ...views.map(([name, start]) => rollupView(database, name, start)),
  ];
}

/** Hours are put together from minutes, which begin at the same moment in every zone; hours older than those, by their start. */
function copy(database: string, table: TableName): string {
  const insert = `INSERT INTO ${database}.${table}_utc`;
  const settings = 'SETTINGS max_partitions_per_insert_block = 0, insert_deduplicate = 0';
  if (table !== 'hashrate_1h') return `${insert} ${settings} SELECT * FROM ${database}.${table}`;
  const columns = 'account, worker, accepted, rejected, work, best_difficulty';
  return `${insert} (time, ${columns}) ${settings}
    SELECT toStartOfHour(m.time, 'UTC'), ${columns} FROM ${database}.hashrate_1m AS m
    UNION ALL
    SELECT toStartOfHour(h.time, 'UTC'), ${columns} FROM ${database}.hashrate_1h AS h
    WHERE h.time < (SELECT min(time) FROM ${database}.hashrate_1m) - INTERVAL 1 HOUR`;
}
