import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { ShipState } from '#books/analytics/ship-state';
import type { Insert } from '#books/analytics/warehouse';
import { LogReaders } from '#shares/sharelog/consumers/log-readers';
import { type Journal, openJournal } from '#shares/sharelog/journal/journal';
import { gatewayJournal, POOL_JOURNAL } from '#shares/sharelog/journal/journals';
import { HEAD_BYTES } from '#shares/sharelog/segments/segment';
import { listSegments, segmentPath } from '#shares/sharelog/segments/segment-files';
import { clock, folderPerTest, judgedShare, keptLogger, put, shipperInto } from '../../shares/sharelog/fixtures.ts';

const folder = folderPerTest();

/** The pool's own journal, or a gateway's. */
async function journalOf(slot: number | undefined): Promise<Journal> {
  const journal = slot === undefined ? POOL_JOURNAL : gatewayJournal(slot);
  const made = await openJournal(
    { folder: folder.path, journal, node: 'n', consumers: ['analytics'], segmentBytes: 1_500 },
    { clock, logger: keptLogger() },
  );
  return folder.opened(made);
}

/** What has been shipped so far, as the disk has it. */
function stateOf(): ShipState {
  return new ShipState(folder.path, 'x');
}

describe('the shipper', () => {
  it('takes what all journals have, each in its order, each batch once, and tells each how far', async () => {
    const journals = [await journalOf(undefined), await journalOf(0), await journalOf(1)];
    const rows: unknown[] = [];
    const inserts: Insert[] = [];
    const delivered: Record<string, number> = {};
    const take = (insert: Insert, more: readonly unknown[]): void => {
      inserts.push(insert);
      rows.push(...more);
    };
    const shipper = shipperInto(folder, take, {
      delivered: (journal, seq) => {
        delivered[journal] = seq;
      },
    });
    for (let i = 0; i < 30; i += 1) await Promise.all(journals.map((journal, index) => put(journal, index * 100 + i)));
    shipper.start();
    await shipper.caughtUp();
    await shipper.stop();
    expect(inserts).toHaveLength(1);
    for (const first of [0, 100, 200]) {
      const own = rows.filter((nonce) => Math.floor(Number(nonce) / 100) * 100 === first);
      expect(own).toEqual(Array.from({ length: 30 }, (_, i) => first + i));
    }
    expect(delivered).toEqual({ sharelog: 30, 'sharelog-1': 30, 'sharelog-2': 30 });
    expect(shipper.status()).toMatchObject({ lagRows: 0, lagMs: 0, shippedRows: 90, lastError: '' });
  });

  it('sends the same shipment under the same token until that is answered, and a journal that came meanwhile with the next', async () => {
    const one = await journalOf(0);
    const two = await journalOf(1);
    await put(one, 1);
    await put(two, 2);
    const tokens: string[] = [];
    let lost = 2;
    const take = ({ token }: Insert): void => {
      tokens.push(token);
      if (lost-- > 0) throw new Error('the answer is lost');
    };
    const first = shipperInto(folder, take);
    first.start();
    await expect.poll(() => tokens.length).toBe(1);
    await first.stop();
    const three = await journalOf(2);
    await put(one, 3);
    await put(three, 4);
    // Another process, as after a crash: it has nothing but what is on the disk.
    const second = shipperInto(folder, take);
    second.start();
    await expect.poll(() => tokens.length).toBe(4);
    await second.stop();
    const [sealed = ''] = tokens;
    expect(tokens.slice(0, 3)).toEqual([sealed, sealed, sealed]);
    expect(sealed.split('+')).toHaveLength(2);
    const life = ({ logId }: Journal): string => `${logId}/[0-9a-f]{16}`;
    expect(sealed).toMatch(new RegExp(`${life(one)}/1-1`));
    expect(tokens[3]).toMatch(new RegExp(`${life(one)}/2-2`));
    expect(tokens[3]).toMatch(new RegExp(`${life(three)}/1-1`));
  });

  it('keeps within the bounds of a shipment, and passes no journal over for ever', async () => {
    const one = await journalOf(0);
    const two = await journalOf(1);
    const shares = (to: Journal, count: number): Promise<void> => {
      for (let i = 0; i < count; i += 1) to.share(judgedShare({ share: { nonce: i } }));
      return new Promise((resolve) => to.commit(resolve));
    };
    // More than half of a shipment each (limits.shipmentRowsMax is 200,000).
    for (let i = 0; i < 3; i += 1) {
      await shares(one, 50_000);
      await shares(two, 50_000);
    }
    const sizes: number[] = [];
    const shipper = shipperInto(folder, (_insert, rows) => sizes.push(rows.length));
    shipper.start();
    await shipper.caughtUp();
    await shipper.stop();
    expect(Math.max(...sizes)).toBeLessThanOrEqual(200_000);
    expect(sizes.reduce((a, b) => a + b, 0)).toBe(300_000);
    expect(sizes.length).toBeLessThanOrEqual(3);
  });

  it('sends few large shipments, one a second, though the journals grow all the time', async () => {
    const one = await journalOf(0);
    const two = await journalOf(1);
    const shipped: (readonly unknown[])[] = [];
    let nowMs = 0;
    let looks = 0;
    const monotonicMs = (): number => {
      looks += 1;
      return nowMs;
    };
    const shipper = shipperInto(folder, (_insert, nonces) => shipped.push(nonces), {
      clock: { ...clock, monotonicMs },
    });
    /** The shipper has looked at the log since, and at the clock, more than once. */
    const looked = (): Promise<void> => {
      const until = looks + 3;
      return expect.poll(() => looks).toBeGreaterThan(until);
    };
    await put(one, 0);
    shipper.start();
    await expect.poll(() => shipped).toEqual([[0]]);
    await put(one, 1);
    await put(two, 2);
    await looked();
    nowMs = 999;
    await put(one, 3);
    await looked();
    expect(shipped).toHaveLength(1);
    nowMs = 1000;
    await expect.poll(() => shipped.map((nonces) => nonces.toSorted())).toEqual([[0], [1, 2, 3]]);
    await shipper.stop();
  });

  it('stops at what can not be read, and says so', async () => {
    const log = await journalOf(undefined);
    for (let i = 0; i < 20; i += 1) await put(log, i);
    await log.close();
    const path = join(folder.path, POOL_JOURNAL);
    const [, second = 0] = listSegments(path) ?? [];
    const readers = new LogReaders(folder.path);
    folder.opened(readers);
    const [head] = readers.all()[0]?.heads(second - 1, { rowsMax: 1, bytesMax: 1 }) ?? [];
    const fd = openSync(segmentPath(path, second), 'r+');
    // In the body of the segment's second frame.
    writeSync(fd, Buffer.from('XXXX'), 0, 4, HEAD_BYTES + (head?.bytes ?? 0) + HEAD_BYTES + 3);
    closeSync(fd);
    await journalOf(undefined);
    const got: unknown[] = [];
    const shipper = shipperInto(folder, (_insert, nonces) => got.push(...nonces));
    shipper.start();
    await expect
      .poll(() => shipper.status().lastError)
      .toMatch(/^the batches [0-9]+ to [0-9]+ of the log can not be read$/);
    await shipper.stop();
    // What is behind it waits for somebody to mend it: it is neither shipped nor let go of.
    expect(got).toEqual(Array.from({ length: second }, (_, nonce) => nonce));
    expect(shipper.status().lagRows).toBe(20 - second);
  });

  it('reads no more of the log than what the shipment is of', async () => {
    const log = await journalOf(undefined);
    for (let i = 0; i < 200; i += 1) await put(log, i);
    const readers = new LogReaders(folder.path);
    const state = stateOf();
    const [reader] = readers.all();
    if (reader === undefined) throw new Error('no log');
    state.seal([{ log: reader.lives.at(-1) ?? '', first: 1, last: 2, rows: 2, rowsTotal: 2 }]);
    const looked = vi.spyOn(reader, 'heads');
    let tries = 0;
    const fail = (): void => {
      tries += 1;
      throw new Error('not taken');
    };
    const shipper = shipperInto(folder, fail, { readers, state });
    shipper.start();
    await expect.poll(() => tries).toBe(1);
    await shipper.stop();
    const sent = looked.mock.results.filter((_, call) => looked.mock.calls[call]?.[1].last !== undefined);
    expect(sent.map(({ value }) => (value as unknown[]).length)).toEqual([2]);
  });
});
