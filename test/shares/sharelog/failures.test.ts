import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  write,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { type LogReader, openLogReader } from '#shares/sharelog/consumers/log-reader';
import { openJournal } from '#shares/sharelog/journal/journal';
import { POOL_JOURNAL } from '#shares/sharelog/journal/journals';
import { openShareLog, type ShareLog, type ShareLogModules, type ShareLogOptions } from '#shares/sharelog/log';
import type { Disk } from '#shares/sharelog/segments/disk';
import { HEAD_BYTES } from '#shares/sharelog/segments/segment';
import { listSegments, segmentPath } from '#shares/sharelog/segments/segment-files';
import { clock, failingDisk, folderPerTest, foundBlock, judgedShare, keptLogger, noncesOf, put } from './fixtures.ts';

const fault = vi.hoisted(() => ({ folderSync: 0, fdatasync: 0 }));
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  return {
    ...real,
    open: async (path: string, flags: string, mode?: number) => {
      if (fault.folderSync > 0 && flags === 'r' && path.endsWith('sharelog')) {
        fault.folderSync -= 1;
        throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
      }
      return real.open(path, flags, mode);
    },
  };
});
vi.mock('node:fs', async (original) => {
  const real = await original<typeof import('node:fs')>();
  return {
    ...real,
    fdatasyncSync: (fd: number) => {
      if (fault.fdatasync > 0) {
        fault.fdatasync -= 1;
        throw Object.assign(new Error('EIO: fdatasync'), { code: 'EIO' });
      }
      real.fdatasyncSync(fd);
    },
  };
});

const folder = folderPerTest();
beforeEach(() => {
  fault.folderSync = 0;
  fault.fdatasync = 0;
});

async function openLog(
  options: Partial<ShareLogOptions> = {},
  modules: Partial<ShareLogModules> = {},
): Promise<ShareLog> {
  const log = await openShareLog(
    { folder: folder.path, node: 'n', consumers: ['analytics'], segmentBytes: 100_000, ...options },
    { clock, logger: keptLogger(), ...modules },
  );
  return folder.opened(log);
}

function reader(): LogReader {
  const made = openLogReader(folder.path);
  if (made === undefined) throw new Error('no log');
  return folder.opened(made);
}

const nonces = (from = reader()): unknown[] => noncesOf(from);
/** How many spares the log has. */
const spares = (): number =>
  readdirSync(join(folder.path, POOL_JOURNAL)).filter((name) => name.startsWith('spare')).length;
const BOUNDS = { rowsMax: 1e9, bytesMax: 1e9 };

describe('the share log, when things fail,', () => {
  it('starts again after a crash between a new file and its first frame, with everything confirmed', async () => {
    const first = await openLog();
    for (let i = 0; i < 3; i += 1) await put(first, i);
    await first.close();
    writeFileSync(segmentPath(join(folder.path, POOL_JOURNAL), 4), ''); // killed after make(4), before its write
    const second = await openLog();
    second.confirm('analytics', 3); // the child says where it is as it starts
    await delay(50);
    await second.close(); // or kill -9: no row was written (bitcoind away, a port taken)
    await expect(openLog()).resolves.toBeDefined();
  });

  it('starts again after a full disk has cut the first frame of a file short, with everything before confirmed', async () => {
    const d = failingDisk(1e9);
    const first = await openLog({ segmentBytes: 1, closeMsMax: 50 }, { disk: d.disk });
    await put(first, 0);
    d.room = 30;
    void put(first, 1);
    await expect.poll(() => first.status().reason).toBe('disk full');
    first.confirm('analytics', 1);
    await delay(50);
    await first.close();
    await expect(openLog()).resolves.toBeDefined();
  });

  it('tries nothing again once it is closed', async () => {
    const d = failingDisk(0);
    const first = await openLog({ closeMsMax: 50 }, { disk: d.disk });
    void put(first, 1);
    await expect.poll(() => first.status().reason).toBe('disk full');
    await first.close();
    d.room = 1e9;
    const second = await openLog();
    await put(second, 2); // acknowledged
    await delay(2_500);
    expect(nonces()).toEqual([2]);
  });

  it('lets no other pool in while the disk still has a write of this one', async () => {
    let land: (() => void) | undefined;
    const hanging: Disk = {
      writev(fd, pieces, position, callback) {
        const bytes = Buffer.concat(pieces);
        land = () => write(fd, bytes, 0, bytes.length, position, callback);
      },
    };
    const first = await openLog({ closeMsMax: 50 }, { disk: hanging });
    void put(first, 1);
    await expect.poll(() => land).toBeDefined();
    await first.close();
    const second = await openLog().catch(() => undefined);
    if (second) await put(second, 2);
    land?.();
    if (second) {
      await delay(50);
      expect(nonces()).toEqual([2]);
      return;
    }
    // Let in as soon as the write is through.
    await expect.poll(() => openLog().then(() => 'open')).toBe('open');
  });

  it('goes on after a file that every consumer has was deleted', async () => {
    const logger = keptLogger();
    const log = await openLog({ segmentBytes: 1 }, { logger });
    for (let i = 0; i < 6; i += 1) await put(log, i);
    rmSync(segmentPath(join(folder.path, POOL_JOURNAL), 2));
    for (let i = 1; i < 6; i += 1) log.confirm('analytics', i);
    await expect.poll(() => listSegments(join(folder.path, POOL_JOURNAL))).toEqual([6]);
  });

  it('does not write over acknowledged shares behind damage in the newest file', async () => {
    const log = await openLog();
    for (let i = 0; i < 10; i += 1) await put(log, i);
    await log.close();
    const path = segmentPath(join(folder.path, POOL_JOURNAL), 1);
    const frames = reader()
      .heads(0, BOUNDS)
      .map(({ bytes }) => HEAD_BYTES + bytes);
    const end = frames.reduce((sum, bytes) => sum + bytes, 0);
    const fd = openSync(path, 'r+');
    writeSync(fd, Buffer.from('XXXX'), 0, 4, (frames[0] ?? 0) + HEAD_BYTES + 3);
    closeSync(fd);
    const logger = keptLogger();
    // It may say that there is damage and go on behind it, or not start at all; but what is there stays.
    const before = readFileSync(path);
    await openLog({}, { logger }).then(
      async (log) => {
        await put(log, 99);
        expect(logger.lines).toContainEqual(expect.stringMatching(/damage|can not be read/));
      },
      (error: Error) => expect(error.message).toMatch(/damage|can not be read/),
    );
    expect(readFileSync(path).subarray(0, end).equals(before.subarray(0, end))).toBe(true);
  });

  it('goes on after the spare segments were deleted', async () => {
    const log = await openLog({ segmentBytes: 1_000 });
    for (let i = 0; i < 20; i += 1) await put(log, i);
    log.confirm('analytics', 19);
    await expect.poll(spares).toBe(4);
    for (let i = 0; i < 4; i += 1) rmSync(join(folder.path, `sharelog/spare-${i}`));
    for (let i = 0; i < 10; i += 1) await put(log, i);
    expect(nonces().slice(-10)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('refuses to start if its identity is lost', async () => {
    const first = await openLog();
    await put(first, 0);
    await first.close();
    const b = await openLog();
    await put(b, 1);
    await b.close();
    rmSync(join(folder.path, 'sharelog/identity.json'));
    await expect(openLog()).rejects.toThrow(/identity.json is older than the log, or gone/);
  });

  it('shows a reader every batch though a file was made at the second try', async () => {
    const log = await openLog({ segmentBytes: 1_000 });
    for (let i = 0; i < 20; i += 1) await put(log, i);
    log.confirm('analytics', 20);
    await expect.poll(spares).toBe(4);
    const read = reader();
    read.heads(20, BOUNDS);
    fault.folderSync = 3;
    const looks: string[] = [];
    const look = (): void => {
      read.last();
      looks.push(
        read
          .heads(20, BOUNDS)
          .map(({ seq }) => seq)
          .join(','),
      );
    };
    const poll = setInterval(look, 5);
    await put(log, 20);
    clearInterval(poll);
    for (let i = 21; i < 32; i += 1) {
      await put(log, i);
      look();
    }
    expect(looks.filter((l) => l !== '' && !l.startsWith('21'))).toEqual([]);
  });

  it('has every block candidate on the disk when it says so, and not before', async () => {
    const log = await openLog({ closeMsMax: 50 });
    rmSync(join(folder.path, 'candidates'), { recursive: true });
    writeFileSync(join(folder.path, 'candidates'), 'in the way');
    log.candidate(foundBlock());
    // A gateway acknowledges no share until it hears of this (test/cluster/pool-disk.test.ts).
    let kept = false;
    void log.kept().then(() => {
      kept = true;
    });
    let acknowledged = false;
    log.commit(() => {
      acknowledged = true;
    });
    await delay(300);
    expect([kept, acknowledged]).toEqual([false, false]);
    rmSync(join(folder.path, 'candidates'));
    mkdirSync(join(folder.path, 'candidates'));
    await expect.poll(() => [kept, acknowledged]).toEqual([true, true]);
  });

  it('is believed by a reader only when it is synced', async () => {
    const log = await openLog();
    const read = reader();
    await put(log, 0);
    fault.fdatasync = 1;
    expect(() => read.last()).toThrow(/EIO/);
    fault.fdatasync = 1; // still failing: must throw again, not believe
    expect(() => read.last()).toThrow(/EIO/);
  });

  it('is readable only by its owner', async () => {
    const old = process.umask(0o022);
    try {
      const log = await openLog();
      folder.opened(
        await openJournal(
          { folder: folder.path, journal: 'sharelog-1', node: 'n', consumers: [] },
          { clock, logger: keptLogger() },
        ),
      );
      log.candidate(foundBlock());
      await new Promise<void>((r) => log.commit(r));
      const modes = Object.fromEntries(
        ['sharelog', 'sharelog-1', 'candidates'].map((f) => [
          f,
          (statSync(join(folder.path, f)).mode & 0o777).toString(8),
        ]),
      );
      expect(modes).toEqual({ sharelog: '700', 'sharelog-1': '700', candidates: '700' });
    } finally {
      process.umask(old);
    }
  });

  it('takes a commit that is larger than a file', async () => {
    const log = await openLog({ segmentBytes: 1_000 });
    for (let i = 0; i < 50; i += 1) log.share(judgedShare({ share: { nonce: i } }));
    await new Promise<void>((r) => log.commit(r));
    expect(nonces()).toHaveLength(50);
  });
});
