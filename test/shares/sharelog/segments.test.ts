import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LogReader, openLogReader } from '#shares/sharelog/consumers/log-reader';
import { POOL_JOURNAL } from '#shares/sharelog/journal/journals';
import { openShareLog, type ShareLog, type ShareLogOptions } from '#shares/sharelog/log';
import { decodeHead, encodeHead, HEAD_BYTES } from '#shares/sharelog/segments/segment';
import { listSegments, segmentPath, sparePaths } from '#shares/sharelog/segments/segment-files';
import { SegmentStore } from '#shares/sharelog/segments/segment-store';
import { clock, folderPerTest, judgedShare, keptLogger, noncesOf, put } from './fixtures.ts';

const BOUNDS = { rowsMax: 1e9, bytesMax: 1e9 };
const head = {
  kind: 'shares',
  format: 1,
  rowsTotal: 9,
  bytesTotal: 99,
  storedMs: 1_767_323_045_678,
  epoch: 7,
  place: 2,
} as const;

describe('a frame', () => {
  it('decodes to its rows, and any changed or cut frame is detected', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.integer({ min: 1, max: 2 ** 53 - 1 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (body, seq, place, flip) => {
          const full = { ...head, seq, rows: 3, bytes: body.length };
          const frame = Buffer.concat([encodeHead(full, body), body]);
          expect(decodeHead(frame, seq)).toEqual(full);
          expect(decodeHead(Buffer.concat([frame, Buffer.alloc(9)]), seq)).toEqual(full);
          const other = decodeHead(frame, seq === 1 ? 2 : seq - 1);
          expect(other).toBeUndefined();
          for (const length of [0, HEAD_BYTES - 1, HEAD_BYTES, frame.length - 1]) {
            if (length < frame.length) expect(decodeHead(frame.subarray(0, length), seq)).toHaveProperty('partial');
          }
          const at = place % frame.length;
          frame[at] = (frame[at] ?? 0) ^ flip;
          const damaged = decodeHead(frame, seq);
          expect(damaged === undefined || 'partial' in damaged).toBe(true);
        },
      ),
    );
  });

  it('of a kind that a later version writes stops the reader', () => {
    const body = new Uint8Array(3);
    const bytes = encodeHead({ ...head, kind: 'unheard-of' as never, seq: 1, rows: 1, bytes: 3 }, body);
    expect(() => decodeHead(Buffer.concat([bytes, body]), 1)).toThrow(/unknown kind/);
  });
});

describe('the log’s files', () => {
  const folder = folderPerTest();

  async function openLog(segmentBytes: number, options: Partial<ShareLogOptions> = {}): Promise<ShareLog> {
    const log = await openShareLog(
      { folder: folder.path, node: 'pool-1', consumers: ['analytics'], segmentBytes, ...options },
      { clock, logger: keptLogger() },
    );
    return folder.opened(log);
  }
  function reader(): LogReader {
    const made = openLogReader(folder.path);
    if (made === undefined) throw new Error('there is no log');
    return folder.opened(made);
  }
  const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

  it('are read on while they are written, over as many as there are', async () => {
    const written = await openLog(1_000);
    const read = reader();
    expect(read.last()).toEqual({ seq: 0, rows: 0, bytes: 0 });
    for (let i = 0; i < 30; i += 1) {
      await put(written, i);
      expect(read.last()).toMatchObject({ seq: i + 1, rows: i + 1 });
      expect(noncesOf(read)).toEqual(upTo(i + 1));
    }
    expect(listSegments(join(folder.path, POOL_JOURNAL))?.length).toBeGreaterThan(5);
    expect(read.heads(12, { rowsMax: 3, bytesMax: 1e9 }).map(({ seq }) => seq)).toEqual([13, 14, 15]);
    expect(read.heads(12, { rowsMax: 1e9, bytesMax: 1 }).map(({ seq }) => seq)).toEqual([13]);
    expect(read.heads(30, BOUNDS)).toEqual([]);
  });

  it('are read whole by a reader that has not looked for a while', async () => {
    const written = await openLog(1_000);
    const read = reader();
    let count = 0;
    for (const more of [2, 30, 1, 25, 40]) {
      for (let i = 0; i < more; i += 1) await put(written, count++);
      expect(noncesOf(read)).toEqual(upTo(count));
      expect(read.heads(0, BOUNDS)).toHaveLength(count);
    }
  });

  it('are written over when they are confirmed, which no reader takes for anything new', async () => {
    const written = await openLog(1_000);
    for (let round = 0; round < 12; round += 1) {
      for (let i = 0; i < 20; i += 1) await put(written, round * 20 + i);
      const { seq } = reader().last();
      expect(seq).toBe((round + 1) * 20);
      written.confirm('analytics', seq);
      await expect.poll(() => listSegments(join(folder.path, POOL_JOURNAL))?.length).toBeLessThan(3);
    }
    const spares = (): string[] => readdirSync(join(folder.path, 'sharelog')).filter((name) => /^spare/.test(name));
    await expect.poll(spares).toHaveLength(4);
    await written.close();
    const again = await openLog(1_000);
    await put(again, 240);
    expect(reader().last()).toMatchObject({ seq: 241, rows: 241 });
    expect(noncesOf(reader()).at(-1)).toBe(240);
  });

  it('have their blocks before they are written, also while nothing is confirmed', async () => {
    const sizeOf = (path: string): number => statSync(path).size;
    const written = await openLog(1_000);
    await put(written, 0);
    expect(sizeOf(segmentPath(join(folder.path, POOL_JOURNAL), 1))).toBe(1_000);

    const store = folder.opened(new SegmentStore(folder.path, 1_000));
    const spares = (): string[] => sparePaths(folder.path, 4).filter((path) => existsSync(path));
    await store.prepare();
    for (let seq = 1; seq <= 6; seq += 1) {
      await store.make(seq);
      expect(sizeOf(segmentPath(folder.path, seq))).toBe(1_000);
      // The next one is in the making without being asked for.
      await expect.poll(() => spares().map(sizeOf)).toEqual([1_000]);
      await store.prepare();
    }
  });

  it('end before a frame that a power cut has torn, wherever it tore', async () => {
    const first = await openLog(100_000);
    for (let i = 0; i < 3; i += 1) await put(first, i);
    await first.close();
    const path = segmentPath(join(folder.path, POOL_JOURNAL), 1);
    const whole = readFileSync(path);
    const read = reader();
    const heads = read.heads(0, BOUNDS);
    const [start, end] = [2, 3].map((count) =>
      heads.slice(0, count).reduce((sum, { bytes }) => sum + HEAD_BYTES + bytes, 0),
    ) as [number, number];
    for (let cut = start; cut < end; cut += 7) {
      const torn = Buffer.from(whole);
      torn.fill(0, cut, end);
      writeFileSync(path, torn);
      const next = await openLog(100_000);
      // The share that was torn was never acknowledged; its number is used for another.
      await put(next, 1000 + cut);
      await next.close();
      expect(noncesOf(reader())).toEqual([0, 1, 1000 + cut]);
    }
  });

  it('never bring back what stood behind a torn frame', async () => {
    // Four frames of one write, the third torn and the fourth whole: the disk writes pages in what order it likes.
    const first = await openLog(100_000, { batchRowsMax: 1 });
    for (let i = 0; i < 4; i += 1) first.share(judgedShare({ share: { nonce: i } }));
    await new Promise<void>((resolve) => first.commit(resolve));
    await first.close();
    const frame = HEAD_BYTES + (reader().heads(0, BOUNDS)[0]?.bytes ?? 0);
    const fd = openSync(segmentPath(join(folder.path, POOL_JOURNAL), 1), 'r+');
    writeSync(fd, new Uint8Array(4), 0, 4, 2 * frame + HEAD_BYTES);
    closeSync(fd);
    const second = await openLog(100_000);
    expect(reader().last()).toMatchObject({ seq: 2 });
    // As long as the torn one, so that the old fourth frame stands right behind it, with the right number.
    await put(second, 22);
    expect(reader().last()).toMatchObject({ seq: 3, rows: 3 });
    expect(noncesOf(reader())).toEqual([0, 1, 22]);
    await put(second, 23);
    expect(noncesOf(reader())).toEqual([0, 1, 22, 23]);
  });

  it('go on after a crash between two of them', async () => {
    const first = await openLog(1);
    for (let i = 0; i < 3; i += 1) await put(first, i);
    await first.close();
    writeFileSync(segmentPath(join(folder.path, POOL_JOURNAL), 4), '');
    expect(reader().last()).toMatchObject({ seq: 3 });
    const second = await openLog(1);
    await put(second, 3);
    expect(noncesOf(reader())).toEqual([0, 1, 2, 3]);
    await second.close();
    truncateSync(segmentPath(join(folder.path, POOL_JOURNAL), 2), 5);
    await expect(openLog(1)).rejects.toThrow(/do not make a log/);
  });
});
