import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Insert } from '#books/analytics/warehouse';
import { Deliveries } from '#shares/sharelog/consumers/deliveries';
import { openLogReader } from '#shares/sharelog/consumers/log-reader';
import { type Journal, type JournalOptions, openJournal } from '#shares/sharelog/journal/journal';
import { gatewayJournal, listJournals, POOL_JOURNAL } from '#shares/sharelog/journal/journals';
import { type Orphans, openOrphans } from '#shares/sharelog/journal/orphans';
import { mergeStatuses } from '#shares/sharelog/share-log';
import { clock, folderPerTest, keptLogger, noncesOf, put, shipperInto } from './fixtures.ts';

const folder = folderPerTest();

const options = (journal: string): JournalOptions => ({
  folder: folder.path,
  journal,
  node: 'n',
  consumers: ['analytics'],
  segmentBytes: 1_500,
});

async function journalOf(slot: number | undefined, ready?: () => Promise<void> | undefined): Promise<Journal> {
  const name = slot === undefined ? POOL_JOURNAL : gatewayJournal(slot);
  const journal = await openJournal(options(name), { clock, logger: keptLogger(), ...(ready && { ready }) });
  return folder.opened(journal);
}

const storedIn = (journal: string): unknown[] => {
  const reader = openLogReader(folder.path, journal);
  const nonces = reader && noncesOf(reader);
  reader?.close();
  return nonces ?? [];
};

describe('the journals of a share log', () => {
  it('are each one process’s to append to', async () => {
    await journalOf(0);
    await expect(journalOf(0)).rejects.toThrow(/sharelog-1\/ is in use/);
    await journalOf(1);
    expect(listJournals(folder.path)).toEqual(['sharelog-1', 'sharelog-2']);
  });

  it('wait for the process before, if configured', async () => {
    const first = await journalOf(0);
    const second = openJournal({ ...options('sharelog-1'), lockMsMax: 5_000 }, { clock, logger: keptLogger() });
    await put(first, 1);
    await first.close();
    folder.opened(await second);
    expect(storedIn('sharelog-1')).toEqual([1]);
  });

  it('append nothing before its promise resolves, and everything in order', async () => {
    let there = (): void => {};
    let ready: Promise<void> | undefined = new Promise((resolve) => {
      there = resolve;
    });
    const journal = await journalOf(0, () => ready);
    const order: number[] = [];
    const first = put(journal, 1).then(() => order.push(1));
    ready = undefined;
    const second = put(journal, 2).then(() => order.push(2));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(storedIn('sharelog-1')).toEqual([]);
    there();
    await Promise.all([first, second, put(journal, 3).then(() => order.push(3))]);
    expect(order).toEqual([1, 2, 3]);
    expect(storedIn('sharelog-1')).toEqual([1, 2, 3]);
  });

  it('say as one how they are', async () => {
    const [one, two] = [await journalOf(0), await journalOf(1)];
    await put(one, 1);
    await put(two, 2);
    await put(two, 3);
    const well = mergeStatuses([one.status(), two.status()]);
    expect(well).toMatchObject({ healthy: true, reason: '', keptRows: 3, keptBatches: 3 });
    const ill = { ...two.status(), healthy: false, reason: 'disk full' };
    expect(mergeStatuses([one.status(), ill])).toMatchObject({ healthy: false, reason: 'disk full' });
  });
});

describe('the journal of a gateway that is not started any more', () => {
  const adopt = async (deliveries: Deliveries, consumers: readonly string[] = ['analytics']): Promise<Orphans> => {
    const orphans = await openOrphans(
      { folder: folder.path, node: 'n', consumers, owned: [POOL_JOURNAL, gatewayJournal(0)] },
      { clock, logger: keptLogger(), deliveries },
    );
    return folder.opened(orphans);
  };

  it('is kept until all of it is delivered, and then goes with its lock', async () => {
    await journalOf(undefined);
    for (const slot of [0, 1, 2]) {
      const journal = await journalOf(slot);
      await put(journal, 1);
      await put(journal, 2);
      if (slot > 0) await journal.close();
    }
    const deliveries = new Deliveries();
    // A consumer that is quicker than the pool.
    deliveries.delivered('analytics', 'sharelog-3', 2);
    const orphans = await adopt(deliveries);
    await expect.poll(() => existsSync(join(folder.path, 'sharelog-3'))).toBe(false);
    expect(orphans.statuses()).toMatchObject([{ keptRows: 2 }]);
    deliveries.delivered('analytics', 'sharelog-2', 1);
    expect(storedIn('sharelog-2')).toEqual([1, 2]);
    deliveries.delivered('analytics', 'sharelog-2', 2);
    await expect
      .poll(() =>
        readdirSync(folder.path)
          .filter((name) => /^sharelog(-\d)?(\.lock)?$/.test(name))
          .sort(),
      )
      .toEqual(['sharelog', 'sharelog-1', 'sharelog-1.lock', 'sharelog.lock']);
    expect(orphans.statuses()).toEqual([]);
  });

  it('gets marks, which neither keep it nor are waited for', async () => {
    for (const slot of [undefined, 1, 2]) {
      const journal = await journalOf(slot);
      await put(journal, 1);
      await journal.close();
    }
    const deliveries = new Deliveries();
    const orphans = await adopt(deliveries);
    orphans.closed(0x200000);
    await expect.poll(() => orphans.statuses().map(({ keptBatches }) => keptBatches)).toEqual([2, 2]);
    const reader = openLogReader(folder.path, 'sharelog-2');
    expect([reader?.closedSerial(1, 1), reader?.closedSerial(1, 2)]).toEqual([undefined, 0x200000]);
    reader?.close();
    // The shares, and not the mark behind them.
    deliveries.delivered('analytics', 'sharelog-2', 1);
    await expect.poll(() => existsSync(join(folder.path, 'sharelog-2'))).toBe(false);
    expect(existsSync(join(folder.path, 'sharelog-3'))).toBe(true);
  });

  it('waits for its gateway to end, and leaves no journal locked if that takes too long', async () => {
    const [first, second] = [await journalOf(1), await journalOf(2)];
    await put(first, 1);
    await put(second, 1);
    await first.close();
    const adopting = adopt(new Deliveries());
    await new Promise((resolve) => setTimeout(resolve, 100));
    await second.close();
    const orphans = await adopting;
    expect(orphans.statuses()).toHaveLength(2);
    await orphans.close();
    const held = await journalOf(2);
    await expect(adopt(new Deliveries())).rejects.toThrow(/sharelog-3\/ is in use/);
    await held.close();
    expect((await adopt(new Deliveries())).statuses()).toHaveLength(2);
  });

  it('is the only folder whose leftover is removed', async () => {
    await journalOf(undefined);
    for (const name of ['sharelog.gone', 'notes.gone', 'sharelog-7.gone']) mkdirSync(join(folder.path, name));
    await adopt(new Deliveries());
    expect(readdirSync(folder.path).filter((name) => name.endsWith('.gone'))).toEqual(['notes.gone', 'sharelog.gone']);
  });

  it('may have been taken away by hand: what it had is gone, and the others go on', async () => {
    const [one, two] = [await journalOf(0), await journalOf(1)];
    await put(one, 1);
    await put(two, 2);
    const tokens: string[] = [];
    const rows: unknown[] = [];
    let lost = true;
    const take = ({ token }: Insert, more: readonly unknown[]): void => {
      tokens.push(token);
      if (lost) throw new Error('the answer is lost');
      rows.push(...more);
    };
    const first = shipperInto(folder, take);
    first.start();
    await expect.poll(() => tokens.length).toBe(1);
    await first.stop();
    await two.close();
    rmSync(join(folder.path, 'sharelog-2'), { recursive: true });
    lost = false;
    const second = shipperInto(folder, take);
    second.start();
    await put(one, 3);
    await expect.poll(() => rows).toEqual([1, 3]);
    await second.stop();
    // Both may have been in already: then this is the second copy.
    expect(tokens[1]).toBe(tokens[0]);
  });

  it('stays if the log has no consumers', async () => {
    const journal = await journalOf(4);
    await put(journal, 1);
    await journal.close();
    expect((await adopt(new Deliveries(), [])).statuses()).toEqual([]);
    expect(storedIn('sharelog-5')).toEqual([1]);
  });

  it('is another one when it is made again: what the old one had delivered says nothing of it', async () => {
    const first = await journalOf(1);
    await put(first, 1);
    await put(first, 2);
    await first.close();
    const rows: unknown[] = [];
    const deliveries = new Deliveries();
    const shipper = shipperInto(folder, (_insert, more) => rows.push(...more), {
      delivered: (journal, seq) => deliveries.delivered('analytics', journal, seq),
    });
    shipper.start();
    await shipper.caughtUp();
    await adopt(deliveries);
    await expect.poll(() => existsSync(join(folder.path, 'sharelog-2'))).toBe(false);
    const again = await journalOf(1);
    await put(again, 3);
    await shipper.caughtUp();
    await shipper.stop();
    expect(rows).toEqual([1, 2, 3]);
    expect(shipper.status().lastError).toBe('');
  });
});
