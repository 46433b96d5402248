import { expect, it } from 'vitest';
import type { Happening } from '#base/domain/happening';
import { HappeningQueue, HappeningWriter } from '#books/analytics/happenings';
import type { Warehouse } from '#books/analytics/warehouse';
import { folderPerTest } from '../../shares/sharelog/fixtures.ts';
import { openRig } from './support.ts';

const folder = folderPerTest();
const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const clock = { nowMs: () => NOW_MS };
const ban = (subject: string): Happening => ({
  ...{ table: 'events', timeMs: NOW_MS, kind: 'ban', subject, detail: "it's \\ bad\n", count: 1 },
});
const template: Happening = {
  ...{ table: 'templates', timeMs: NOW_MS, jobId: 'j', height: 7, transactions: 3, bytes: 900, feesSats: 42 },
  ...{ fetchMs: 1.5, announceMs: 0.25 },
};

it('keeps a bounded number of happenings, and counts the others in an event', () => {
  const queue = new HappeningQueue(clock);
  for (let i = 0; i < 10_250; i += 1) queue.put(ban('192.0.2.1'));
  const taken = queue.take();
  expect(taken).toHaveLength(10_001);
  expect(taken.at(-1)).toMatchObject({ kind: 'dropped', count: 250 });
  expect(queue.take()).toEqual([]);
});

it('tries a batch under its token until it is in, and keeps what comes meanwhile for the next', async () => {
  const sent: string[] = [];
  let failures = 2;
  const command = async (sql: string): Promise<void> => {
    sent.push(sql);
    if (failures-- > 0) throw new Error('the answer is lost');
  };
  const writer = new HappeningWriter('n', { database: 'sluice', command } as unknown as Warehouse, clock);
  writer.add([ban('first'), template]);
  for (let i = 0; i < 2; i += 1) {
    await expect(writer.flush()).rejects.toThrow('lost');
    writer.add([ban('later')]);
  }
  await writer.flush();
  await writer.flush();
  const tokens = sent.map((sql) => /token = '([^']*)'/.exec(sql)?.[1]);
  // The templates, three times the same; the first event; the later ones.
  expect(tokens.map((token) => tokens.indexOf(token))).toEqual([0, 0, 0, 3, 4]);
  expect(sent[3]).toContain('first');
  expect(sent[4]?.match(/later/g)).toHaveLength(2);
});

it('writes what the pool tells into its tables, also what was told as the pool stops', async () => {
  const rig = await openRig(folder.path);
  rig.analytics.tell(ban('192.0.2.1'));
  rig.analytics.tell(template);
  await expect
    .poll(() => rig.one('SELECT kind, subject, detail, count FROM events'), { timeout: 30_000 })
    .toBe("ban\t192.0.2.1\tit\\'s \\\\ bad\\n\t1");
  expect(await rig.one('SELECT * EXCEPT node FROM templates')).toBe(
    '2026-01-02 03:04:05.678\tj\t7\t3\t900\t42\t1.5\t0.25',
  );
  rig.analytics.tell(ban('as it stops'));
  await rig.close();
  const again = await openRig(folder.path);
  folder.opened(again);
  expect(await again.one("SELECT count() FROM events WHERE subject = 'as it stops'")).toBe('1');
}, 120_000);
