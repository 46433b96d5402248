import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLogFile } from '../../src/sharelog/log-file.ts';
import { type Commit, LogStore } from '../../src/sharelog/log-store.ts';
import { dataFolder, NOW_MS } from './fixtures.ts';

let folder: ReturnType<typeof dataFolder>;
let database: ReturnType<typeof openLogFile>;

beforeEach(() => {
  folder = dataFolder();
  database = openLogFile({ folder: folder.path, pagesMax: undefined });
});
afterEach(() => {
  database.close();
  folder.remove();
});

const commit = (...sizes: readonly number[]): Commit => ({
  batches: sizes.map((length) => ({ kind: 'shares', buffer: new ArrayBuffer(length + 7), length, rows: length })),
  candidates: [],
  settlements: [],
  handedMs: NOW_MS,
});
const stored = (): unknown[] => database.prepare('SELECT seq, length(body) FROM batches ORDER BY seq').raw().all();

describe('the log’s tables', () => {
  it('number batches on and on, and count what is kept', () => {
    const store = new LogStore(database);
    store.write([commit(10, 20), commit(30)]);
    expect(stored()).toEqual([
      [1, 10],
      [2, 20],
      [3, 30],
    ]);
    expect(store.kept).toEqual({ batches: 3, rows: 60, bytes: 60 });
    expect(store.trim(2, 1)).toBe(10);
    expect(store.trim(2, 1_000)).toBe(20);
    expect(store.trim(2, 1_000)).toBe(0);
    expect(store.kept).toEqual({ batches: 1, rows: 30, bytes: 30 });
    expect(new LogStore(database).kept).toEqual(store.kept);
    store.trim(3, 1);
    store.write([commit(5)]);
    expect(stored()).toEqual([[4, 5]]);
    expect(store.oldestStoredMs()).toBe(NOW_MS);
  });

  it('have nothing of a transaction that fails half-way', () => {
    const store = new LogStore(database);
    store.write([commit(10)]);
    database.exec(
      `CREATE TRIGGER fault BEFORE INSERT ON batches WHEN new.bytes = 13 BEGIN SELECT RAISE(ABORT, 'fault'); END`,
    );
    expect(() => store.write([commit(11, 12), commit(13)])).toThrow(/fault/);
    expect(stored()).toEqual([[1, 10]]);
    expect(store.clean()).toBe(true);
    database.exec('DROP TRIGGER fault');
    store.write([commit(11, 12), commit(13)]);
    expect(stored()).toEqual([
      [1, 10],
      [2, 11],
      [3, 12],
      [4, 13],
    ]);
  });

  it('do not write a transaction again that was on the disk though its end was reported as failed', () => {
    const store = new LogStore(database);
    store.write([commit(10)]);
    const { last } = store;
    store.write([commit(11), commit(12)]);
    // What the log's thread does after such a failure: it opens the file again and repeats the write.
    const reopened = new LogStore(database, last);
    expect(reopened.clean()).toBe(false);
    reopened.write([commit(11), commit(12)]);
    expect(stored()).toHaveLength(3);
    expect(reopened.last).toEqual({ seq: 3, rows: 33, bytes: 33 });
    reopened.write([commit(13)]);
    expect(stored()).toHaveLength(4);
  });
});
