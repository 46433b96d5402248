import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withholdingRatio } from '#books/analytics/schema/pool-views';
import { views } from '#books/analytics/schema/views';
import { dataFolder } from '../../shares/sharelog/fixtures.ts';
import { onEngine } from './engine.ts';
import { openRig, type Rig, textOf } from './support.ts';

/** One hour of two workers at a network difficulty of 1,000, with three jobs and two blocks. */
const HOUR_MS = Date.UTC(2026, 0, 5, 10);
const NETWORK = 1000;
const HASHES = 2 ** 32;
interface Row {
  readonly ms: number;
  readonly account: string;
  readonly worker: string;
  readonly agent: string;
  readonly difficulty: number;
  readonly verdict: string;
  readonly latencyUs: number;
}
const jobs = [
  { id: 'j1', ms: HOUR_MS, transactions: 2000, clean: true, reward: 5_000_000_000 },
  { id: 'j2', ms: HOUR_MS + 600_000, transactions: 1000, clean: false, reward: 5_100_000_000 },
  { id: 'j3', ms: HOUR_MS + 1_800_000, transactions: 0, clean: false, reward: 4_900_000_000 },
];
const x = { account: 'a', worker: 'x', agent: 'one/1.0', difficulty: 10 };
const y = { account: 'b', worker: 'y', agent: 'two/2.0' };
const rows: readonly Row[] = [
  ...Array.from({ length: 100 }, (_, i) => ({
    ...{ ...x, ms: HOUR_MS + 500 + i * 36_000, verdict: 'accepted', latencyUs: 100 + i },
  })),
  ...[1, 2, 3, 4].map((i) => ({ ...x, ms: HOUR_MS + 600_000 + i, verdict: 'stale', latencyUs: 50 })),
  { ...x, ms: HOUR_MS + 2_000_000, verdict: 'duplicate', latencyUs: 50 },
  ...[10, 10, 10, 10, 40].map((difficulty, i) => ({
    ...{ ...y, difficulty, ms: HOUR_MS + 3_300_000 + i, verdict: 'accepted', latencyUs: 1000 },
  })),
];
/** A late share is for the job before. */
const jobOf = ({ ms, verdict }: Row): string =>
  jobs.findLast((job) => job.ms <= ms - (verdict === 'stale' ? 10_000 : 0))?.id ?? '';
const blocks = [
  { hash: 'aa', ms: HOUR_MS + 1_200_000, account: 'a', status: 'mature' },
  { hash: 'bb', ms: HOUR_MS + 3_000_000, account: 'b', status: 'orphaned' },
];

const at = (ms: number): string => `fromUnixTimestamp64Milli(toInt64(${ms}), 'UTC')`;
const values = (lines: readonly string[]): string => lines.map((line) => `(${line})`).join(', ');
const DATA = [
  `INSERT INTO sluice.jobs (job_id, time, node, network_difficulty, transactions, clean, reward_sats) VALUES ${values(
    jobs.map((job) => `'${job.id}', ${at(job.ms)}, 'p', ${NETWORK}, ${job.transactions}, ${job.clean}, ${job.reward}`),
  )}`,
  // In two inserts: every figure is put together from parts.
  ...[rows.slice(0, 50), rows.slice(50)].map(
    (some) =>
      `INSERT INTO sluice.shares (time, node, account, worker, user_agent, job_id, difficulty, work, verdict, latency_us) VALUES ${values(
        some.map(
          (row) =>
            `${at(row.ms)}, 'p', '${row.account}', '${row.worker}', '${row.agent}', '${jobOf(row)}', ${row.difficulty},
             ${row.difficulty * HASHES}, '${row.verdict}', ${row.latencyUs}`,
        ),
      )}`,
  ),
  `INSERT INTO sluice.blocks (hash, time, node, height, account, status, revision) VALUES ${values(
    blocks.flatMap(({ hash, ms, account, status }) => [
      `'${hash}', ${at(ms)}, 'p', 7, '${account}', 'unknown', 1`,
      `'${hash}', ${at(ms)}, 'p', 7, '${account}', '${status}', 2`,
    ]),
  )}`,
  // A block's credits come again when its status changes.
  `INSERT INTO sluice.credits (time, node, hash, height, status, account, sats, revision) VALUES ${values([
    `${at(HOUR_MS)}, 'p', 'aa', 7, 'found', 'a', 3000000000, 1`,
    `${at(HOUR_MS)}, 'p', 'aa', 7, 'mature', 'a', 3000000000, 2`,
    `${at(HOUR_MS)}, 'p', 'aa', 7, 'mature', 'b', 1000000000, 2`,
    `${at(HOUR_MS)}, 'p', 'bb', 7, 'orphaned', 'a', 500, 1`,
  ])}`,
  `INSERT INTO sluice.templates (time, node, job_id, fees_sats, fetch_ms, announce_ms) VALUES ${values([
    `${at(HOUR_MS)}, 'p', 'j1', 100, 10, 1`,
    `${at(HOUR_MS + 600_000)}, 'p', 'j2', 200, 30, 5`,
    `${at(HOUR_MS + 1_800_000)}, 'p', 'j3', 0, 20, 3`,
  ])}`,
];

let folder: ReturnType<typeof dataFolder>;
let rig: Rig;
beforeAll(async () => {
  folder = dataFolder();
  await onEngine(folder.path, ['migrate', ...DATA]);
  rig = await openRig(folder.path);
}, 120_000);
afterAll(async () => {
  await rig.close();
  await folder.remove();
});

type Values = Readonly<Record<string, number | string | boolean>>;
/** The rows of a query, each by column. */
async function read(sql: string): Promise<Values[]> {
  const lines = await textOf(rig.analytics.query(sql, 'JSONEachRow'));
  return lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Values);
}
const close = (value: number): unknown =>
  expect.closeTo(value, Math.max(0, 6 - Math.ceil(Math.log10(Math.abs(value) + 1))));
/** A table of Markdown, as the formatter leaves it. */
function tableOf(lines: readonly (readonly string[])[]): string[] {
  const all = [['column', 'type', ''], ...lines];
  const widths = [0, 1, 2].map((at) => Math.max(...all.map((line) => line[at]?.length ?? 0)));
  const [head = '', ...body] = all.map(
    (line) => `| ${line.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`,
  );
  return [head, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...body];
}
/** The Poisson distribution, added up term by term. */
function poissonAtMost(count: number, mean: number): number {
  let term = Math.exp(-mean);
  let sum = 0;
  for (let i = 0; i <= count; i += 1) {
    sum += term;
    term *= mean / (i + 1);
  }
  return count < 0 ? 0 : sum;
}
const expectedBlocks = 1080 / NETWORK;

describe('the views', () => {
  it('give each worker’s hash rate with its interval', async () => {
    const [ofX, ofY] = await read('SELECT * FROM hashrate ORDER BY account');
    expect(ofX).toMatchObject({ time: '2026-01-05 10:00:00', node: 'p', worker: 'x', seconds: 3600, accepted: 100 });
    const perShare = (10 * HASHES) / 3600;
    expect(Number(ofX?.['hashes_per_second']) / perShare).toBeCloseTo(100, 6);
    // Garwood's exact bounds for 100 events: 81.364 and 121.627.
    expect(Number(ofX?.['low']) / perShare).toBeCloseTo(81.364, 0);
    expect(Number(ofX?.['high']) / perShare).toBeCloseTo(121.627, 0);
    // Four shares of 10 and one of 40 say as much as 80² / (4 × 10² + 40²) = 3.2 equal ones, of 25.
    expect(Number(ofY?.['hashes_per_second'])).toBeCloseTo((80 * HASHES) / 3600, 0);
    // chi² / 2 with 6.4 and 8.4 degrees of freedom, at 2.5 % and 97.5 %.
    expect(Number(ofY?.['low']) / ((25 * HASHES) / 3600)).toBeCloseTo(0.7, 1);
    expect(Number(ofY?.['high']) / ((25 * HASHES) / 3600)).toBeCloseTo(9.06, 1);
  });

  it('tell who works now', async () => {
    expect(await read('SELECT * FROM worker_status ORDER BY account')).toMatchObject([
      {
        account: 'a',
        worker: 'x',
        status: 'offline',
        last_share: '2026-01-05 10:59:24.500',
        first_day: '2026-01-05',
        accepted_1d: 0,
      },
      { account: 'b', worker: 'y', status: 'offline', hashes_per_second_1d: 0 },
    ]);
  });

  it('tell why shares were rejected', async () => {
    expect(await read('SELECT verdict, shares, submissions, percent FROM reject_reasons ORDER BY verdict')).toEqual([
      { verdict: 'duplicate', shares: 1, submissions: 105, percent: close(100 / 105) },
      { verdict: 'stale', shares: 4, submissions: 105, percent: close(400 / 105) },
    ]);
  });

  it('tell how well difficulties fit', async () => {
    expect(await read('SELECT * EXCEPT (time, node, account) FROM vardiff_quality ORDER BY account')).toEqual([
      {
        worker: 'x',
        accepted: 100,
        shares_per_minute: close(100 / 60),
        difficulty_min: 10,
        difficulty_max: 10,
        difficulty_ratio: 1,
        relative_error: close(0.1),
      },
      {
        worker: 'y',
        accepted: 5,
        shares_per_minute: close(5 / 60),
        difficulty_min: 10,
        difficulty_max: 40,
        difficulty_ratio: 4,
        relative_error: close(1 / Math.sqrt(3.2)),
      },
    ]);
  });

  it('tell what firmware mines', async () => {
    expect(await read('SELECT * EXCEPT (day, node) FROM top_agents ORDER BY user_agent')).toEqual([
      {
        user_agent: 'one/1.0',
        workers: 1,
        hashes_per_second: expect.closeTo((1000 * HASHES) / 86_400, 0),
        submissions: 105,
        rejected_percent: close(500 / 105),
        stale_percent: close(400 / 105),
      },
      {
        user_agent: 'two/2.0',
        workers: 1,
        hashes_per_second: expect.closeTo((80 * HASHES) / 86_400, 0),
        submissions: 5,
        rejected_percent: 0,
        stale_percent: 0,
      },
    ]);
  });

  it('tell what each connection sent', async () => {
    expect(await read('SELECT * EXCEPT (day, node, remote_ip) FROM sessions_seen')).toEqual([
      {
        ...{ session: 0, first_share: '2026-01-05 10:00:00.500', last_share: '2026-01-05 10:59:24.500', account: 'a' },
        ...{ workers: 2, user_agent: 'one/1.0', accepted: 105, rejected: 5, difficulties: 2 },
      },
    ]);
  });

  it('tell the luck of a day and its probability', async () => {
    expect(await read('SELECT * EXCEPT node FROM luck')).toEqual([
      {
        day: '2026-01-05',
        expected: close(expectedBlocks),
        found: 2,
        luck_percent: close(200 / expectedBlocks),
        probability_at_most: close(poissonAtMost(2, expectedBlocks)),
        probability_at_least: close(1 - poissonAtMost(1, expectedBlocks)),
      },
    ]);
  });

  it('tell the effort of each round, and of the open one', async () => {
    // Shares come every 36 s: 34 before the first block, 50 in the second round, 16 and those of y since.
    const rounds = [0.34, 0.5, 0.24];
    expect(await read('SELECT hash, status, effort_percent, probability FROM effort ORDER BY ended')).toEqual(
      ['mature', 'orphaned', 'open'].map((status, i) => ({
        hash: ['aa', 'bb', ''][i],
        status,
        effort_percent: close(100 * (rounds[i] ?? 0)),
        probability: close(1 - Math.exp(-(rounds[i] ?? 0))),
      })),
    );
  });

  it('tell latencies', async () => {
    const sorted = rows.map(({ latencyUs }) => latencyUs).toSorted((a, b) => a - b);
    const [row] = await read('SELECT * FROM latency');
    expect(row?.['submissions']).toBe(rows.length);
    expect(Number(row?.['p50_us'])).toBeCloseTo(sorted[54] ?? 0, -1);
    expect(Number(row?.['p90_us'])).toBeCloseTo(sorted[98] ?? 0, -1);
    expect(Number(row?.['p99_us'])).toBeGreaterThan(900);
  });

  it('tell how old the jobs of stale shares were', async () => {
    const classes = new Map<number, { submissions: number; stale: number }>();
    for (const row of rows) {
      const ageS = (row.ms - (jobs.find(({ id }) => id === jobOf(row))?.ms ?? 0)) / 1000;
      const from = ageS < 1 ? 0 : 2 ** Math.floor(Math.log2(ageS));
      const { submissions, stale } = classes.get(from) ?? { submissions: 0, stale: 0 };
      classes.set(from, { submissions: submissions + 1, stale: stale + (row.verdict === 'stale' ? 1 : 0) });
    }
    expect(await read('SELECT * EXCEPT (day, node) FROM stale_by_job_age ORDER BY age_from_s')).toEqual(
      [...classes]
        .toSorted(([a], [b]) => a - b)
        .map(([from, { submissions, stale }]) => ({
          ...{ age_from_s: from, age_to_s: from === 0 ? 1 : 2 * from, submissions, stale },
          stale_percent: close((100 * stale) / submissions),
        })),
    );
  });

  it('tell what work was given out', async () => {
    expect(await read('SELECT * EXCEPT (time, node) FROM template_health')).toEqual([
      {
        ...{
          jobs: 3,
          clean_jobs: 1,
          empty_jobs: 1,
          gap_max_s: 1200,
          transactions_avg: 1000,
          reward_sats_avg: 5_000_000_000,
        },
        ...{ fees_sats_avg: 100, fetch_ms_p50: 20, fetch_ms_max: 30, announce_ms_p50: 3, announce_ms_max: 5 },
      },
    ]);
  });

  it('tell what a terahash earned', async () => {
    const terahashes = (1080 * HASHES) / 86_400 / 1e12;
    const [row] = await read('SELECT * FROM earnings_per_th_day');
    expect(row).toMatchObject({
      day: '2026-01-05',
      terahashes_per_second: close(terahashes),
      credited_sats: 4_000_000_000,
    });
    expect(Number(row?.['sats_per_th_day']) / (4e9 / terahashes)).toBeCloseTo(1, 9);
    expect(Number(row?.['expected_sats_per_th_day']) / (((86_400 * 1e12) / HASHES) * (5e9 / NETWORK))).toBeCloseTo(
      1,
      9,
    );
  });

  it('tell who may keep blocks back', async () => {
    const ratio = (found: number, expected: number): number =>
      [0, 0.1, 0.25, 0.5].reduce((sum, rate) => sum + rate ** found * Math.exp((1 - rate) * expected), 0) / 4;
    expect(await read('SELECT * EXCEPT node FROM withholding_suspects ORDER BY account')).toEqual([
      {
        account: 'a',
        expected: close(1),
        found: 1,
        probability_at_most: close(poissonAtMost(1, 1)),
        likelihood_ratio: close(ratio(1, 1)),
        suspect: false,
      },
      {
        account: 'b',
        expected: close(0.08),
        found: 1,
        probability_at_most: close(poissonAtMost(1, 0.08)),
        likelihood_ratio: close(ratio(1, 0.08)),
        suspect: false,
      },
    ]);
  });

  it('are described, with each of their columns', async () => {
    const without = `SELECT table, name FROM system.columns WHERE database = 'sluice' AND comment = ''
      UNION ALL SELECT 'table', name FROM system.tables WHERE database = 'sluice' AND comment = ''`;
    expect(await rig.one(`SELECT count() FROM system.tables WHERE database = 'sluice' AND engine = 'View'`)).not.toBe(
      '0',
    );
    expect(await rig.one(without)).toBe('');
  });

  it('are in the guide as they are', async () => {
    const parts: string[] = [];
    for (const { name, comment, columns } of views) {
      const sql = `SELECT * FROM ${name} ${name === 'effort' ? "WHERE status != 'open' " : ''}ORDER BY ALL LIMIT 2`;
      const output = (await textOf(rig.analytics.query(sql, 'PrettyCompactNoEscapes'))).trimEnd();
      parts.push(
        [
          `## \`${name}\`: ${comment}\n`,
          ...tableOf(columns.map((column) => [`\`${column.name}\``, column.type, column.comment])),
          `\n    ${sql}\n`,
          ...output.split('\n').map((line) => `    ${line}`),
        ].join('\n'),
      );
    }
    const head =
      '# The views\n\nMade by `test/books/analytics/views.test.ts` from an hour of two workers (`vitest -u` writes it anew).\n';
    await expect(`${head}\n${parts.join('\n\n')}\n`).toMatchFileSnapshot('../../../src/books/analytics/VIEWS.md');
  });
});

/** Miners of each rate, each looked at on every day of a year. */
const MINERS = 10_000;
it('suspect at most one honest miner in 1,000 years of mining, and each that keeps all of 12 blocks', async () => {
  const simulated = [0.5, 3, 12, 50].map((perYear) => {
    const mean = perYear / 365;
    const cumulated = Array.from({ length: 8 }, (_, count) => poissonAtMost(count, mean));
    const uniform = `cityHash64(miner, day, ${perYear}) / 18446744073709551616.`;
    return `SELECT uniqExactIf(miner, ${withholdingRatio('found', 'expected')} >= 1000) AS alarms, avgIf(found, day = 365) AS blocks FROM (
      SELECT miner, day, day * ${mean} AS expected,
        sum(arrayCount(c -> ${uniform} > c, [${cumulated.join(', ')}])) OVER (PARTITION BY miner ORDER BY day) AS found
      FROM (SELECT intDiv(number, 365) AS miner, number % 365 + 1 AS day FROM numbers(${MINERS * 365})))`;
  });
  const own = dataFolder();
  try {
    const [row] = await onEngine(own.path, [
      `SELECT sum(alarms), sum(blocks), ${withholdingRatio('0', '12')} >= 1000, ${withholdingRatio('12', '12')} >= 1000
       FROM (${simulated.join(' UNION ALL ')})`,
    ]);
    const [alarms, blocksPerYear, keepsAll, keepsNone] = row?.map(Number) ?? [];
    // The miners find what they are to find: 0.5 + 3 + 12 + 50 blocks a year.
    expect(blocksPerYear).toBeCloseTo(65.5, 0);
    expect(alarms).toBeLessThanOrEqual((4 * MINERS) / 1000);
    expect([keepsAll, keepsNone]).toEqual([1, 0]);
  } finally {
    await own.remove();
  }
}, 120_000);
