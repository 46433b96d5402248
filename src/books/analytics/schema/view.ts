import { quoted } from '../warehouse.ts';
import { type ColumnDefinition, viewColumnSql } from './table.ts';

/** A view to start from. */
export interface ViewDefinition {
  readonly name: string;
  readonly comment: string;
  readonly columns: readonly ColumnDefinition[];
  /** What of `from` the columns are, where that has another name. */
  readonly values: Readonly<Record<string, string>>;
  /** What follows FROM. */
  readonly from: (database: string) => string;
}

/** A column of a view: units stand in the name or in the comment. */
export const shown = (name: string, type: string, comment: string): ColumnDefinition => ({ name, type, comment });

export const NODE = shown('node', 'LowCardinality(String)', 'which pool of several');
export const ACCOUNT = shown('account', 'String', 'payable address');
export const WORKER = shown('worker', 'String', 'what follows the address');
export const HOUR = shown('time', "DateTime('UTC')", 'start of the hour');
export const DAY = shown('day', 'Date', 'in UTC');

/** Expected hashes of a share of difficulty 1. */
export const HASHES_PER_DIFFICULTY = '4294967296';
/** Standard deviations to either side that hold 95 % of a normal distribution. */
const Z = 1.96;

export function createView(database: string, { name, comment, columns, values, from }: ViewDefinition): string {
  const selected = columns.map((column) => `${values[column.name] ?? column.name} AS ${column.name}`);
  return `CREATE OR REPLACE VIEW ${database}.${name} (
    ${columns.map(viewColumnSql).join(',\n    ')}
  ) AS SELECT ${selected.join(',\n    ')}
  FROM ${from(database)}
  COMMENT ${quoted(comment)}`;
}

/**
 * Bounds of a 95 % interval for the mean of a Poisson variable of which `n` were counted; `n` may have a fraction. Wilson and
 * Hilferty's approximation of the chi-squared quantiles: within 1 % of the exact (Garwood's) bounds from n = 3 on.
 */
export function poissonLow(n: string): string {
  return `if(${n} < 1, 0, ${n} * pow(1 - 1 / (9 * ${n}) - ${Z} / (3 * sqrt(${n})), 3))`;
}
export function poissonHigh(n: string): string {
  return `(${n} + 1) * pow(1 - 1 / (9 * (${n} + 1)) + ${Z} / (3 * sqrt(${n} + 1)), 3)`;
}

/** The probability that a Poisson variable of this mean is `count` or less; above a count of 1,000 by the normal distribution. */
export function poissonAtMost(count: string, mean: string): string {
  const term = `exp(i * log(${mean} + 1e-300) - ${mean} - lgamma(i + 1))`;
  return `multiIf(${count} < 0, 0, ${count} > 1000, erfc((${mean} - ${count} - 0.5) / sqrt(2 * ${mean} + 1e-300)) / 2,
    least(1, arraySum(i -> ${term}, range(toUInt32(greatest(${count}, 0)) + 1))))`;
}

/** What each hour's network difficulty was, by node: that of its first job. */
export function networkHours(database: string): string {
  return `SELECT node, toStartOfHour(time) AS hour, argMin(network_difficulty, time) AS network_difficulty
    FROM ${database}.jobs GROUP BY node, hour`;
}
