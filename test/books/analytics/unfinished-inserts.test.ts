import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { forgetUnfinished } from '#books/analytics/unfinished-inserts';
import { dataFolder } from '../../shares/sharelog/fixtures.ts';
import { openRig, type Rig, someShares, TOTALS_SQL, totalsOf } from './support.ts';

let folder: ReturnType<typeof dataFolder>;
let rig: Rig | undefined;
const inFolder = (...names: string[]): string => join(folder.path, ...names);

beforeEach(() => {
  folder = dataFolder();
});
afterEach(async () => {
  await rig?.close();
  rig = undefined;
  await folder.remove();
});

/** Ships shares as one shipment, and ends the child. */
async function ship(count: number): Promise<void> {
  const each = await openRig(folder.path);
  rig = each;
  await each.commit(someShares(0, count));
  await expect.poll(() => each.one('SELECT count() FROM shares')).toBe(String(count));
  await expect.poll(() => each.log.status().keptRows).toBe(0);
  await each.close();
}

/** What was delivered, all of it in one shipment, is only known to have been sent. */
function takeBackDelivery(): void {
  const state = new Database(inFolder('analytics.db'));
  state.exec(`
    INSERT INTO shipments SELECT log, target, 1, seq, rows_total, rows_total FROM positions;
    DELETE FROM positions`);
  state.close();
}

/** The logs of tokens of the engine's tables that have one, relative to the engine's folder. */
function tokenLogs(engine: string): string[] {
  return readdirSync(join(engine, 'store'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /deduplication_log_\d+\.txt$/.test(name))
    .map((name) => join('store', name));
}

describe('an insert that a kill has cut between its token and its rows', () => {
  it('is done by the next child, in the table and in the rollups, though the engine has the token', async () => {
    // Tables without a row.
    rig = await openRig(folder.path);
    await rig.close();
    cpSync(inFolder('chdb'), inFolder('before'), { recursive: true });
    await ship(1);
    // The rows are not there, their tokens are: what the engine leaves if it is killed in between.
    const logs = tokenLogs(inFolder('chdb'));
    expect(logs.length).toBeGreaterThan(1);
    for (const log of logs) {
      const [there, kept] = [inFolder('chdb', log), inFolder('before', log)];
      if (existsSync(join(there, '../..')) && existsSync(join(kept, '../..'))) cpSync(there, kept);
    }
    rmSync(inFolder('chdb'), { recursive: true });
    renameSync(inFolder('before'), inFolder('chdb'));
    takeBackDelivery();
    rig = await openRig(folder.path);
    expect(await rig.one(TOTALS_SQL)).toBe(totalsOf(1));
  }, 120_000);
});

describe('forgetUnfinished', () => {
  const table = (): string => inFolder('store', 'abc', 'uuid');
  const tokens = (log: string): string => readFileSync(join(table(), 'deduplication_logs', log), 'utf8');

  it('takes back the tokens of rows that are in no part, and leaves those of merged parts and of other partitions', () => {
    for (const name of [
      '202601_1_3_1',
      '202602_4_4_0_7',
      'tmp_insert_202601_5_5_0',
      'detached',
      'deduplication_logs',
    ]) {
      mkdirSync(join(table(), name), { recursive: true });
    }
    const [first, second] = ['deduplication_log_9.txt', 'deduplication_log_10.txt'];
    const write = (log: string, text: string): void => writeFileSync(join(table(), 'deduplication_logs', log), text);
    write(first, '1\t202601_1_1_0\ta\n1\t202601_2_2_0\tb\n1\t202602_9_9_0\tgone\n2\t202602_9_9_0\tgone\n');
    write(second, '1\t202602_4_4_0\tc\n1\t202601_5_5_0\tlost\n1\t202602_1_1_0\tother\n1\t202601_6');
    forgetUnfinished(folder.path);
    expect(tokens(first)).toMatch(/gone\n$/);
    const kept = '1\t202602_4_4_0\tc\n1\t202601_5_5_0\tlost\n1\t202602_1_1_0\tother\n';
    const after = `${kept}2\t202601_5_5_0\tlost\n2\t202602_1_1_0\tother\n`;
    expect(tokens(second)).toBe(after);
    forgetUnfinished(folder.path);
    expect(tokens(second)).toBe(after);
  });

  it('has nothing to do in a folder that is new', () => {
    expect(() => forgetUnfinished(inFolder('none'))).not.toThrow();
  });
});
