import {
  ACCOUNT,
  DAY,
  HASHES_PER_DIFFICULTY,
  HOUR,
  NODE,
  networkHours,
  poissonAtMost,
  shown,
  type ViewDefinition,
} from './view.ts';

const TIME = "DateTime64(3, 'UTC')";
/** A block that counts as found, whatever the chain made of it. */
const FOUND = "status IN ('accepted', 'mature', 'orphaned')";

/** Work of a rollup's hours in expected blocks; `keys` are columns of it beside node and time. */
function expectedBlocks(database: string, table: string, keys: readonly string[]): string {
  const columns = ['node', 'time', ...keys].map((key) => `r.${key} AS ${key}`).join(', ');
  return `SELECT h.node AS node, h.time AS time, ${keys.map((key) => `h.${key} AS ${key}, `).join('')}h.work AS work,
      h.work / (n.network_difficulty * ${HASHES_PER_DIFFICULTY}) AS expected
    FROM (SELECT ${columns}, toFloat64(sum(r.work)) AS work FROM ${database}.${table} AS r GROUP BY ${['node', 'time', ...keys].join(', ')}) AS h
    ASOF JOIN (${networkHours(database)}) AS n ON h.node = n.node AND h.time >= n.hour`;
}

const luck: ViewDefinition = {
  name: 'luck',
  comment: 'blocks found on each day beside those to be expected of its work, and how probable that is',
  columns: [
    ...[DAY, NODE],
    shown('expected', 'Float64', 'blocks to be expected of the accepted work'),
    shown('found', 'UInt64', 'blocks found, orphaned ones too'),
    shown('luck_percent', 'Float64', '100 * found / expected'),
    shown('probability_at_most', 'Float64', 'that a day with this work finds so many or fewer'),
    shown('probability_at_least', 'Float64', 'that a day with this work finds so many or more'),
  ],
  values: {
    luck_percent: '100 * found / expected',
    probability_at_most: poissonAtMost('toInt64(found)', 'expected'),
    probability_at_least: `1 - ${poissonAtMost('toInt64(found) - 1', 'expected')}`,
  },
  from: (database) => `(
    SELECT w.day AS day, w.node AS node, w.expected AS expected, b.found AS found
    FROM (
      SELECT toDate(e.time) AS day, e.node AS node, sum(e.expected) AS expected
      FROM (${expectedBlocks(database, 'pool_1h', [])}) AS e GROUP BY day, node
    ) AS w LEFT JOIN (
      SELECT toDate(time) AS day, node, count() AS found FROM ${database}.blocks FINAL WHERE ${FOUND} GROUP BY day, node
    ) AS b USING (day, node)
  )`,
};

const effort: ViewDefinition = {
  name: 'effort',
  comment: 'each round from one block of the pool to the next, and the one that is open; within a minute at its ends',
  columns: [
    shown('ended', TIME, 'when its block was found; now for the open one'),
    NODE,
    shown('height', 'UInt32', 'of the block; 0 for the open round'),
    shown('hash', 'String', 'of the block; empty for the open round'),
    shown('status', 'String', 'of the block; open'),
    shown('effort_percent', 'Float64', 'work of the round in a hundred of what a block takes on average'),
    shown('probability', 'Float64', 'that a round takes so much work or less'),
  ],
  values: {
    effort_percent: '100 * effort',
    probability: '1 - exp(-effort)',
  },
  from: (database) => `(
    SELECT r.ended AS ended, r.node AS node, r.height AS height, r.hash AS hash, r.status AS status,
      c.before + c.expected * least(1, dateDiff('millisecond', toDateTime64(c.time, 3, 'UTC'), r.ended) / 60000) AS until,
      greatest(0, until - lagInFrame(until, 1, 0.) OVER (PARTITION BY r.node ORDER BY r.ended ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)) AS effort
    FROM (
      SELECT time AS ended, node, height, hash, toString(status) AS status FROM ${database}.blocks FINAL WHERE ${FOUND}
      UNION ALL
      SELECT now64(3, 'UTC') AS ended, node, 0, '', 'open' FROM ${database}.pool_1d GROUP BY node
    ) AS r ASOF JOIN (
      SELECT e.node AS node, e.time AS time, e.expected AS expected,
        sum(e.expected) OVER (PARTITION BY e.node ORDER BY e.time) - e.expected AS before
      FROM (${expectedBlocks(database, 'pool_1m', [])}) AS e
    ) AS c ON r.node = c.node AND r.ended >= c.time
  )`,
};

const latency: ViewDefinition = {
  name: 'latency',
  comment: "from a submission's arrival to its verdict, by hour; not the network's part",
  columns: [
    ...[HOUR, NODE],
    shown('submissions', 'UInt64', 'accepted or not'),
    shown('p50_us', 'Float64', 'half of the submissions took no longer, µs'),
    shown('p90_us', 'Float64', 'nine of ten took no longer, µs'),
    shown('p99_us', 'Float64', '99 of a hundred took no longer, µs'),
  ],
  values: {
    p50_us: 'quantiles[1]',
    p90_us: 'quantiles[2]',
    p99_us: 'quantiles[3]',
  },
  from: (database) => `(
    SELECT r.time AS time, r.node AS node, sum(r.accepted) + sum(r.rejected) AS submissions,
      quantilesTDigestMerge(0.5, 0.9, 0.99)(r.latency) AS quantiles
    FROM ${database}.pool_1h AS r GROUP BY time, node
  )`,
};

/** Classes of age, each twice as wide as the one before. A job's id is of one pool alone, so `node` need not be compared. */
const staleByJobAge: ViewDefinition = {
  name: 'stale_by_job_age',
  comment: 'how old the jobs were that were answered, by day: shares that come late for old jobs are stale',
  columns: [
    ...[DAY, NODE],
    shown('age_from_s', 'UInt32', "least age of the class: seconds from the job's making to the share's arrival"),
    shown('age_to_s', 'UInt32', 'the class ends before this age, seconds'),
    shown('submissions', 'UInt64', 'accepted or not, for jobs of that age'),
    shown('stale', 'UInt64', 'of these, stale ones'),
    shown('stale_percent', 'Float64', 'stale in a hundred of them'),
  ],
  values: {
    age_from_s: 'if(class = 0, 0, toUInt32(exp2(class - 1)))',
    age_to_s: 'toUInt32(exp2(class))',
    submissions: 'n',
    stale: 'late',
    stale_percent: '100 * late / n',
  },
  from: (database) => `(
    SELECT toDate(s.time) AS day, s.node AS node, count() AS n, countIf(s.verdict = 'stale') AS late,
      toUInt8(greatest(0, 1 + floor(log2(greatest(0.5, (toUnixTimestamp64Milli(s.time) - j.made_ms) / 1000))))) AS class
    FROM ${database}.shares AS s SEMI LEFT JOIN (
      SELECT job_id, toUnixTimestamp64Milli(time) AS made_ms FROM ${database}.jobs
    ) AS j ON s.job_id = j.job_id
    GROUP BY day, node, class
  )`,
};

const templateHealth: ViewDefinition = {
  name: 'template_health',
  comment: 'the work that the pool gave out, by hour',
  columns: [
    ...[HOUR, NODE],
    shown('jobs', 'UInt64', 'made in the hour'),
    shown('clean_jobs', 'UInt64', 'of these, for a new tip'),
    shown('empty_jobs', 'UInt64', 'of these, without a transaction'),
    shown('gap_max_s', 'Float64', 'longest time without a new job before one of these, s'),
    shown('transactions_avg', 'Float64', 'beside the coinbase'),
    shown('reward_sats_avg', 'Float64', 'of a block, satoshis'),
    shown('fees_sats_avg', 'Float64', 'of these, fees; 0 if templates has none of the hour'),
    shown('fetch_ms_p50', 'Float64', 'ms from asking the node to having the template, median'),
    shown('fetch_ms_max', 'Float64', 'the same, longest'),
    shown('announce_ms_p50', 'Float64', 'ms from having a template to the last notify, median'),
    shown('announce_ms_max', 'Float64', 'the same, longest'),
  ],
  values: {
    time: 'j.time',
    node: 'j.node',
    jobs: 'j.jobs',
    clean_jobs: 'j.clean_jobs',
    empty_jobs: 'j.empty_jobs',
    gap_max_s: 'j.gap',
    transactions_avg: 'j.transactions',
    reward_sats_avg: 'j.reward',
    fees_sats_avg: 't.fees',
    fetch_ms_p50: 't.fetch',
    fetch_ms_max: 't.fetch_max',
    announce_ms_p50: 't.announce',
    announce_ms_max: 't.announce_max',
  },
  from: (database) => `(
    SELECT toStartOfHour(made) AS time, node, count() AS jobs, countIf(is_clean) AS clean_jobs, countIf(others = 0) AS empty_jobs,
      max(gap_s) AS gap, avg(others) AS transactions, avg(sats) AS reward
    FROM (
      SELECT time AS made, node, clean AS is_clean, transactions AS others, reward_sats AS sats,
        dateDiff('millisecond', lagInFrame(time, 1, time) OVER (PARTITION BY node ORDER BY time ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), time) / 1000 AS gap_s
      FROM ${database}.jobs
    ) GROUP BY time, node
  ) AS j LEFT JOIN (
    SELECT toStartOfHour(r.time) AS time, r.node AS node, avg(r.fees_sats) AS fees, quantileExact(r.fetch_ms) AS fetch,
      max(r.fetch_ms) AS fetch_max, quantileExact(r.announce_ms) AS announce, max(r.announce_ms) AS announce_max
    FROM ${database}.templates AS r GROUP BY time, node
  ) AS t USING (time, node)`,
};

const earnings: ViewDefinition = {
  name: 'earnings_per_th_day',
  comment: 'what a terahash per second earned in a day, credited and expected',
  columns: [
    ...[DAY, NODE],
    shown('terahashes_per_second', 'Float64', "the pool's accepted work / 86,400 s, TH/s"),
    shown('credited_sats', 'UInt64', 'credited for the blocks found on the day, but orphaned ones'),
    shown('sats_per_th_day', 'Float64', 'credited_sats / terahashes_per_second: swings with luck'),
    shown('expected_sats_per_th_day', 'Float64', "of the day's rewards and network difficulty, before fees"),
  ],
  values: {
    day: 'w.day',
    node: 'w.node',
    terahashes_per_second: 'w.rate',
    credited_sats: 'c.sats',
    sats_per_th_day: 'c.sats / w.rate',
    expected_sats_per_th_day: `86400 * 1e12 / ${HASHES_PER_DIFFICULTY} * j.reward_of_difficulty`,
  },
  from: (database) => `(
    SELECT toDate(r.time) AS day, r.node AS node, toFloat64(sum(r.work)) / 86400 / 1e12 AS rate
    FROM ${database}.pool_1d AS r GROUP BY day, node
  ) AS w LEFT JOIN (
    SELECT toDate(time) AS day, node, sum(sats) AS sats FROM ${database}.credits FINAL WHERE status != 'orphaned' GROUP BY day, node
  ) AS c USING (day, node) LEFT JOIN (
    SELECT toDate(time) AS day, node, avg(reward_sats / network_difficulty) AS reward_of_difficulty FROM ${database}.jobs GROUP BY day, node
  ) AS j USING (day, node)`,
};

/** How much of its blocks a withholder would hand in; an honest miner hands in all. */
const RATES = [0, 0.1, 0.25, 0.5] as const;
const SUSPECT_RATIO = 1000;

/**
 * How many times more probable `found` blocks are if only a part of them was handed in, with each of `RATES` equally probable,
 * than if all were. It is a martingale of an honest miner, so that it ever reaches 1,000 has a probability of at most 1 in 1,000
 * (Ville's inequality), however often it is looked at.
 */
export function withholdingRatio(found: string, expected: string): string {
  const terms = RATES.map((rate) => {
    const exponent =
      rate === 0 ? `if(${found} = 0, ${expected}, -inf)` : `${found} * log(${rate}) + ${1 - rate} * ${expected}`;
    // Within what a Float64 holds.
    return `exp(least(700, ${exponent}))`;
  });
  return `(${terms.join(' + ')}) / ${RATES.length}`;
}

const withholding: ViewDefinition = {
  name: 'withholding_suspects',
  comment: 'accounts beside the blocks to be expected of their work: who finds far too few may keep them back',
  columns: [
    ...[NODE, ACCOUNT],
    shown('expected', 'Float64', 'blocks to be expected of all accepted work'),
    shown('found', 'UInt64', 'blocks handed in, whatever became of them'),
    shown('probability_at_most', 'Float64', 'that an honest miner finds so many or fewer'),
    shown('likelihood_ratio', 'Float64', 'how many times more probable this is of a miner that keeps blocks back'),
    shown(
      'suspect',
      'Bool',
      `the ratio is ${SUSPECT_RATIO} or more: an honest miner ever gets there with 1 in ${SUSPECT_RATIO}`,
    ),
  ],
  values: {
    probability_at_most: poissonAtMost('toInt64(found)', 'expected'),
    likelihood_ratio: withholdingRatio('found', 'expected'),
    suspect: `toBool(likelihood_ratio >= ${SUSPECT_RATIO})`,
  },
  from: (database) => `(
    SELECT w.node AS node, w.account AS account, w.expected AS expected, b.found AS found
    FROM (
      SELECT e.node AS node, e.account AS account, sum(e.expected) AS expected
      FROM (${expectedBlocks(database, 'accounts_1h', ['account'])}) AS e GROUP BY node, account
    ) AS w LEFT JOIN (
      SELECT node, account, count() AS found FROM ${database}.blocks FINAL GROUP BY node, account
    ) AS b USING (node, account)
  )`,
};

/** What the pool as a whole does, and what it has to do with the chain. */
export const poolViews: readonly ViewDefinition[] = [
  ...[luck, effort, latency, staleByJobAge, templateHealth, earnings, withholding],
];
