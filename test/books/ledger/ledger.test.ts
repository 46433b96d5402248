import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '#base/config/load';
import type { Clock } from '#base/domain/ports';
import { LEDGER_CONSUMER, type Ledger, type LedgerOptions, startLedger } from '#books/ledger/ledger';
import { LEDGER_FILE, openLedger, readLedger } from '#books/ledger/ledger-db';
import { askPayouts } from '#books/ledger/payouts/payout-server';
import { payoutOptions } from '#pool/payout-rules';
import { blocksOptions } from '#pool/payout-terms';
import { openShareLog, type ShareLog } from '#shares/sharelog/log';
import { dataFolder, keptLogger, terms } from '../../shares/sharelog/fixtures.ts';
import { contents, jobOf, shareOf } from './slices/support.ts';

const clock: Clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };

let folder: ReturnType<typeof dataFolder>;
let rig: Rig | undefined;
beforeEach(() => {
  folder = dataFolder();
});
afterEach(async () => {
  await rig?.close();
  rig = undefined;
  await folder.remove();
});

/** A share log and the ledger behind it. */
interface Rig {
  readonly log: ShareLog;
  readonly ledger: Ledger;
  readonly lines: readonly string[];
  commit(serial: number, account: string, count: number): Promise<void>;
  close(): Promise<void>;
}

async function openRig(options: Partial<LedgerOptions> = {}): Promise<Rig> {
  const logger = keptLogger();
  const { path } = folder;
  const log = await openShareLog({ folder: path, node: 'n', consumers: [LEDGER_CONSUMER] }, { clock, logger });
  const ledger = await startLedger(
    {
      folder: path,
      network: 'regtest',
      orphans: new Map(),
      blocks: blocksOptions(loadConfig({ env: {} })),
      firstSerial: 0,
      payouts: payoutOptions(loadConfig({ env: {} })),
      ...options,
    },
    { logger, delivered: (_journal, seq) => log.confirm(LEDGER_CONSUMER, seq) },
  );
  return {
    log,
    ledger,
    lines: logger.lines,
    commit(serial, account, count) {
      for (let i = 0; i < count; i += 1) log.share(shareOf(jobOf(serial), account));
      return new Promise((resolve) => log.commit(resolve));
    },
    async close() {
      await ledger.close();
      await log.close();
    },
  };
}

/** The ledger of the folder, when no process has it. */
function written(): Record<string, [bigint, number]> {
  const database = readLedger(folder.path);
  const all = contents(database);
  database.close();
  return all;
}

describe('the ledger process', () => {
  it('counts each share once, however often it is killed', { timeout: 120_000 }, async () => {
    const kills = 6;
    const opened = await openRig();
    rig = opened;
    let shares = 0;
    for (let kill = 0; kill < kills; kill += 1) {
      const before = opened.ledger.status().restarts;
      await vi.waitFor(() => expect(opened.ledger.status().reporting).toBe(true), { timeout: 30_000, interval: 10 });
      for (let batch = 0; batch < 20; batch += 1) {
        await opened.commit(1 + (batch % 3), `a${batch % 5}`, 500);
        shares += 500;
      }
      // Not a wait for something to happen: each kill falls on another part of the work.
      await new Promise((resolve) => setTimeout(resolve, kill * 150));
      const { pid } = opened.ledger.status();
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
      await vi.waitFor(() => expect(opened.ledger.status().restarts).toBeGreaterThan(before), { timeout: 30_000 });
    }
    await vi.waitFor(() => expect(opened.log.status().keptRows).toBe(0), { timeout: 30_000 });
    await opened.close();
    rig = undefined;
    const all = Object.values(written());
    expect(all.length).toBe(15);
    expect(all.reduce((sum, [, count]) => sum + count, 0)).toBe(shares);
    expect(all.reduce((sum, [work]) => sum + work, 0n)).toBe(BigInt(shares) * terms.work);
  });

  it('says why it can not start while another process has the ledger', { timeout: 60_000 }, async () => {
    const other = openLedger(folder.path);
    rig = await openRig();
    const { ledger, lines } = rig;
    await vi.waitFor(() => expect(ledger.status().reason).toMatch(/another process writes ledger\.db/), {
      timeout: 30_000,
    });
    expect(lines).toContain('the ledger could not start; it will be tried again');
    other.close();
    await vi.waitFor(() => expect(ledger.status().healthy).toBe(true), { timeout: 30_000 });
  });

  it('sees that the books were edited beside it, pays nothing while that stands, and says so once', {
    timeout: 60_000,
  }, async () => {
    rig = await openRig();
    const { ledger, lines } = rig;
    const plan = async (): Promise<unknown> =>
      JSON.parse((await askPayouts(folder.path, { verb: 'plan', argument: '' }))?.body ?? '{}');
    await vi.waitFor(() => expect(ledger.status()).toMatchObject({ reporting: true, faults: 0 }), { timeout: 30_000 });
    await vi.waitFor(async () =>
      expect(await plan()).toEqual(expect.not.objectContaining({ alarm: expect.anything() })),
    );
    const editor = new Database(join(folder.path, LEDGER_FILE), { timeout: 5_000 });
    editor.exec("INSERT INTO balances VALUES ('payable:mallory', -5), ('own:fee', 5)");
    await vi.waitFor(() => expect(ledger.status()).toMatchObject({ healthy: false, faults: 2 }), { timeout: 30_000 });
    expect(ledger.status().reason).toContain('balance-fold: own:fee is kept as 5');
    expect(await plan()).toMatchObject({ alarm: expect.stringContaining('the books do not hold') });
    // A turn later: the fault stands, and is no news.
    editor.exec("UPDATE balances SET sats = -6 WHERE account = 'payable:mallory'");
    const { restarts } = ledger.status();
    await vi.waitFor(() => expect(ledger.status().faults).toBe(2));
    const told = () => lines.filter((line) => line === 'the ledger can not go on');
    expect(told().length).toBeLessThanOrEqual(2);
    editor.exec('DELETE FROM balances');
    editor.close();
    await vi.waitFor(() => expect(ledger.status()).toMatchObject({ healthy: true, faults: 0 }), { timeout: 30_000 });
    expect(await plan()).toEqual(expect.not.objectContaining({ alarm: expect.anything() }));
    expect(ledger.status().restarts).toBe(restarts);
    // The books, and payouts because of them.
    expect(told().length).toBeLessThanOrEqual(2);
  });
});
