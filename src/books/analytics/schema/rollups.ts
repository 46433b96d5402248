import { verdicts } from '#base/domain/verdict';
import { quoted } from '../warehouse.ts';
import { type ColumnDefinition, createTable, type TableDefinition, viewColumnSql } from './table.ts';

/** The rollups by worker, which are tables of their own. */
const SPANS = {
  '1m': { start: 'toStartOfMinute', partition: 'toYYYYMM(time)', word: 'minute', source: 'shares' },
  '1h': { start: 'toStartOfHour', partition: 'toYear(time)', word: 'hour', source: 'hashrate_1m' },
} as const;
type Span = keyof typeof SPANS;

/** The others, which share one table: a part of a table costs each insert much the same, however small it is. */
const SHARED = [
  { name: 'hashrate_1d', level: 'worker', span: '1d', keys: ['account', 'worker'] },
  { name: 'accounts_1m', level: 'account', span: '1m', keys: ['account'] },
  { name: 'accounts_1h', level: 'account', span: '1h', keys: ['account'] },
  { name: 'accounts_1d', level: 'account', span: '1d', keys: ['account'] },
  { name: 'pool_1m', level: 'pool', span: '1m', keys: [] },
  { name: 'pool_1h', level: 'pool', span: '1h', keys: [] },
  { name: 'pool_1d', level: 'pool', span: '1d', keys: [] },
] as const;
const WORDS = { '1m': 'minute', '1h': 'hour', '1d': 'day' } as const;

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

/** What the rollups had before schema 5, and what came with it. */
const BEFORE: readonly Measure[] = [
  sum('accepted', 'UInt64', 'accepted submissions; sum()', `countIf(${ACCEPTED})`),
  sum('rejected', 'UInt64', 'rejected submissions; sum()', `countIf(NOT (${ACCEPTED}))`),
  sum('work', 'UInt128', 'expected hashes of the accepted shares; sum()', `sumIf(s.work, ${ACCEPTED})`),
  extreme(
    ...(['best_difficulty', 'max', 'Float64', 'greatest share_difficulty of the accepted shares; max()'] as const),
    `maxIf(s.share_difficulty, ${ACCEPTED})`,
  ),
];
const SINCE_5: readonly Measure[] = [
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
    // Faster than sumMap over a map for each share.
    ofShares: `mapFilter((k, v) -> v > 0, map(${verdicts.map((verdict) => `'${verdict}', countIf(s.verdict = '${verdict}')`).join(', ')}))`,
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
const DISTINCT: Measure = {
  name: 'workers',
  type: `AggregateFunction(${WORKERS}, String, String)`,
  comment:
    'distinct workers with a submission, as a state: uniqCombinedMerge(14)(workers); within 2 % above some thousand',
  ofShares: '',
  ofRows: `${WORKERS.replace('(', 'State(')}(s.account, s.worker)`,
};
const MEASURES = [...BEFORE, ...SINCE_5];

const ACCOUNT: ColumnDefinition = {
  name: 'account',
  type: 'String',
  comment: 'payable address; empty if nobody was authorised',
};
const WORKER: ColumnDefinition = { name: 'worker', type: 'String', comment: 'what follows the address' };
const NODE: ColumnDefinition = { name: 'node', type: 'LowCardinality(String)', comment: 'which pool of several' };
const timeOf = (word: string): ColumnDefinition => ({
  name: 'time',
  type: "DateTime('UTC')",
  comment: `start of the ${word}`,
});

const workersBy = (span: Span): TableDefinition => ({
  name: `hashrate_${span}`,
  comment: `what each worker did in each ${SPANS[span].word}: always aggregate, as the columns say`,
  columns: [timeOf(SPANS[span].word), ACCOUNT, WORKER, ...BEFORE, NODE, ...SINCE_5],
  engine: 'AggregatingMergeTree',
  partition: SPANS[span].partition,
  order: '(time, account, worker, node)',
});
const rollups: TableDefinition = {
  name: 'rollups',
  comment: `what ${SHARED.map(({ name }) => name).join(', ')} are read from: read those`,
  columns: [
    { name: 'level', type: 'LowCardinality(String)', comment: 'worker, account or pool: whom the row is about' },
    { name: 'span', type: 'LowCardinality(String)', comment: '1m, 1h or 1d' },
    ...[timeOf('span'), ACCOUNT, WORKER, NODE, ...MEASURES, DISTINCT],
  ],
  engine: 'AggregatingMergeTree',
  partition: 'toYYYYMM(time)',
  order: '(level, span, time, account, worker, node)',
};
export const rollupTables: readonly TableDefinition[] = [workersBy('1m'), workersBy('1h'), rollups];

/** What one table is kept from another with: the columns of a row, and what of its source they are made of. */
interface Keeper {
  readonly table: TableDefinition;
  readonly source: string;
  readonly keys: readonly (readonly [name: string, expression: string])[];
  readonly measures: readonly Measure[];
  readonly join?: string;
}

const keepers: readonly Keeper[] = [
  ...(['1m', '1h'] as const).map((span) => ({
    table: workersBy(span),
    source: SPANS[span].source,
    keys: [
      ['time', `${SPANS[span].start}(s.time)`],
      ...['account', 'worker', 'node'].map((key) => [key, `s.${key}`] as const),
    ] as const,
    measures: MEASURES,
  })),
  {
    table: rollups,
    source: 'hashrate_1m',
    keys: [
      ['level', 'tupleElement(g, 1)'],
      ['span', 'tupleElement(g, 2)'],
      [
        'time',
        "multiIf(tupleElement(g, 2) = '1m', s.time, tupleElement(g, 2) = '1h', toStartOfHour(s.time), toDateTime(toStartOfDay(s.time), 'UTC'))",
      ],
      ['account', "if(tupleElement(g, 1) = 'pool', '', s.account)"],
      ['worker', "if(tupleElement(g, 1) = 'worker', s.worker, '')"],
      ['node', 's.node'],
    ],
    measures: [...MEASURES, DISTINCT],
    join: `ARRAY JOIN [${SHARED.map(({ level, span }) => `('${level}', '${span}')`).join(', ')}] AS g`,
  },
];

/** The columns of a rollup's row, in the order of `rollupSelect`. */
function outputs({ keys, source, measures }: Keeper): readonly (readonly [name: string, expression: string])[] {
  return [...keys, ...measures.map((each) => [each.name, source === 'shares' ? each.ofShares : each.ofRows] as const)];
}

/** The rows of a rollup, from its source. */
function rollupSelect(database: string, keeper: Keeper): string {
  return `SELECT
    ${outputs(keeper)
      .map(([name, expression]) => `${expression} AS ${name}`)
      .join(',\n    ')}
  FROM ${database}.${keeper.source} AS s ${keeper.join ?? ''}
  GROUP BY ${keeper.keys.map(([name]) => name).join(', ')}`;
}

/** A fill reads all shares: it may use the disk rather than memory. */
const FILL = `SETTINGS max_partitions_per_insert_block = 0, insert_deduplicate = 0,
  max_bytes_before_external_group_by = 268435456, max_threads = 2`;

/** The view that keeps a rollup. */
function keeperView(database: string, keeper: Keeper): string {
  const { name: rollup, columns } = keeper.table;
  const listed = outputs(keeper).map(([name]) => {
    const { type = '', comment = '' } = columns.find((column) => column.name === name) ?? {};
    // A view gives plain values; the table adds them up.
    return viewColumnSql({ name, type: type.replace(/^SimpleAggregateFunction\(\w+, (.*)\)$/, '$1'), comment });
  });
  return `CREATE MATERIALIZED VIEW IF NOT EXISTS ${database}.${rollup}_view TO ${database}.${rollup} (
      ${listed.join(',\n      ')}
    ) AS ${rollupSelect(database, keeper)}
    COMMENT ${quoted(`keeps ${rollup}; read that table`)}`;
}

/** `hashrate_1d` and the like: the rows of `rollups` that are about one level and span. */
function sharedView(database: string, { name, level, span, keys }: (typeof SHARED)[number]): string {
  const own: readonly string[] = keys;
  const columns = rollups.columns.filter(
    ({ name: column }) =>
      !['level', 'span', ...(level === 'worker' ? ['workers'] : [])].includes(column) &&
      (own.includes(column) || !['account', 'worker'].includes(column)),
  );
  return `CREATE OR REPLACE VIEW ${database}.${name} (
      ${columns.map((column) => viewColumnSql(column.name === 'time' ? timeOf(WORDS[span]) : column)).join(',\n      ')}
    ) AS SELECT ${columns.map((column) => column.name).join(', ')}
    FROM ${database}.rollups WHERE level = '${level}' AND span = '${span}'
    COMMENT ${quoted(`what each ${level} did in each ${WORDS[span]}: always aggregate, as the columns say`)}`;
}

/**
 * Gives the rollups their columns of schema 5, and adds the further ones. A table without rows gets them as it is. Otherwise
 * each rollup is made anew beside the old one and filled; what the old one has beyond its source (older hours, shares whose
 * rows were removed) is added; and then the two change places. Every statement may be run again: the fill begins with an
 * empty table, and the remainder of a table that is filled already is nothing.
 */
export function rollupsOf5(database: string, empty: boolean): readonly string[] {
  const dropViews = keepers.map(({ table }) => `DROP VIEW IF EXISTS ${database}.${table.name}_view`);
  const made = keepers.flatMap((keeper) => {
    const { name } = keeper.table;
    const next = keeper.table === rollups ? name : `${name}_next`;
    const anew = [`DROP TABLE IF EXISTS ${database}.${next}`, createTable(database, keeper.table, next)];
    const filled = empty ? [] : [fill(database, keeper, next)];
    if (next === name) return [...anew, ...filled];
    const replace = [`EXCHANGE TABLES ${database}.${name} AND ${database}.${next}`, `DROP TABLE ${database}.${next}`];
    return [...anew, ...filled, ...(empty ? [] : [remainder(database, name, next)]), ...replace];
  });
  return [
    ...dropViews,
    ...made,
    ...keepers.map((keeper) => keeperView(database, keeper)),
    ...SHARED.map((shared) => sharedView(database, shared)),
  ];
}

function fill(database: string, keeper: Keeper, into: string): string {
  const names = outputs(keeper).map(([name]) => name);
  return `INSERT INTO ${database}.${into} (${names.join(', ')}) ${FILL} ${rollupSelect(database, keeper)}`;
}

/** What `old` has counted and `next` has not: of the columns before schema 5. */
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
