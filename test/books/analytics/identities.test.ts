import { cpSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '@clickhouse/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AnalyticsOptions } from '#books/analytics/analytics';
import { migrations } from '#books/analytics/schema/migrations';
import { dataFolder } from '../../shares/sharelog/fixtures.ts';
import { type Shim, type ShimOptions, startShim } from './clickhouse-shim.ts';
import { openRig, type Rig, someShares, TOTALS_SQL, totalsOf } from './support.ts';

let folder: ReturnType<typeof dataFolder>;
let shims: Shim[];
let rigs: Rig[];
const at = (name: string): string => join(folder.path, name);

async function shimAt(options: Partial<ShimOptions> = {}): Promise<Shim> {
  const shim = await startShim({ folder: folder.path, ...options });
  shims.push(shim);
  return shim;
}

async function pool(
  shim: Shim,
  options: Partial<AnalyticsOptions> & { data?: string; host?: string } = {},
): Promise<Rig> {
  const { data = 'data', host = '127.0.0.1', ...more } = options;
  const rig = await openRig(at(data), { url: `http://${host}:${shim.port}/mining`, name: 'pool-1', ...more });
  rigs.push(rig);
  return rig;
}

/** Logs shares `from` to `to`, waits until they are rows, and ends the pool. */
async function live(rig: Rig, from: number, to: number): Promise<void> {
  await rig.commit(someShares(from, to - from));
  await expect.poll(() => rig.analytics.status().lagRows).toBe(0);
  await rig.close();
}

beforeEach(() => {
  folder = dataFolder();
  shims = [];
  rigs = [];
});
afterEach(async () => {
  await Promise.all(rigs.map((rig) => rig.close()));
  await Promise.all(shims.map((shim) => shim.kill()));
  await folder.remove();
});

describe('every share is one row', () => {
  it('under another name of the same ClickHouse', async () => {
    const shim = await shimAt();
    await live(await pool(shim), 0, 300);
    const rig = await pool(shim, { host: 'localhost' });
    await rig.commit(someShares(300, 300));
    expect(await rig.one(TOTALS_SQL)).toBe(totalsOf(600));
  });

  it('in the second life of a data folder that is set back to an older copy', async () => {
    const shim = await shimAt();
    await live(await pool(shim), 0, 300);
    cpSync(at('data'), at('copy'), { recursive: true });
    await live(await pool(shim), 300, 600);
    rmSync(at('data'), { recursive: true });
    renameSync(at('copy'), at('data'));
    const rig = await pool(shim);
    await rig.commit(someShares(600, 300));
    expect(await rig.one(TOTALS_SQL)).toBe(totalsOf(900));
    expect(rig.lines.join()).toContain('this share log is an older copy of one that has gone on');
  });

  it('of what a copy of a running pool still had to deliver', async () => {
    const shim = await shimAt();
    const first = await pool(shim);
    await first.commit(someShares(0, 300));
    await expect.poll(() => first.analytics.status().lagRows).toBe(0);
    await first.analytics.close();
    await first.commit(someShares(300, 300));
    await first.log.close();
    cpSync(at('data'), at('copy'), { recursive: true });
    await live(await pool(shim), 600, 900);
    rmSync(at('data'), { recursive: true });
    renameSync(at('copy'), at('data'));
    const rig = await pool(shim);
    expect(await rig.one(TOTALS_SQL)).toBe(totalsOf(900));
  });

  it('in a ClickHouse that is set back to an older copy, as far as the log still has it', async () => {
    const first = await shimAt();
    await live(await pool(first), 0, 300);
    await first.kill();
    cpSync(at('server'), at('copy'), { recursive: true });
    const second = await shimAt({ port: first.port });
    await live(await pool(second), 300, 600);
    await second.kill();
    rmSync(at('server'), { recursive: true });
    renameSync(at('copy'), at('server'));
    const rig = await pool(await shimAt({ port: first.port }));
    expect(await rig.one(TOTALS_SQL)).toBe(totalsOf(600));
    expect(rig.lines.join()).toContain('ClickHouse is older than what was delivered to it');
  });
});

describe('two data folders in one ClickHouse', () => {
  it('may not have one name: the second does not start', async () => {
    const shim = await shimAt();
    await pool(shim);
    await expect(pool(shim, { data: 'other' })).rejects.toThrow(
      /another data folder .* under the name pool-1: set "name"/,
    );
    const other = await pool(shim, { data: 'third', name: 'pool-3' });
    await other.commit(someShares(0, 10));
    expect(await other.one('SELECT count() FROM shares')).toBe('10');
  });

  it('have two names by default', async () => {
    const shim = await shimAt();
    const [one, two] = [await pool(shim, { name: undefined }), await pool(shim, { data: 'other', name: undefined })];
    expect(await two.one('SELECT uniqExact(node), uniqExact(folder) FROM mining.pools')).toBe('2\t2');
    expect(one.log.folderId).not.toBe(two.log.folderId);
  });
});

describe('a server that is not in UTC', () => {
  const HOURS = 'SELECT DISTINCT toUnixTimestamp(time) % 3600 FROM mining.hashrate_1h';
  const SHOWN = "SELECT countIf(time >= '2026-01-31 23:58:00' AND time < '2026-02-01 00:00:00') FROM mining.shares";
  const MONTHS = "SELECT arraySort(groupUniqArray(partition)) FROM system.parts WHERE active AND table = 'shares'";

  it('has times and hours of UTC', async () => {
    const rig = await pool(await shimAt({ timeZone: 'Asia/Kolkata' }));
    await rig.commit(someShares(0, 15_000));
    expect(await rig.one(TOTALS_SQL)).toBe(totalsOf(15_000));
    expect(await rig.one(HOURS)).toBe('0');
    expect(await rig.one(SHOWN)).toBe('12000');
  });

  it.each(['UTC', 'Asia/Kolkata'])('has them also in the tables that version 1 made in %s', async (timeZone) => {
    const shim = await shimAt({ timeZone });
    const url = `http://127.0.0.1:${shim.port}`;
    const client = createClient({ url });
    const run = (query: string): Promise<unknown> => client.command({ query });
    await run('CREATE DATABASE mining');
    await run(
      'CREATE TABLE mining.schema_migrations (version UInt32, applied DateTime DEFAULT now()) ENGINE = ReplacingMergeTree ORDER BY version',
    );
    for (const sql of migrations[0]?.statements({ database: 'mining', timeZone, empty: true }) ?? []) await run(sql);
    await run('INSERT INTO mining.schema_migrations (version) VALUES (1)');
    await run(`INSERT INTO mining.shares (time, account, nonce, verdict, work)
      SELECT fromUnixTimestamp64Milli(toInt64(1769903880000 + number * 10)), 'a', number, if(number % 3 = 2, 'duplicate', 'accepted'), 4398046511104 FROM numbers(6000)`);
    await client.close();
    const rig = await pool(shim);
    await rig.commit(someShares(6000, 9000));
    expect(await rig.one(TOTALS_SQL)).toBe(totalsOf(15_000));
    expect(await rig.one(HOURS)).toBe('0');
    expect(await rig.one(SHOWN)).toBe('12000');
    expect(await rig.one(MONTHS)).toBe("['202601','202602']");
    expect(rig.analytics.status()).toMatchObject({ missingRows: 0, healthy: true });
  });
});
