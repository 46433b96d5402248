import { expect, it } from 'vitest';
import { LedgerCopy } from '#books/analytics/ledger-copy';
import type { Warehouse } from '#books/analytics/warehouse';
import { type LedgerDatabase, openLedger } from '#books/ledger/ledger-db';
import { folderPerTest } from '../../shares/sharelog/fixtures.ts';
import { onEngine } from './engine.ts';
import { openRig } from './support.ts';

const folder = folderPerTest();
const BOOT = 'a1b2c3d4';
const idOf = (serial: number): string => `${serial.toString(16).padStart(10, '0')}${BOOT}`;

/** Runs on the ledger of the test's folder. */
function onLedger(act: (database: LedgerDatabase) => void): void {
  const { database, close } = openLedger(folder.path);
  act(database);
  close();
}

function putJobs(database: LedgerDatabase, from: number, to: number): void {
  for (let serial = from; serial <= to; serial += 1) {
    const jobMs = Date.UTC(2026, 0, 31, 23, 59) + serial * 1000;
    database.prepare('INSERT INTO jobs VALUES (?, ?, 7, 1, 1, 5, 5, 0, ?, NULL)').run(idOf(serial), serial, jobMs);
    for (const account of ["o'ne", 'two']) {
      database
        .prepare('INSERT INTO slices VALUES (?, ?, ?, ?)')
        .run(idOf(serial), account, `${2n ** 80n + BigInt(serial)}`, serial);
    }
  }
}

/** A ClickHouse that notes what is inserted, and fails from statement `failFrom` on. */
function noting(answers: (sql: string) => string[][], failFrom = Number.POSITIVE_INFINITY) {
  const statements: string[] = [];
  const warehouse: Pick<Warehouse, 'database' | 'command' | 'rows'> = {
    database: 'sluice',
    rows: async (sql) => answers(sql),
    command: async (sql) => {
      if (statements.length >= failFrom) throw new Error('killed');
      statements.push(sql);
    },
  };
  return { statements, warehouse: warehouse as Warehouse };
}

const clock = { nowMs: () => Date.UTC(2026, 1, 2) };
const TOTALS = `SELECT (SELECT (count(), toString(sum(work)), sum(shares), max(job_id)) FROM sluice.slices FINAL WHERE node = 'n'),
  (SELECT (count(), sum(sats), any(status)) FROM sluice.credits FINAL WHERE node = 'n'),
  (SELECT (count(), sum(sats), any(state), any(txid)) FROM sluice.payouts FINAL WHERE node = 'n')`;

it('copies sealed slices, credits and payouts, and each change of them, so that each is there once', async () => {
  onLedger((database) => {
    database.pragma('foreign_keys = OFF');
    putJobs(database, 1, 100);
    database.exec(`UPDATE taken SET sealed_serial = 90;
      INSERT INTO blocks (hash, job_id, finder, height, found_ms, claimed_sats, status, confirmations, bookings)
      VALUES ('aa', 'j', 'two', 7, 1767000000000, 5, 'confirmed', 1, 1);
      INSERT INTO block_credits VALUES ('aa', 'one', 3, 0, '1', '10'), ('aa', 'two', 2, 1, '1', '20');
      INSERT INTO payout_batches (number, id, method, state, created_ms, changed_ms) VALUES (1, 'p1', 'wallet', 'sent', 1, 2);
      INSERT INTO payout_items VALUES (1, 'one', 'addr', 3, 1)`);
  });
  const empty = noting(() => []);
  const copy = new LedgerCopy(folder.path, { warehouse: empty.warehouse, clock, node: 'n' });
  expect(await copy.step()).toBe(90 * 2 + 2 + 1);
  // Nothing is new.
  expect(await copy.step()).toBe(0);
  const first = empty.statements.slice();
  onLedger((database) => {
    database.exec(`UPDATE taken SET sealed_serial = 95; UPDATE blocks SET status = 'mature';
      UPDATE payout_batches SET state = 'confirmed', winner = 'ff', changed_ms = 3`);
  });
  expect(await copy.step()).toBe(5 * 2 + 2 + 1);
  const later = empty.statements.slice(first.length);
  const work = (n: number): bigint => BigInt(2 * n) * 2n ** 80n + BigInt(n * (n + 1));
  // The first ones twice, as after a kill.
  expect(await onEngine(folder.path, ['migrate', ...first, ...first, TOTALS])).toEqual([
    [`180,${work(90)},${90 * 91},${idOf(90)}`, '2,5,confirmed', '1,3,sent,'],
  ]);
  const after = [[`190,${work(95)},${95 * 96},${idOf(95)}`, '2,5,mature', '1,3,confirmed,ff']];
  expect(await onEngine(folder.path, [...later, TOTALS])).toEqual(after);
  // Filled again from the ledger alone, it is the same.
  const again = noting(() => []);
  await new LedgerCopy(folder.path, { warehouse: again.warehouse, clock, node: 'n' }).step();
  const truncate = ['slices', 'credits', 'payouts'].map((table) => `TRUNCATE TABLE sluice.${table}`);
  expect(await onEngine(folder.path, [...truncate, ...again.statements, TOTALS])).toEqual(after);
}, 60_000);

it('is done by the pool’s child, also after a kill', async () => {
  onLedger((database) => {
    database.pragma('foreign_keys = OFF');
    putJobs(database, 1, 20);
    database.exec(`UPDATE taken SET sealed_serial = 10;
      INSERT INTO blocks (hash, job_id, finder, height, found_ms, claimed_sats, status, confirmations, bookings)
      VALUES ('aa', 'j', 'two', 7, 1767000000000, 5, 'confirmed', 1, 1);
      INSERT INTO block_credits VALUES ('aa', 'one', 3, 0, '1', '10')`);
  });
  const rig = await openRig(folder.path);
  folder.opened(rig);
  const there = (): Promise<string> =>
    rig.one('SELECT (SELECT count() FROM slices), (SELECT any(status) FROM credits), (SELECT count() FROM credits)');
  await expect.poll(there, { timeout: 30_000 }).toBe('20\tconfirmed\t1');
  process.kill(rig.analytics.status().pid ?? 0, 'SIGKILL');
  onLedger((database) => {
    database.exec("UPDATE taken SET sealed_serial = 20; UPDATE blocks SET status = 'mature'");
  });
  await expect.poll(() => there().catch(String), { timeout: 60_000 }).toBe('40\tmature\t1');
}, 120_000);
