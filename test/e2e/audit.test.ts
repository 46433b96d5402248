import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { exitCodes } from '#cli/io';
import { falsify } from '../support/falsify.ts';
import { PoolFolder, PoolProcess } from '../support/pool-process.ts';
import { StratumClient } from '../support/stratum-client.ts';

const ALICE = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const BOB = 'bcrt1qy7yl6pjgjct4qgael8e5dp2csn9f9k068fnq9n';

interface Report {
  readonly holds: boolean;
  readonly jobs: number;
  readonly shares: number;
  readonly hashed: number;
  readonly blocks: number;
  readonly differences: readonly { readonly subject: string; readonly detail: string }[];
  readonly differences_total: number;
  readonly skipped: readonly string[];
}

describe('sluice audit', () => {
  // One share in four is a block; a job is sealed when 64 newer ones were given out.
  const folder = new PoolFolder(
    '[node]\nsimulated-block-difficulty = 4e-9\n[stratum.difficulty]\nstart = 1e-9\nvardiff = false\n[payout]\nfee-percent = 2\n',
  );
  const data = join(folder.path, 'data');
  let pool: PoolProcess;
  let submitted = 0;

  beforeAll(async () => {
    pool = await PoolProcess.start(folder);
    await mine(440);
  });
  afterAll(async () => {
    pool.child.kill('SIGKILL');
    await folder.remove();
  });

  /** Shares of two accounts as fast as they are answered; now and then one that is sent twice, and one that is too weak. */
  async function mine(count: number): Promise<void> {
    const { host, port } = pool.endpoints.tcp;
    const client = await StratumClient.tcp(host, port);
    await client.login(`${ALICE}.rig`, { mask: '1fffe000' });
    await client.request('mining.authorize', [`${BOB}.rig`, 'x']);
    for (let share = 0; share < count; share += 1) {
      const user = `${share % 4 === 3 ? BOB : ALICE}.rig`;
      const options = share % 20 === 7 ? { accept: (value: bigint, target: bigint) => value > target } : {};
      const solution = client.solve(user, options);
      await client.submit(solution);
      submitted += 1;
      if (share % 20 !== 11) continue;
      await client.submit(solution);
      submitted += 1;
    }
    client.close();
  }

  async function audit(...args: string[]): Promise<Report & { readonly code: number }> {
    const { code, stdout, stderr } = await folder.run('audit', '--config', folder.config, '--json', ...args);
    expect(stderr).toBe('');
    return { code, ...(JSON.parse(stdout) as Report) };
  }

  it('finds nothing wrong with a pool that runs', { timeout: 60_000 }, async () => {
    await vi.waitFor(
      async () => {
        const { stdout } = await folder.run('ledger', 'blocks', '--config', folder.config, '--json');
        const { blocks } = JSON.parse(stdout) as { blocks: { status: string; credits: unknown[] }[] };
        expect(
          blocks.filter(({ status, credits }) => status === 'mature' && credits.length === 2).length,
        ).toBeGreaterThan(3);
      },
      { timeout: 40_000, interval: 250 },
    );
    const report = await audit();
    expect(report).toMatchObject({
      code: exitCodes.fine,
      holds: true,
      differences: [],
      skipped: [],
      shares: submitted,
    });
    // Blocks that were found on a tip that had just gone are among them.
    expect(report.blocks).toBeGreaterThan(60);
    expect(report.hashed).toBe(submitted);
  });

  it('finds nothing wrong after kill -9, and audits the jobs of a time', { timeout: 60_000 }, async () => {
    await pool.kill();
    const whole = await audit();
    expect(whole).toMatchObject({ code: exitCodes.fine, holds: true, differences_total: 0, hashed: submitted });
    expect(await audit('--to', '2020-01-01')).toMatchObject({ holds: true, jobs: 0, shares: 0 });
    const [row] = await folder.sql<{ time: string }>(
      "SELECT formatDateTime(quantileExact(0.5)(time), '%FT%TZ') AS time FROM jobs",
    );
    const [before, after] = [await audit('--to', row?.time ?? ''), await audit('--from', row?.time ?? '')];
    expect([before.holds, after.holds]).toEqual([true, true]);
    expect(before.hashed + after.hashed).toBe(submitted);
    const { stdout } = await folder.run('audit', '--config', folder.config);
    expect(stdout).toContain('Everything comes out as it is kept.');
  });

  /** The differences after a change to one row of `shares` by SQL, which is taken back. */
  async function afterChange(where: string, change: string, back: string): Promise<Report['differences']> {
    const alter = (set: string): Promise<void> =>
      falsify(data, `ALTER TABLE sluice.shares UPDATE ${set} WHERE ${where} SETTINGS mutations_sync = 1`);
    await alter(change);
    const { code, differences } = await audit();
    expect(code).toBe(exitCodes.failed);
    await alter(back);
    return differences;
  }

  it('names a share whose row was changed', { timeout: 120_000 }, async () => {
    const [share] = await folder.sql<Record<'job_id' | 'extranonce2', string> & Record<'nonce', number>>(
      `SELECT job_id, extranonce2, nonce FROM shares WHERE verdict = 'accepted' AND NOT block AND account = '${BOB}'
       ORDER BY time LIMIT 1`,
    );
    const { job_id = '', extranonce2 = '', nonce = 0 } = share ?? {};
    const where = `job_id = '${job_id}' AND extranonce2 = '${extranonce2}' AND verdict != 'duplicate'`;
    const name = new RegExp(`^share of job ${job_id} at .*extranonce2 ${extranonce2}`);

    const hashed = await afterChange(where, `nonce = ${nonce} + 1`, `nonce = ${nonce}`);
    expect(hashed[0]?.detail).toMatch(name);
    expect(hashed[0]?.detail).toContain('its hash reaches difficulty');

    const rejected = await afterChange(where, "verdict = 'low-difficulty'", "verdict = 'accepted'");
    expect(rejected.map(({ subject }) => subject)).toEqual(['share', 'slice']);
    expect(rejected[0]?.detail).toMatch(name);
    expect(rejected[0]?.detail).toContain('rejected as low-difficulty, and its hash reaches its difficulty');
    expect(rejected[1]?.detail).toContain(`of ${BOB} on job ${job_id}`);

    const worked = await afterChange(where, 'work = work * 2', 'work = toUInt128(work / 2)');
    expect(worked.map(({ subject }) => subject)).toEqual(['share', 'slice']);
    expect(worked[0]?.detail).toMatch(/difficulty 1e-9 is work \d+, and \d+ is kept/);
    expect(await audit()).toMatchObject({ holds: true });
  });

  it('names shares that were added to the table twice', { timeout: 60_000 }, async () => {
    await falsify(
      data,
      "INSERT INTO sluice.shares SELECT * FROM sluice.shares WHERE verdict = 'accepted' AND NOT block ORDER BY time LIMIT 1",
    );
    const { differences } = await audit();
    expect(differences.map(({ subject }) => subject)).toEqual(['share', 'slice']);
    expect(differences[0]?.detail).toContain('accepted, and another accepted share has the same header');
  });

  /** The differences in the books after a change to the ledger, which is taken back. */
  async function afterLedgerChange(change: string, back: string): Promise<Report['differences']> {
    const ledger = new Database(join(data, 'ledger.db'));
    // Triggers refuse what the book never does.
    for (const trigger of ledger.prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'").pluck().all()) {
      ledger.exec(`DROP TRIGGER ${String(trigger)}`);
    }
    ledger.exec(change);
    const { code, differences } = await audit();
    expect(code).toBe(exitCodes.failed);
    ledger.exec(back);
    ledger.close();
    return differences.filter(({ subject }) => subject === 'reward' || subject === 'books');
  }

  it('names a credit, an entry and a slice that were changed', { timeout: 120_000 }, async () => {
    const ledger = new Database(join(data, 'ledger.db'), { readonly: true });
    const { hash } = ledger
      .prepare('SELECT hash FROM block_credits WHERE account = ? ORDER BY hash LIMIT 1')
      .get(BOB) as {
      hash: string;
    };
    ledger.close();
    const credit = (sign: string): string =>
      `UPDATE block_credits SET sats = sats ${sign} 1 WHERE hash = '${hash}' AND account = '${BOB}'`;
    const credits = await afterLedgerChange(credit('+'), credit('-'));
    expect(credits.map(({ subject }) => subject)).toContain('reward');
    for (const { detail } of credits) expect(detail).toContain(hash);
    expect(credits[0]?.detail).toMatch(new RegExp(`the credit of ${BOB} is kept as \\d+, and \\d+ comes out`));

    const entry = (sign: string): string => `UPDATE entries SET at_ms = at_ms ${sign} 1 WHERE id = 2`;
    const entries = await afterLedgerChange(entry('+'), entry('-'));
    expect(entries.find(({ subject }) => subject === 'books')?.detail).toContain('entry-hash: entry 2');
  });
});
