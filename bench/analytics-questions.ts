/** A question that analysts ask, and what it reads. */
export interface Question {
  readonly label: string;
  readonly reads: 'rollups' | 'rows';
  readonly sql: string;
}

/** Twelve of them, about all that is there. Sums over a view's columns have every column worked out. */
export const questions: readonly Question[] = [
  {
    label: 'hash rate of the pool, by hour',
    reads: 'rollups',
    sql: 'SELECT time, sum(work) / 3600 AS hashes_per_second FROM pool_1h GROUP BY time ORDER BY time',
  },
  {
    label: 'hash rate of each worker in the last hour, with intervals',
    reads: 'rollups',
    sql: 'SELECT * FROM hashrate WHERE time = (SELECT max(time) FROM hashrate_1h) ORDER BY hashes_per_second DESC',
  },
  { label: 'which workers work now', reads: 'rollups', sql: 'SELECT * FROM worker_status ORDER BY last_share DESC' },
  {
    label: 'the ten largest accounts of each day',
    reads: 'rollups',
    sql: `SELECT time, account, sum(work) AS w, sum(rejected) / (sum(accepted) + sum(rejected)), uniqCombinedMerge(14)(workers)
      FROM accounts_1d GROUP BY time, account ORDER BY time, w DESC LIMIT 10 BY time`,
  },
  {
    label: 'reasons of rejection, by day',
    reads: 'rollups',
    sql: 'SELECT time, sumMap(verdicts), sum(rejected_work) FROM pool_1d GROUP BY time ORDER BY time',
  },
  { label: 'luck of each day', reads: 'rollups', sql: 'SELECT * FROM luck ORDER BY day' },
  { label: 'effort of each round', reads: 'rollups', sql: 'SELECT * FROM effort ORDER BY ended' },
  { label: 'latency, by hour', reads: 'rollups', sql: 'SELECT * FROM latency ORDER BY time' },
  {
    label: 'firmware of each day',
    reads: 'rows',
    sql: 'SELECT * FROM top_agents ORDER BY day, hashes_per_second DESC',
  },
  {
    label: 'stale shares by the age of the job',
    reads: 'rows',
    sql: 'SELECT * FROM stale_by_job_age ORDER BY day, age_from_s',
  },
  {
    label: 'best share of each worker, and when',
    reads: 'rows',
    sql: `SELECT account, worker, max(share_difficulty), argMax(time, share_difficulty) FROM shares WHERE verdict = 'accepted'
      GROUP BY account, worker`,
  },
  {
    label: 'exact latency of one account',
    reads: 'rows',
    sql: `SELECT quantilesExact(0.5, 0.99)(latency_us) FROM shares WHERE account = (SELECT min(account) FROM accounts_1d)`,
  },
];
