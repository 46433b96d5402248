import { quoted } from '../warehouse.ts';
import { type ColumnDefinition, createTable, type TableDefinition, viewColumnSql } from './table.ts';

/** Whom a row of a rollup is about. */
const LEVELS = {
  hashrate: { keys: ['account', 'worker'], of: 'worker' },
  accounts: { keys: ['account'], of: 'account' },
  pool: { keys: [], of: 'pool' },
} as const;
/** How long a row's time is. A day has a partition for each year, as an hour has. */
const SPANS = {
  '1m': { start: 'toStartOfMinute', partition: 'toYYYYMM(time)', word: 'minute' },
  '1h': { start: 'toStartOfHour', partition: 'toYear(time)', word: 'hour' },
  '1d': { start: 'toStartOfDay', partition: 'toYear(time)', word: 'day' },
} as const;
type Level = keyof typeof LEVELS;
type Span = keyof typeof SPANS;

/** A measure, and how it is made of shares `s` and of rows `s` of a finer rollup. */
interface Measure extends ColumnDefinition {
  readonly ofShares: string;
  readonly ofRows: string;
}

const LATENCY = 'quantilesTDigest(0.5, 0.9, 0.99)';
const WORKERS = 'uniqCombined(14)';
const ACCEPTED = "s.verdict = 'accepted'";

const sum = (name: string, type: string, comment: string, ofShares: string): Measure => ({
  name,
  type: `SimpleAggregateFunction(sum, ${type})`,
  comment,
  ofShares,
  ofRows: `sum(s.${name})`,
});
const extreme = (name: string, how: 'min' | 'max', type: string, comment: string, ofShares: string): Measure => ({
  name,
  type: `SimpleAggregateFunction(${how}, ${type})`,
  comment,
  ofShares,
  ofRows: `${how}(s.${name})`,
});

/** What the rollups of schema 3 had, and what came with schema 4. */
const BEFORE: readonly Measure[] = [
  sum('accepted', 'UInt64', 'accepted submissions; sum()', `countIf(${ACCEPTED})`),
  sum('rejected', 'UInt64', 'rejected submissions; sum()', `countIf(NOT (${ACCEPTED}))`),
  sum('work', 'UInt128', 'expected hashes of the accepted shares; sum()', `sumIf(s.work, ${ACCEPTED})`),
  extreme(
    ...(['best_difficulty', 'max', 'Float64', 'greatest share_difficulty of the accepted shares; max()'] as const),
    `maxIf(s.share_difficulty, ${ACCEPTED})`,
  ),
];
const SINCE_4: readonly Measure[] = [
  sum(
    'work_squares',
    'Float64',
    'sum of work² of the accepted shares; work² / work_squares is how many equal shares say as much; sum()',
    `sumIf(pow(toFloat64(s.work), 2), ${ACCEPTED})`,
  ),
  sum('rejected_work', 'UInt128', 'expected hashes of the rejected shares; sum()', `sumIf(s.work, NOT (${ACCEPTED}))`),
  {
    name: 'verdicts',
    type: 'SimpleAggregateFunction(sumMap, Map(String, UInt64))',
    comment: 'submissions by verdict; sumMap()',
    ofShares: 'sumMap(map(toString(s.verdict), toUInt64(1)))',
    ofRows: 'sumMap(s.verdicts)',
  },
  extreme(
    ...([
      'difficulty_min',
      'min',
      'Float64',
      'least difficulty of the jobs answered, inf if none is known; min()',
    ] as const),
    'min(if(s.difficulty > 0, s.difficulty, inf))',
  ),
  extreme(
    ...(['difficulty_max', 'max', 'Float64', 'greatest difficulty of the jobs answered; max()'] as const),
    'max(s.difficulty)',
  ),
  extreme(
    ...([
      'last_share',
      'max',
      "DateTime64(3, 'UTC')",
      'when the last accepted share arrived; 1970 if none; max()',
    ] as const),
    `maxIf(s.time, ${ACCEPTED})`,
  ),
  {
    name: 'latency',
    type: `AggregateFunction(${LATENCY}, UInt32)`,
    comment: `µs from a line's arrival to its verdict, as a state: ${LATENCY.replace('(', 'Merge(')}(latency)`,
    ofShares: `${LATENCY.replace('(', 'State(')}(s.latency_us)`,
    ofRows: `${LATENCY.replace('(', 'MergeState(')}(s.latency)`,
  },
];
const DISTINCT: ColumnDefinition = {
  name: 'workers',
  type: `AggregateFunction(${WORKERS}, String, String)`,
  comment:
    'distinct workers with a submission, as a state: uniqCombinedMerge(14)(workers); within 2 % above some thousand',
};

const KEYS: Readonly<Record<string, ColumnDefinition>> = {
  account: { name: 'account', type: 'String', comment: 'payable address; empty if nobody was authorised' },
  worker: { name: 'worker', type: 'String', comment: 'what follows the address' },
};
const NODE: ColumnDefinition = { name: 'node', type: 'LowCardinality(String)', comment: 'which pool of several' };

/** The definition of a rollup. */
function rollup(level: Level, span: Span): TableDefinition {
  const { keys, of } = LEVELS[level];
  const { partition, word } = SPANS[span];
  return {
    name: `${level}_${span}`,
    comment: `what each ${of} did in each ${word}: always aggregate, as the columns say`,
    columns: [
      { name: 'time', type: "DateTime('UTC')", comment: `start of the ${word}` },
      ...keys.flatMap((key) => KEYS[key] ?? []),
      ...BEFORE,
      NODE,
      ...SINCE_4,
      ...(level === 'hashrate' ? [] : [DISTINCT]),
    ],
    engine: 'AggregatingMergeTree',
    partition,
    order: `(${['time', ...keys, 'node'].join(', ')})`,
  };
}

/** What a rollup is made of: shares make minutes of workers, and each coarser row is made of finer ones. */
function sourceOf(level: Level, span: Span): string {
  if (level === 'accounts') return `hashrate_${span}`;
  if (level === 'pool') return `accounts_${span}`;
  return span === '1m' ? 'shares' : `hashrate_${span === '1h' ? '1m' : '1h'}`;
}

/** The columns of a rollup's row, and what of its source they are made of. */
function outputs(level: Level, span: Span, source: string): readonly (readonly [name: string, expression: string])[] {
  const of = source === 'shares' ? 'ofShares' : 'ofRows';
  const distinct = {
    hashrate: [],
    accounts: [['workers', `${WORKERS.replace('(', 'State(')}(s.account, s.worker)`]] as const,
    pool: [['workers', `${WORKERS.replace('(', 'MergeState(')}(s.workers)`]] as const,
  }[level];
  return [
    ['time', `${SPANS[span].start}(s.time)`],
    ...[...LEVELS[level].keys, 'node'].map((key) => [key, `s.${key}`] as const),
    ...[...BEFORE, ...SINCE_4].map((measure) => [measure.name, measure[of]] as const),
    ...distinct,
  ];
}

/** The rows of a rollup, from its source. */
function rollupSelect(database: string, level: Level, span: Span): string {
  const source = sourceOf(level, span);
  return `SELECT
    ${outputs(level, span, source)
      .map(([name, expression]) => `${expression} AS ${name}`)
      .join(',\n    ')}
  FROM ${database}.${source} AS s
  GROUP BY ${['time', ...LEVELS[level].keys, 'node'].join(', ')}`;
}

/** Every rollup, each behind its source. */
const ALL = (['hashrate', 'accounts', 'pool'] as const).flatMap((level) =>
  (['1m', '1h', '1d'] as const).map((span) => ({ level, span, table: rollup(level, span) })),
);
export const rollupTables: readonly TableDefinition[] = ALL.map(({ table }) => table);

/** A fill reads all shares: it may use the disk rather than memory. */
const FILL = `SETTINGS max_partitions_per_insert_block = 0, insert_deduplicate = 0,
  max_bytes_before_external_group_by = 268435456, max_threads = 2`;

/** The views that keep the rollups. */
function views(database: string): readonly string[] {
  return ALL.map(({ level, span, table: { name: rollupName, columns } }) => {
    const listed = outputs(level, span, sourceOf(level, span)).map(([name]) => {
      const { type = '', comment = '' } = columns.find((column) => column.name === name) ?? {};
      // A view gives plain values; the table adds them up.
      return viewColumnSql({ name, type: type.replace(/^SimpleAggregateFunction\(\w+, (.*)\)$/, '$1'), comment });
    });
    return `CREATE MATERIALIZED VIEW IF NOT EXISTS ${database}.${rollupName}_view TO ${database}.${rollupName} (
      ${listed.join(',\n      ')}
    ) AS ${rollupSelect(database, level, span)}
    COMMENT ${quoted(`keeps ${rollupName}; read that table`)}`;
  });
}

/**
 * Gives the rollups their columns of schema 4, and adds the further ones. A table without rows gets them as it is. Otherwise
 * each rollup is made anew beside the old one and filled; what the old one has beyond its source (older hours, shares whose
 * rows were removed) is added; and then the two change places. Every statement may be run again: the fill begins with an
 * empty table, and the remainder of a table that is filled already is nothing.
 */
export function rollupsOf4(database: string, empty: boolean): readonly string[] {
  const dropViews = ALL.map(({ table }) => `DROP VIEW IF EXISTS ${database}.${table.name}_view`).reverse();
  const made = ALL.flatMap(({ level, span, table }) => {
    const { name } = table;
    const existed = level === 'hashrate' && span !== '1d';
    if (!existed) {
      const make = [`DROP TABLE IF EXISTS ${database}.${name}`, createTable(database, table)];
      return empty ? make : [...make, fill(database, level, span, name)];
    }
    const next = `${name}_next`;
    const anew = [`DROP TABLE IF EXISTS ${database}.${next}`, createTable(database, table, next)];
    const replace = [`EXCHANGE TABLES ${database}.${name} AND ${database}.${next}`, `DROP TABLE ${database}.${next}`];
    if (empty) return [...anew, ...replace];
    return [...anew, fill(database, level, span, next), remainder(database, name, next), ...replace];
  });
  return [...dropViews, ...made, ...views(database)];
}

function fill(database: string, level: Level, span: Span, into: string): string {
  const names = outputs(level, span, sourceOf(level, span)).map(([name]) => name);
  return `INSERT INTO ${database}.${into} (${names.join(', ')}) ${FILL} ${rollupSelect(database, level, span)}`;
}

/** What `old` has counted and `next` has not: of the columns of schema 3. */
function remainder(database: string, old: string, next: string): string {
  const sums = ['accepted', 'rejected', 'work'];
  const keys = 'time, account, worker';
  const select = (table: string, side: number): string =>
    `SELECT ${keys}, ${sums.join(', ')}, best_difficulty, ${side} AS side FROM ${database}.${table}`;
  const less = (name: string): string =>
    `greatest(toInt128(0), toInt128(sumIf(r.${name}, side = 0)) - toInt128(sumIf(r.${name}, side = 1)))`;
  return `INSERT INTO ${database}.${next} (${keys}, ${sums.join(', ')}, best_difficulty, difficulty_min) ${FILL}
    SELECT ${keys}, ${sums.map((name) => `${less(name)} AS ${name}_left`).join(', ')}, maxIf(best_difficulty, side = 0), inf
    FROM (${select(old, 0)} UNION ALL ${select(next, 1)}) AS r
    GROUP BY ${keys} HAVING accepted_left > 0 OR rejected_left > 0`;
}
