import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { STATE_FILE } from '#books/analytics/ship-state';
import type { Insert } from '#books/analytics/warehouse';
import { openJournal } from '#shares/sharelog/journal/journal';
import { POOL_JOURNAL } from '#shares/sharelog/journal/journals';
import { insertJobs, insertShares, shareEveryMs } from '../../../bench/generated-shares.ts';
import { clock, folderPerTest, judgedShare, keptLogger, shipperInto } from '../../shares/sharelog/fixtures.ts';
import { onEngine } from './engine.ts';
import { openRig, type Rig } from './support.ts';

/** What schema 3 made, and what its steps left in its own books. */
const SCHEMA_3 = [
  'CREATE DATABASE sluice',
  ...readFileSync(new URL('schema-3.sql', import.meta.url), 'utf8')
    .replace(/^--.*\n/, '')
    .split(/;\n/)
    .filter((statement) => statement.trim() !== ''),
  'INSERT INTO sluice.schema_migrations (version) VALUES (1), (2), (3)',
  "INSERT INTO sluice.deliveries (log) VALUES ('before')",
];
/** And what schema 4 added. */
const SCHEMA_4 = [
  ...SCHEMA_3,
  "ALTER TABLE sluice.shares ADD COLUMN IF NOT EXISTS coinb2 String COMMENT 'hex'",
  "ALTER TABLE sluice.jobs ADD COLUMN IF NOT EXISTS window_end String COMMENT 'x'",
  "ALTER TABLE sluice.blocks ADD COLUMN IF NOT EXISTS coinb2 String COMMENT 'as in shares'",
  'INSERT INTO sluice.schema_migrations (version) VALUES (4)',
];
const WORKERS = 40;
const DAY_MS = 86_400_000;
const startMs = Date.UTC(2026, 0, 31, 22);
const shares = 40_000;
const endMs = startMs + shares * shareEveryMs(WORKERS);
const range = { startMs, workers: WORKERS, from: 0, count: shares };
/** Two months; and a third, of which the rollups alone are left. */
const DATA = [
  insertShares('sluice', range),
  insertShares('sluice', { ...range, startMs: startMs - 60 * DAY_MS, count: 5_000 }),
  "ALTER TABLE sluice.shares DROP PARTITION '202512'",
  insertJobs('sluice', startMs, endMs),
  `INSERT INTO sluice.blocks (time, hash, node, status, revision) VALUES ('2026-02-01 00:00:00', 'aa', 'pool-1', 'unknown', 1),
    ('2026-02-01 00:00:00', 'aa', 'pool-1', 'accepted', 2)`,
  `INSERT INTO sluice.deliveries (log, shares, jobs) SELECT 'earlier', (SELECT count() FROM sluice.shares), (SELECT count() FROM sluice.jobs)`,
];

const ROLLUP = `SELECT count(), sum(a), sum(r), sum(w), max(b), groupBitXor(cityHash64(time, account, worker, a, r, w, b)) FROM (
  SELECT time, account, worker, sum(accepted) AS a, sum(rejected) AS r, sum(work) AS w, max(best_difficulty) AS b
  FROM sluice.NAME GROUP BY time, account, worker)`;
const DIGEST = [
  'SELECT count(), sum(work), groupBitXor(cityHash64(time, node, account, worker, session, job_id, height, difficulty, work,',
  'share_difficulty, verdict, block, extranonce1, extranonce2, ntime, nonce, version, job_variant, remote_ip, user_agent, latency_us))',
  'FROM sluice.shares',
].join(' ');
/** All that schema 3 knows, in a few numbers. */
const digests = [
  DIGEST,
  'SELECT count(), groupBitXor(cityHash64(job_id, time, node, height, coinb1, coinb2, merkle_branch, reward_sats)) FROM sluice.jobs',
  'SELECT groupArray((hash, status)) FROM sluice.blocks FINAL',
  ...['hashrate_1m', 'hashrate_1h'].map((name) => ROLLUP.replace('NAME', name)),
  'SELECT sum(shares), sum(jobs) FROM sluice.deliveries',
];
const CONTENTS = `SELECT ${digests.map((sql) => `(SELECT toString(tuple(*)) FROM (${sql}))`).join(', ')}`;

const folder = folderPerTest();
let rigs: Rig[] = [];
const rigOn = async (): Promise<Rig> => {
  const rig = await openRig(folder.path);
  rigs.push(rig);
  return rig;
};
const applied = (rig: Rig): Promise<string> => rig.one('SELECT max(version) > 6 FROM schema_migrations');

beforeEach(() => {
  rigs = [];
});
afterEach(async () => {
  await Promise.all(rigs.map((rig) => rig.close()));
});

it('brings a pool of schema 3 up without losing a row, and the new rollups have what was there', async () => {
  const [before] = await onEngine(folder.path, [...SCHEMA_3, ...DATA, CONTENTS]);
  const rig = await rigOn();
  await rig.commit([judgedShare({ receivedMs: startMs })]);
  expect(await rig.one('SELECT count() FROM shares')).toBe(String(shares + 1));
  expect(await applied(rig)).toBe('1');
  expect(rig.lines).not.toContain('ClickHouse has lost rows that it had confirmed: put back a copy of its data');
  // What came since is in every rollup once.
  for (const level of ['hashrate', 'accounts', 'pool']) {
    for (const span of ['1m', '1h', '1d']) {
      expect(
        await rig.one(`SELECT sum(accepted), sum(work), sum(rejected) FROM ${level}_${span}`),
        `${level}_${span}`,
      ).toBe(await rig.one(`SELECT sum(accepted), sum(work), sum(rejected) FROM hashrate_1m`));
    }
  }
  expect(
    await rig.one(
      `SELECT sumMap(verdicts), quantilesTDigestMerge(0.5, 0.9, 0.99)(latency)[1] > 300, uniqCombinedMerge(14)(workers)
       FROM pool_1d WHERE time >= '2026-01-01 00:00:00'`,
    ),
  ).toBe(
    await rig.one(`SELECT sumMap(map(toString(verdict), toUInt64(1))), 1, uniqExact(account, worker) FROM shares`),
  );
  await rig.close();
  const [after] = await onEngine(folder.path, [
    "ALTER TABLE sluice.shares DELETE WHERE account = 'bcrt1qminer' SETTINGS mutations_sync = 1",
    ...['hashrate_1m', 'hashrate_1h'].map(
      (name) => `ALTER TABLE sluice.${name} DELETE WHERE account = 'bcrt1qminer' SETTINGS mutations_sync = 1`,
    ),
    CONTENTS.replace('SELECT sum(shares), sum(jobs) FROM', 'SELECT sum(shares) - 1, sum(jobs) FROM'),
  ]);
  expect(after).toEqual(before);
}, 300_000);

it('goes on after a kill at any moment of the upgrade', async () => {
  const [before] = await onEngine(folder.path, [...SCHEMA_4, ...DATA, CONTENTS]);
  let kills = 0;
  for (let delayMs = 200; ; delayMs = Math.ceil(delayMs * 1.5)) {
    const rig = await rigOn();
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    const { pid } = rig.analytics.status();
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
    await rig.close();
    kills += 1;
    const [version] = await onEngine(folder.path, ['SELECT toString(max(version)) FROM sluice.schema_migrations']);
    if (version?.[0] !== '4') break;
  }
  expect(kills).toBeGreaterThan(3);
  const rig = await rigOn();
  expect(await applied(rig)).toBe('1');
  await rig.close();
  expect((await onEngine(folder.path, [CONTENTS]))[0]).toEqual(before);
}, 600_000);

it('sends a shipment that may have been sent before the upgrade once', async () => {
  const journal = await openJournal(
    { folder: folder.path, journal: POOL_JOURNAL, node: 'pool-1', consumers: ['analytics'] },
    { clock, logger: keptLogger() },
  );
  for (let nonce = 0; nonce < 500; nonce += 1) journal.share(judgedShare({ share: { nonce } }));
  await new Promise<void>((resolve) => journal.commit(resolve));
  let sent: Insert | undefined;
  const shipper = shipperInto(folder, (insert) => {
    sent = insert;
    throw new Error('the answer is lost');
  });
  shipper.start();
  await expect.poll(() => sent).toBeDefined();
  await shipper.stop();
  await journal.close();
  const state = new Database(join(folder.path, STATE_FILE));
  // What the shipper sent to the list that it has for a database here is about the embedded one.
  state.prepare("UPDATE shipments SET target = 'embedded'").run();
  state.close();
  if (sent === undefined) throw new Error('nothing was sent');
  await onEngine(folder.path, [...SCHEMA_4, sent]);
  const rig = await rigOn();
  const counts = ['hashrate_1m', 'hashrate_1d', 'accounts_1h', 'pool_1d'].map(
    (name) => `(SELECT sum(accepted) FROM ${name})`,
  );
  expect(await rig.one(`SELECT (SELECT count() FROM shares), ${counts.join(', ')}`)).toBe(
    Array(5).fill('500').join('\t'),
  );
}, 300_000);
