import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, write, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BlockHead } from '#shares/sharelog/candidates/candidate';
import { openLogReader } from '#shares/sharelog/consumers/log-reader';
import { openShareLog, type ShareLog, type ShareLogModules, type ShareLogOptions } from '#shares/sharelog/log';
import { decodeRows, type Row } from '#shares/sharelog/rows/row-reader';
import { type BatchKind, columnsOf } from '#shares/sharelog/rows/rows';
import { type Disk, systemDisk } from '#shares/sharelog/segments/disk';
import { clock, dataFolder, failingDisk, foundBlock, job, judgedShare, keptLogger } from './fixtures.ts';

let folder: ReturnType<typeof dataFolder>;
let open: ShareLog[] = [];

beforeEach(() => {
  folder = dataFolder();
  open = [];
});
afterEach(async () => {
  await Promise.all(open.map((log) => log.close()));
  await folder.remove();
});

async function openLog(
  options: Partial<ShareLogOptions> = {},
  modules: Partial<ShareLogModules> = {},
): Promise<ShareLog> {
  const log = await openShareLog(
    { folder: folder.path, node: 'pool-1', consumers: ['analytics'], segmentBytes: 100_000, ...options },
    { clock, logger: keptLogger(), ...modules },
  );
  open.push(log);
  return log;
}

const committed = (log: ShareLog): Promise<void> => new Promise((resolve) => log.commit(resolve));

/** Everything of one kind that the log holds. */
function rowsOf(kind: BatchKind, path = folder.path): Row[] {
  const reader = openLogReader(path);
  const rows = reader?.bodies(kind, 0, Number.MAX_SAFE_INTEGER).flatMap((body) => decodeRows(columnsOf[kind], body));
  reader?.close();
  return rows ?? [];
}

const nonces = (path = folder.path): unknown[] => rowsOf('shares', path).map((row) => row['nonce']);
const share = (nonce: number): ReturnType<typeof judgedShare> => judgedShare({ share: { nonce } });

describe('the share log', () => {
  it('has committed rows on disk when it calls back', async () => {
    const log = await openLog();
    log.job(job);
    log.share(share(1));
    log.share(share(2));
    await committed(log);
    expect(nonces()).toEqual([1, 2]);
    expect(rowsOf('jobs')).toMatchObject([{ job_id: job.id, height: 812 }]);
    expect(log.status()).toMatchObject({ healthy: true, reason: '', pendingRows: 0, keptRows: 3, keptBatches: 2 });
  });

  it('answers in order, once each, and never within the call', async () => {
    const log = await openLog();
    const answers: number[] = [];
    let within = true;
    const all = Promise.all(
      Array.from({ length: 200 }, (_, i) => {
        if (i % 3 !== 1) log.share(share(i));
        return new Promise<void>((resolve) =>
          log.commit(() => {
            expect(within).toBe(false);
            answers.push(i);
            resolve();
          }),
        );
      }),
    );
    within = false;
    await all;
    expect(answers).toEqual(Array.from({ length: 200 }, (_, i) => i));
    expect(nonces()).toEqual(answers.filter((i) => i % 3 !== 1));
  });

  it('answers an empty commit after those before it', async () => {
    const log = await openLog();
    await committed(log);
    const answers: string[] = [];
    log.share(share(1));
    log.commit(() => answers.push('full'));
    await new Promise<void>((resolve) => log.commit(resolve));
    expect(answers).toEqual(['full']);
  });

  it('splits a large commit into batches within the bounds, and loses nothing', async () => {
    const log = await openLog({ batchRowsMax: 100 });
    for (let i = 0; i < 1050; i += 1) log.share(share(i));
    await committed(log);
    expect(nonces()).toEqual(Array.from({ length: 1050 }, (_, i) => i));
    expect(log.status().keptBatches).toBe(11);
  });

  it('counts boots, keeps its name, and never uses a sequence number again', async () => {
    const first = await openLog();
    first.share(share(1));
    await committed(first);
    first.confirm('analytics', 1);
    await first.close();
    const second = await openLog();
    expect([first.epoch, second.epoch]).toEqual([1, 2]);
    expect(second.logId).toBe(first.logId);
    second.confirm('analytics', 1);
    second.share(share(2));
    await committed(second);
    await second.close();
    const reader = openLogReader(folder.path);
    expect(reader?.heads(1, { rowsMax: 10, bytesMax: 1e6 }).map((head) => [head.seq, head.epoch])).toEqual([[2, 2]]);
    expect(reader?.last()).toMatchObject({ seq: 2, rows: 2 });
    reader?.close();
  });

  it('refuses a second pool on the same folder, and lets it in when the first is closed', async () => {
    const log = await openLog();
    await expect(openLog()).rejects.toThrow(/another pool is running on this data folder/);
    await log.close();
    await expect(openLog()).resolves.toBeDefined();
  });

  it('refuses a folder whose log is damaged, of a later version, or of an early one that kept it in SQLite', async () => {
    await (await openLog()).close();
    const identity = join(folder.path, 'sharelog/identity.json');
    const good = readFileSync(identity, 'utf8');
    writeFileSync(identity, good.replace(/"version":\d+/, '"version":99'));
    await expect(openLog()).rejects.toThrow(/later version/);
    writeFileSync(identity, good.slice(0, 20));
    await expect(openLog()).rejects.toThrow(/identity.json is damaged/);
    rmSync(identity);
    writeFileSync(join(folder.path, 'sharelog.db'), '');
    await expect(openLog()).rejects.toThrow(/early version of Sluice: start this one on a new data folder/);
  });

  it('can not be used after close; close can be repeated and commits what is open', async () => {
    const log = await openLog();
    log.share(share(1));
    await Promise.all([log.close(), log.close()]);
    expect(nonces()).toEqual([1]);
    expect(() => log.share(share(2))).toThrow(/after close/);
    expect(() => log.commit(() => {})).toThrow(/after close/);
    expect(() => log.job(job)).toThrow(/after close/);
  });
});

describe('block candidates', () => {
  it('are kept when they are handed in again while an earlier outcome is on its way to the disk', async () => {
    const log = await openLog();
    const block = foundBlock();
    log.candidate(block);
    await committed(log);
    log.outcome(block, { status: 'accepted' });
    log.settled(block.hash);
    const decided = committed(log);
    log.candidate(block);
    await Promise.all([decided, committed(log)]);
    await log.kept();
    expect(readdirSync(join(folder.path, 'candidates'))).toEqual([`${block.hash}.json`]);
    // Not by an outcome: the chain may have another one tomorrow.
    log.outcome(block, { status: 'accepted' });
    await committed(log);
    await log.kept();
    expect(readdirSync(join(folder.path, 'candidates'))).toEqual([`${block.hash}.json`]);
    log.settled(block.hash);
    await committed(log);
    await log.kept();
    expect(readdirSync(join(folder.path, 'candidates'))).toEqual([]);
  });

  it('share a synced file if they come together, and each is gone when it is settled', async () => {
    const log = await openLog();
    const blocks = Array.from({ length: 200 }, (_, index) =>
      foundBlock({ hash: (index + 1).toString(16).padStart(64, '0') }),
    );
    const files = (): string[] => readdirSync(join(folder.path, 'candidates'));
    for (const block of blocks) log.candidate(block);
    await log.kept();
    // The first came to an idle disk.
    expect(files().length).toBeLessThanOrEqual(2);
    for (const block of blocks.slice(1)) {
      log.outcome(block, { status: 'orphaned', reason: 'sibling' });
      log.settled(block.hash);
    }
    await committed(log);
    await log.kept();
    expect(files()).toEqual([`${blocks[0]?.hash}.json`]);
    await log.close();
    const second = await openLog();
    const [head] = second.unresolved as [BlockHead];
    expect(second.unresolved.map(({ hash }) => hash)).toEqual([blocks[0]?.hash]);
    second.resolved(head, { status: 'accepted' });
    second.settled(head.hash);
    await second.close();
    expect(files()).toEqual([]);
  });

  it.each([
    ['a1', ['a2', 'a3'], 'first'],
    ['a3', ['a1', 'a2'], 'first'],
    ['a1', ['a2', 'a3'], 'last'],
    ['a3', ['a1', 'a2'], 'last'],
  ])(
    'leave no file behind after a crash between a new file and the removal of the old one: %s of it, beside %j, the %s one settled first',
    async (gone, stay, end) => {
      const log = await openLog();
      const [old, ...left] = [gone, ...stay].map((tail) => tail.padStart(64, '0')) as [string, string, string];
      // The first has a file of its own: the others come while it is written.
      const first = 'ff'.padStart(64, '0');
      for (const hash of [first, old, ...left]) log.candidate(foundBlock({ hash }));
      log.settled(first);
      await committed(log);
      await log.kept();
      const path = (hash: string): string => join(folder.path, 'candidates', `${hash}.json`);
      const text = readFileSync(path(old));
      expect(readdirSync(join(folder.path, 'candidates'))).toEqual([`${old}.json`]);
      log.settled(old);
      await log.close();
      // As if the process had ended before it removed the old file.
      expect(readdirSync(join(folder.path, 'candidates'))).toEqual([`${left[0]}.json`]);
      writeFileSync(path(old), text);

      const second = await openLog();
      expect(second.unresolved.map(({ hash }) => hash)).toEqual([old, ...left].sort());
      for (const hash of left) expect(await second.blockOf(hash)).toEqual(Uint8Array.of(1, 2, 3, 4));
      for (const { hash } of end === 'first' ? second.unresolved : second.unresolved.toReversed()) {
        second.settled(hash);
        await committed(second);
        await second.kept();
      }
      expect(readdirSync(join(folder.path, 'candidates'))).toEqual([]);
    },
  );

  it('are there after a restart until they are settled', async () => {
    const log = await openLog();
    const [lost, won, unheard] = ['a1', 'a2', 'a3'].map((tail) => foundBlock({ hash: tail.padStart(64, '0') }));
    if (lost === undefined || won === undefined || unheard === undefined) throw new Error('unreachable');
    for (const block of [lost, won, unheard]) log.candidate(block);
    log.outcome(won, { status: 'accepted' });
    log.settled(won.hash);
    log.outcome(unheard, { status: 'unknown', reason: 'no node answered' });
    await log.close();

    const [file = ''] = readdirSync(join(folder.path, 'candidates'));
    expect(JSON.parse(readFileSync(join(folder.path, 'candidates', file), 'utf8'))).toMatchObject({
      block: '01020304',
    });

    const second = await openLog();
    expect(second.unresolved.map((candidate) => candidate.hash)).toEqual([lost.hash, unheard.hash]);
    expect(second.unresolved[0]).toEqual({
      hash: lost.hash,
      height: 812,
      jobId: job.id,
      account: 'bcrt1qminer',
      rig: 'rig1',
      rewardSats: 5_000_000_123n,
      networkDifficulty: job.networkDifficulty,
      shareDifficulty: 2048.5,
      foundMs: lost.foundMs,
      inputs: {
        variant: 3,
        extranonce1: '000aff01',
        extranonce2: '0000000000000001',
        ntime: 1_767_323_046,
        nonce: 0xdeadbeef,
        version: 0x20002000,
        coinb2: '',
      },
    });
    // Blocks are up to 8 MB as hex, so they are read when they are wanted.
    expect(await second.blockOf(lost.hash)).toEqual(Uint8Array.of(1, 2, 3, 4));
    expect(await second.blockOf(won.hash)).toBeUndefined();
    for (const candidate of second.unresolved) {
      second.resolved(candidate, { status: 'rejected', reason: 'stale' });
      second.settled(candidate.hash);
    }
    await second.close();

    expect((await openLog()).unresolved).toEqual([]);
    const last = new Map(rowsOf('blocks').map((row) => [row['hash'], row['status']]));
    expect(Object.fromEntries(last)).toEqual({
      [lost.hash]: 'rejected',
      [won.hash]: 'accepted',
      [unheard.hash]: 'rejected',
    });
  });
});

describe('the notes of block candidates', () => {
  const notes = (of = folder.path): string =>
    readdirSync(of)
      .filter((name) => name.startsWith('candidates-noted'))
      .map((name) => readFileSync(join(of, name), 'utf8'))
      .join('');
  /** What a process leaves that is killed now. */
  const killed = (): string => {
    const copy = `${folder.path}-killed`;
    cpSync(folder.path, copy, { recursive: true });
    copies.push(copy);
    return copy;
  };
  const copies: string[] = [];
  afterEach(async () => {
    await Promise.all(open.map((log) => log.close()));
    for (const copy of copies.splice(0)) rmSync(copy, { recursive: true });
  });

  it('name a block whose file a kill has prevented, with its finder and its share', async () => {
    const log = await openLog();
    await log.candidate(foundBlock());
    const copy = killed();
    expect(readdirSync(join(copy, 'candidates'))).toEqual([]);
    for (let start = 1; start <= 2; start += 1) {
      const second = await openLog({ folder: copy });
      expect(second.unresolved).toMatchObject([
        { hash: foundBlock().hash, account: 'bcrt1qminer', rewardSats: 5_000_000_123n, inputs: { nonce: 0xdeadbeef } },
      ]);
      // The node has the block, or nobody has it.
      expect(await second.blockOf(foundBlock().hash)).toBeUndefined();
      expect(notes(copy)).toBe('');
      await second.close();
    }
    const third = await openLog({ folder: copy });
    third.resolved(third.unresolved[0] as BlockHead, { status: 'accepted' });
    third.settled(foundBlock().hash);
    await third.close();
    expect((await openLog({ folder: copy })).unresolved).toEqual([]);
  });

  it('are emptied when their candidates have a file, while others come', async () => {
    const log = await openLog();
    for (let index = 0; index < 300; index += 1) {
      void log.candidate(foundBlock({ hash: index.toString(16).padStart(64, '0') }));
      if (index % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await log.kept();
    expect(notes()).toBe('');
    await log.close();
    expect((await openLog()).unresolved.length).toBe(300);
  });

  it('lose no other candidate by a line that was cut short', async () => {
    const log = await openLog();
    await log.candidate(foundBlock());
    const copy = killed();
    for (const name of readdirSync(copy).filter((each) => each.startsWith('candidates-noted'))) {
      writeFileSync(join(copy, name), `\n{"hash": "${readFileSync(join(copy, name), 'utf8')}`);
    }
    expect((await openLog({ folder: copy })).unresolved.map(({ hash }) => hash)).toEqual([foundBlock().hash]);
  });

  it('are followed by the block only when the row of its job is on the disk, or the disk is stuck', async () => {
    const held: (() => void)[] = [];
    const disk: Disk = { writev: (...args) => void held.push(() => systemDisk.writev(...args)) };
    const log = await openLog({ closeMsMax: 50 }, { disk });
    log.job(job);
    let written = false;
    log.commit(() => {
      written = true;
    });
    const startMs = performance.now();
    await log.candidate(foundBlock());
    expect([written, performance.now() - startMs >= 95]).toEqual([false, true]);
    const named = log.candidate(foundBlock({ hash: 'b'.padStart(64, '0') }))?.then(() => written);
    for (const write of held.splice(0)) write();
    expect(await named).toBe(true);
  });
});

describe('a data folder that is set back to an older copy', () => {
  it('has the later rows of a block, however many the first life wrote', async () => {
    const first = await openLog();
    first.candidate(foundBlock());
    await committed(first);
    await first.close();
    const copy = `${folder.path}-copy`;
    cpSync(folder.path, copy, { recursive: true });
    const revisionOf = async (statuses: readonly ('accepted' | 'orphaned')[], laterMs: number): Promise<bigint> => {
      const log = await openLog({}, { clock: { ...clock, nowMs: () => clock.nowMs() + laterMs } });
      for (const status of statuses) {
        log.resolved(log.unresolved[0] as BlockHead, status === 'accepted' ? { status } : { status, reason: 'late' });
      }
      await committed(log);
      await log.close();
      return rowsOf('blocks').at(-1)?.['revision'] as bigint;
    };
    const before = await revisionOf(['orphaned', 'accepted', 'orphaned'], 1);
    rmSync(folder.path, { recursive: true });
    renameSync(copy, folder.path);
    expect(await revisionOf(['accepted'], 2)).toBeGreaterThan(before);
  });
});

describe('block candidates of an earlier version', () => {
  it('are handed in again, and their rows name no share', async () => {
    const log = await openLog();
    log.candidate(foundBlock());
    await log.kept();
    await log.close();
    const [file = ''] = readdirSync(join(folder.path, 'candidates'));
    const path = join(folder.path, 'candidates', file);
    const { inputs, ...earlier } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    expect(inputs).toBeDefined();
    writeFileSync(path, JSON.stringify(earlier));
    const second = await openLog();
    const [candidate] = second.unresolved;
    second.resolved(candidate as BlockHead, { status: 'accepted' });
    await committed(second);
    expect(rowsOf('blocks').at(-1)).toMatchObject({ hash: foundBlock().hash, status: 'accepted', extranonce1: '' });
  });
});

describe('what the log keeps', () => {
  const keeps = async (log: ShareLog, rows: number): Promise<void> => {
    await expect.poll(() => log.status().keptRows, { interval: 5 }).toBe(rows);
  };

  it('goes when every consumer has confirmed it', async () => {
    // A file for each commit, so that what goes can be seen to go.
    const log = await openLog({ consumers: ['analytics', 'ledger'], segmentBytes: 1 });
    for (let i = 0; i < 10; i += 1) {
      log.share(share(i));
      await committed(log);
    }
    log.confirm('analytics', 8);
    log.confirm('ledger', 5);
    await keeps(log, 5);
    await expect.poll(nonces).toEqual([5, 6, 7, 8, 9]);
    log.confirm('ledger', 100);
    await keeps(log, 2);
    await expect.poll(nonces).toEqual([8, 9]);
    log.confirm('analytics', 10);
    // The last file stays: it has the number of the last batch.
    await expect.poll(nonces).toEqual([9]);
    expect(log.status()).toMatchObject({ keptRows: 0, keptBatches: 0, keptBytes: 0, keptMs: 0 });
    expect(() => log.confirm('somebody', 1)).toThrow(/no consumer/);
  });

  it('stays, with an alarm, when a consumer is behind the bounds', async () => {
    const log = await openLog({ keptBytesMax: 1000 });
    for (let i = 0; i < 10; i += 1) log.share(share(i));
    await committed(log);
    expect(log.status()).toMatchObject({ keptRows: 10, healthy: true, alarm: expect.stringMatching(/behind/) });
  });

  it('is cut to its bounds without consumers', async () => {
    const log = await openLog({ consumers: [], keptBytesMax: 1000, segmentBytes: 1 });
    for (let i = 0; i < 20; i += 1) {
      log.share(share(i));
      await committed(log);
    }
    const { keptRows, keptBytes, droppedRows, alarm } = log.status();
    expect(keptBytes).toBeLessThanOrEqual(1000);
    expect(keptRows + droppedRows).toBe(20);
    await expect.poll(nonces).toEqual(Array.from({ length: keptRows }, (_, i) => 20 - keptRows + i));
    expect(alarm).toBeUndefined();
  });
});

/** Whether this user may mount a file system of its own. */
function canMount(): boolean {
  const place = dataFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', place.path], { stdio: 'ignore' });
    execFileSync('umount', [place.path], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(place.path, { recursive: true });
  }
}

describe('a full disk', () => {
  it('holds acknowledgements back, says why, and goes on alone when there is room', async () => {
    const logger = keptLogger();
    const disk = failingDisk(200_000);
    const log = await openLog({ batchBytesMax: 5_000 }, { logger, disk: disk.disk });
    let acknowledged = 0;
    let written = 0;
    while (log.status().healthy) {
      for (let i = 0; i < 100; i += 1) log.share(share(written + i));
      written += 100;
      const upTo = written;
      log.commit(() => {
        acknowledged = upTo;
      });
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(log.status().reason).toBe('disk full');
    expect(acknowledged).toBeLessThan(written);
    // A commit may be there without having been acknowledged, never the other way round.
    expect(nonces().length).toBeGreaterThanOrEqual(acknowledged);

    const all = committed(log);
    disk.room = Number.POSITIVE_INFINITY;
    await all;
    expect(acknowledged).toBe(written);
    expect(log.status()).toMatchObject({ healthy: true, reason: '', pendingRows: 0 });
    expect(logger.lines.filter((line) => line.startsWith('the share log'))).toEqual([
      'the share log can not write: shares are not acknowledged until it can',
      'the share log writes again',
    ]);
    expect(nonces()).toEqual(Array.from({ length: written }, (_, i) => i));
  });

  it.skipIf(!process.env['CI'] && !canMount())(
    'is stood for real: a file system that has no room, until somebody makes some',
    async () => {
      const small = join(folder.path, 'small');
      mkdirSync(small);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', small]);
      try {
        writeFileSync(join(small, 'filler'), new Uint8Array(3_000_000));
        const log = await openLog({ folder: small });
        let written = 0;
        let acknowledged = 0;
        while (log.status().healthy) {
          await new Promise((resolve) => setImmediate(resolve));
          // As a pool bounds what is in flight: there must be room for it in what the filler takes.
          if (written - acknowledged > 2_000) continue;
          for (let i = 0; i < 100; i += 1) log.share(share(written + i));
          written += 100;
          const upTo = written;
          log.commit(() => {
            acknowledged = upTo;
          });
        }
        expect(log.status().reason).toBe('disk full');
        expect(nonces(small).length).toBeGreaterThanOrEqual(acknowledged);
        rmSync(join(small, 'filler'));
        await committed(log);
        expect(acknowledged).toBe(written);
        await log.close();
        expect(nonces(small)).toEqual(Array.from({ length: written }, (_, i) => i));
      } finally {
        await Promise.all(open.map((log) => log.close()));
        execFileSync('umount', [small]);
      }
    },
  );

  it('does not hold up close for ever', async () => {
    const log = await openLog({ closeMsMax: 50 }, { disk: failingDisk(10_000, 'EIO').disk });
    for (let i = 0; i < 1000; i += 1) log.share(share(i));
    let acknowledged = false;
    log.commit(() => {
      acknowledged = true;
    });
    await log.close();
    expect(acknowledged).toBe(false);
    expect(nonces()).toEqual([]);
  });

  it('is reported if it hangs instead of failing', async () => {
    let answer: (() => void) | undefined;
    let nowMs = 0;
    const disk: Disk = {
      writev(fd, pieces, position, callback) {
        const bytes = Buffer.concat(pieces);
        answer = () => write(fd, bytes, 0, bytes.length, position, callback);
      },
    };
    const log = await openLog({}, { disk, clock: { ...clock, monotonicMs: () => nowMs } });
    log.share(share(1));
    const all = committed(log);
    await expect.poll(() => answer).toBeDefined();
    expect(log.status()).toMatchObject({ healthy: true });
    nowMs = 7_000;
    expect(log.status()).toMatchObject({ healthy: false, reason: 'the disk has not answered for 7 s' });
    answer?.();
    await all;
    expect(log.status()).toMatchObject({ healthy: true, reason: '' });
  });
});

describe('kill -9', () => {
  it('loses no acknowledged share and doubles none', async () => {
    const script = fileURLToPath(new URL('logging-process.mjs', import.meta.url));
    const acknowledged = new Map<bigint, number>();
    for (let boot = 1; boot <= 5; boot += 1) {
      const child = spawn(process.execPath, [script, folder.path, String(boot)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const exited = once(child, 'exit');
      // Killed at another place each time; what it had written to the pipe before it died still counts.
      const killAt = 50 * boot ** 2 + boot;
      for await (const line of createInterface({ input: child.stdout })) {
        acknowledged.set(BigInt(boot), Number(line));
        if (Number(line) >= killAt) child.kill('SIGKILL');
      }
      expect(await exited).toEqual([null, 'SIGKILL']);
    }
    const log = await openLog();
    expect(log.epoch).toBe(6);
    const rows = rowsOf('shares');
    for (const [session, count] of acknowledged) {
      const stored = rows.filter((row) => row['session'] === session).map((row) => row['nonce']);
      expect(stored.length).toBeGreaterThanOrEqual(count);
      expect(stored).toEqual(Array.from({ length: stored.length }, (_, i) => i));
    }
  });
});
