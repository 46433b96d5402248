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
    // A machine that is busy may take a while to start ClickHouse.
    expect(stderr.replace(/^sluice: waiting for ClickHouse.*\n/, '')).toBe('');
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

  it('finds nothing wrong after kill -9, and audits the jobs of a time', { timeout: 120_000 }, async () => {
    await pool.kill();
    const [row] = await folder.sql<{ time: string }>(
      "SELECT formatDateTime(quantileExact(0.5)(time), '%FT%TZ') AS time FROM jobs",
    );
    const [before, after] = [await audit('--to', row?.time ?? ''), await audit('--from', row?.time ?? '')];
    expect([before, after]).toMatchObject([
      { code: exitCodes.fine, holds: true },
      { code: exitCodes.fine, holds: true },
    ]);
    expect(Math.min(before.hashed, after.hashed)).toBeGreaterThan(0);
    expect(before.hashed + after.hashed).toBe(submitted);
  });

  interface Share {
    readonly job_id: string;
    readonly extranonce2: string;
  }
  const nameOf = ({ job_id, extranonce2 }: Share): RegExp =>
    new RegExp(`^share of job ${job_id} at .*extranonce2 ${extranonce2}`);

  it('names each share, credit, entry and slice that was changed', { timeout: 120_000 }, async () => {
    const shares = await folder.sql<Share>(
      `SELECT job_id, extranonce2 FROM shares
       WHERE verdict = 'accepted' AND NOT block AND account = '${ALICE}' ORDER BY time LIMIT 5`,
    );
    const [moved, rejected, worked, twice] = shares as [Share, Share, Share, Share];
    const at = ({ job_id, extranonce2 }: Share): string =>
      `job_id = '${job_id}' AND extranonce2 = '${extranonce2}' AND verdict = 'accepted'`;
    const update = (set: string, share: Share): string =>
      `ALTER TABLE sluice.shares UPDATE ${set} WHERE ${at(share)} SETTINGS mutations_sync = 1`;
    await falsify(
      data,
      update('nonce = nonce + 1', moved),
      update("verdict = 'low-difficulty'", rejected),
      update('work = work * 2', worked),
      `INSERT INTO sluice.shares SELECT * FROM sluice.shares WHERE ${at(twice)}`,
    );
    const { hash, slice } = changeLedger();

    const { code, holds, differences } = await audit();
    expect([code, holds]).toEqual([exitCodes.failed, false]);
    const of = (subject: string): string[] =>
      differences.filter((each) => each.subject === subject).map(({ detail }) => detail);
    const wrongWith = (share: Share): string[] => of('share').filter((detail) => nameOf(share).test(detail));
    expect(wrongWith(moved)[0]).toContain('its hash reaches difficulty');
    expect(wrongWith(rejected)).toEqual([
      expect.stringContaining('rejected as low-difficulty, and its hash reaches its difficulty'),
    ]);
    expect(wrongWith(worked)).toEqual([expect.stringMatching(/difficulty 1e-9 is work \d+, and \d+ is kept/)]);
    expect(wrongWith(twice)).toEqual([expect.stringContaining('another accepted share has the same header')]);
    // None besides.
    const named = [moved, rejected, worked, twice].flatMap(wrongWith);
    expect(of('share').filter((detail) => !named.includes(detail))).toEqual([]);
    for (const { job_id } of [rejected, worked, twice, slice]) {
      expect(of('slice').some((detail) => detail.includes(`on job ${job_id},`))).toBe(true);
    }
    expect(of('reward')).toContainEqual(
      expect.stringMatching(new RegExp(`^block ${hash} .*: the credit of ${BOB} is kept as \\d+, and \\d+ comes out`)),
    );
    expect(of('books')).toContainEqual(expect.stringContaining('entry-hash: entry 2 '));
  });

  /** Changes a credit of bob, the second entry, and bob's slice of a job; nothing of the pool would. */
  function changeLedger(): { readonly hash: string; readonly slice: { readonly job_id: string } } {
    const ledger = new Database(join(data, 'ledger.db'));
    // Triggers refuse it.
    for (const trigger of ledger.prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'").pluck().all()) {
      ledger.exec(`DROP TRIGGER ${String(trigger)}`);
    }
    const hash = ledger.prepare('SELECT hash FROM block_credits WHERE account = ? ORDER BY hash').pluck().get(BOB);
    const jobId = ledger
      .prepare(
        'SELECT job_id FROM slices WHERE account = ? AND job_id IN (SELECT job_id FROM jobs WHERE sealed_work IS NOT NULL)',
      )
      .pluck()
      .get(BOB);
    ledger.prepare('UPDATE block_credits SET sats = sats + 1 WHERE hash = ? AND account = ?').run(hash, BOB);
    ledger.exec('UPDATE entries SET at_ms = at_ms + 1 WHERE id = 2');
    ledger.prepare('UPDATE slices SET shares = shares + 1 WHERE job_id = ? AND account = ?').run(jobId, BOB);
    ledger.close();
    return { hash: String(hash), slice: { job_id: String(jobId) } };
  }
});
