import {
  ACCOUNT,
  DAY,
  HASHES_PER_DIFFICULTY,
  HOUR,
  NODE,
  poissonHigh,
  poissonLow,
  shown,
  type ViewDefinition,
  WORKER,
} from './view.ts';

const TIME = "DateTime64(3, 'UTC')";
/** A worker that sent nothing for so long is offline. */
const OFFLINE_SECONDS = 600;
/** How many equal shares say as much about the rate as these of several difficulties. */
const EQUAL = 'if(work_squares > 0, work * work / work_squares, 0)';

const hashrate: ViewDefinition = {
  name: 'hashrate',
  comment: 'hash rate of each worker in each hour, with a 95 % interval from the number of its shares',
  columns: [
    ...[HOUR, NODE, ACCOUNT, WORKER],
    shown('seconds', 'UInt32', 'of the hour that have passed: 3600, but for the current hour'),
    shown('accepted', 'UInt64', 'accepted shares'),
    shown('hashes_per_second', 'Float64', 'work of the accepted shares / seconds, H/s'),
    shown('low', 'Float64', 'lower end of the 95 % interval, H/s'),
    shown('high', 'Float64', 'upper end of the 95 % interval, H/s'),
  ],
  values: {
    hashes_per_second: 'work / seconds',
    low: `if(n = 0, 0, ${poissonLow('n')} * work / n / seconds)`,
    high: `${poissonHigh('n')} * if(n = 0, difficulty * ${HASHES_PER_DIFFICULTY}, work / n) / seconds`,
  },
  from: (database) => `(
    SELECT r.time AS time, r.node AS node, r.account AS account, r.worker AS worker, sum(r.accepted) AS accepted,
      toFloat64(sum(r.work)) AS work, sum(r.work_squares) AS work_squares, max(r.difficulty_max) AS difficulty,
      toUInt32(greatest(1, least(3600, toInt64(toUnixTimestamp(now())) - toUnixTimestamp(r.time)))) AS seconds, ${EQUAL} AS n
    FROM ${database}.hashrate_1h AS r GROUP BY time, node, account, worker
  )`,
};

const workerStatus: ViewDefinition = {
  name: 'worker_status',
  comment: 'each worker now: whether it works, and at what rate over the last 10 minutes, hour and day',
  columns: [
    ...[NODE, ACCOUNT, WORKER],
    shown(
      'status',
      'LowCardinality(String)',
      `online: an accepted share in the last ${OFFLINE_SECONDS / 60} minutes; or offline`,
    ),
    shown('last_share', TIME, 'when the last accepted share arrived'),
    shown('first_day', 'Date', 'of its first submission'),
    shown('hashes_per_second_10m', 'Float64', 'over the last 10 minutes and what has passed of this one, H/s'),
    shown('hashes_per_second_1h', 'Float64', 'over the last 60 minutes and what has passed of this one, H/s'),
    shown('hashes_per_second_1d', 'Float64', 'over the last 1,440 minutes and what has passed of this one, H/s'),
    shown('accepted_1d', 'UInt64', 'accepted shares in that day'),
    shown('rejected_1d', 'UInt64', 'rejected submissions in that day'),
    shown('best_difficulty', 'Float64', 'greatest share_difficulty ever'),
  ],
  values: {
    node: 'd.node',
    account: 'd.account',
    worker: 'd.worker',
    status: `if(d.last > now() - ${OFFLINE_SECONDS}, 'online', 'offline')`,
    last_share: 'd.last',
    first_day: 'd.first',
    hashes_per_second_10m: 'm.rate_10m',
    hashes_per_second_1h: 'm.rate_1h',
    hashes_per_second_1d: 'm.rate_1d',
    accepted_1d: 'm.accepted',
    rejected_1d: 'm.rejected',
    best_difficulty: 'd.best',
  },
  from: (database) => {
    const since = (minutes: number): string => `toStartOfMinute(now()) - ${minutes * 60}`;
    const rate = (minutes: number): string =>
      `toFloat64(sumIf(r.work, r.time >= ${since(minutes)})) / (${minutes * 60} + toSecond(now()))`;
    return `(
      SELECT r.node AS node, r.account AS account, r.worker AS worker, max(r.last_share) AS last, toDate(min(r.time)) AS first,
        max(r.best_difficulty) AS best
      FROM ${database}.hashrate_1d AS r GROUP BY node, account, worker
    ) AS d LEFT JOIN (
      SELECT r.node AS node, r.account AS account, r.worker AS worker, ${rate(10)} AS rate_10m, ${rate(60)} AS rate_1h,
        ${rate(1440)} AS rate_1d, sum(r.accepted) AS accepted, sum(r.rejected) AS rejected
      FROM ${database}.hashrate_1m AS r WHERE r.time >= ${since(1440)} GROUP BY node, account, worker
    ) AS m USING (node, account, worker)`;
  },
};

const rejectReasons: ViewDefinition = {
  name: 'reject_reasons',
  comment: 'rejected submissions of each worker in each hour, by reason',
  columns: [
    ...[HOUR, NODE, ACCOUNT, WORKER],
    shown('verdict', 'String', 'the reason code'),
    shown('shares', 'UInt64', 'submissions rejected for it'),
    shown('submissions', 'UInt64', 'all submissions of that worker and hour'),
    shown('percent', 'Float64', 'shares in a hundred submissions'),
  ],
  values: {
    verdict: 'reason.1',
    shares: 'reason.2',
    percent: '100 * reason.2 / submissions',
  },
  from: (database) => `(
    SELECT r.time AS time, r.node AS node, r.account AS account, r.worker AS worker, sum(r.accepted) + sum(r.rejected) AS submissions,
      sumMap(r.verdicts) AS verdicts
    FROM ${database}.hashrate_1h AS r GROUP BY time, node, account, worker
  ) ARRAY JOIN arrayZip(mapKeys(verdicts), mapValues(verdicts)) AS reason WHERE reason.1 != 'accepted'`,
};

const vardiffQuality: ViewDefinition = {
  name: 'vardiff_quality',
  comment: 'how well the difficulty of each worker fits its hash rate, by hour',
  columns: [
    ...[HOUR, NODE, ACCOUNT, WORKER],
    shown('accepted', 'UInt64', 'accepted shares'),
    shown('shares_per_minute', 'Float64', 'accepted; stratum.difficulty.shares-per-minute is the aim'),
    shown('difficulty_min', 'Float64', 'least difficulty that was answered'),
    shown('difficulty_max', 'Float64', 'greatest difficulty that was answered'),
    shown('difficulty_ratio', 'Float64', 'greatest / least: 1 if nothing changed'),
    shown(
      'relative_error',
      'Float64',
      "standard error of the hour's hash rate, as a part of it: 1 / sqrt(equal shares)",
    ),
  ],
  values: {
    shares_per_minute: '60 * accepted / seconds',
    difficulty_min: 'least_difficulty',
    difficulty_max: 'greatest_difficulty',
    difficulty_ratio: 'greatest_difficulty / least_difficulty',
    relative_error: 'if(n > 0, 1 / sqrt(n), inf)',
  },
  from: (database) => `(
    SELECT r.time AS time, r.node AS node, r.account AS account, r.worker AS worker, sum(r.accepted) AS accepted,
      toFloat64(sum(r.work)) AS work, sum(r.work_squares) AS work_squares, min(r.difficulty_min) AS least_difficulty,
      max(r.difficulty_max) AS greatest_difficulty, ${EQUAL} AS n,
      greatest(1, least(3600, toInt64(toUnixTimestamp(now())) - toUnixTimestamp(r.time))) AS seconds
    FROM ${database}.hashrate_1h AS r GROUP BY time, node, account, worker
  ) WHERE greatest_difficulty > 0`,
};

const topAgents: ViewDefinition = {
  name: 'top_agents',
  comment: 'what firmware mines here, by day',
  columns: [
    ...[DAY, NODE],
    shown('user_agent', 'LowCardinality(String)', 'from mining.subscribe'),
    shown('workers', 'UInt64', 'distinct workers'),
    shown('hashes_per_second', 'Float64', 'work of the accepted shares / seconds of the day that have passed, H/s'),
    shown('submissions', 'UInt64', 'accepted or not'),
    shown('rejected_percent', 'Float64', 'rejected in a hundred submissions'),
    shown('stale_percent', 'Float64', 'stale in a hundred submissions'),
  ],
  values: {
    user_agent: 'agent',
    workers: 'agent_workers',
    hashes_per_second:
      "work / greatest(1, least(86400, toInt64(toUnixTimestamp(now())) - toUnixTimestamp(toDateTime(day, 'UTC'))))",
    rejected_percent: '100 * rejected / submissions',
    stale_percent: '100 * stale / submissions',
  },
  from: (database) => `(
    SELECT day, node, agent, uniqExact(account, worker) AS agent_workers, sum(n) AS submissions, sum(w) AS work, sum(bad) AS rejected,
      sum(late) AS stale
    FROM (
      SELECT toDate(s.time) AS day, s.node AS node, s.user_agent AS agent, s.account AS account, s.worker AS worker, count() AS n,
        toFloat64(sumIf(s.work, s.verdict = 'accepted')) AS w, countIf(s.verdict != 'accepted') AS bad,
        countIf(s.verdict = 'stale') AS late
      FROM ${database}.shares AS s GROUP BY day, node, agent, account, worker
    ) GROUP BY day, node, agent
  )`,
};

const sessionsSeen: ViewDefinition = {
  name: 'sessions_seen',
  comment: 'each connection as its shares show it; one that sent none is not here. Give a day',
  columns: [
    ...[DAY, NODE],
    shown('session', 'UInt64', 'as in shares; unique together with node'),
    shown('first_share', TIME, 'when its first submission of the day arrived'),
    shown('last_share', TIME, 'when its last submission of the day arrived'),
    shown('account', 'String', 'payable address of one of its workers'),
    shown('workers', 'UInt64', 'distinct workers that sent a share'),
    shown('remote_ip', 'String', 'address of the client, as text'),
    shown('user_agent', 'String', 'from mining.subscribe'),
    shown('accepted', 'UInt64', 'accepted shares'),
    shown('rejected', 'UInt64', 'rejected submissions'),
    shown('difficulties', 'UInt64', 'distinct difficulties that it answered: 1 if vardiff changed nothing'),
  ],
  values: {},
  from: (database) => `(
    SELECT toDate(s.time) AS day, s.node AS node, s.session AS session, min(s.time) AS first_share, max(s.time) AS last_share,
      any(s.account) AS account, uniqExact(s.account, s.worker) AS workers, any(s.remote_ip) AS remote_ip,
      any(s.user_agent) AS user_agent, countIf(s.verdict = 'accepted') AS accepted, countIf(s.verdict != 'accepted') AS rejected,
      uniqExactIf(s.difficulty, s.difficulty > 0) AS difficulties
    FROM ${database}.shares AS s GROUP BY day, node, session
  )`,
};

/** What each miner does. */
export const minerViews: readonly ViewDefinition[] = [
  hashrate,
  workerStatus,
  rejectReasons,
  vardiffQuality,
  topAgents,
  sessionsSeen,
];
