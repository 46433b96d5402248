import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { limits } from '#base/limits';
import { KeptMarks, LOG_START } from '#shares/sharelog/journal/kept';
import { systemDisk } from '#shares/sharelog/segments/disk';
import { segmentPath } from '#shares/sharelog/segments/segment-files';
import { SegmentStore } from '#shares/sharelog/segments/segment-store';
import { SegmentWriter } from '#shares/sharelog/segments/segment-writer';

/** A store that calls back when a batch is on disk, and releases old batches. */
export interface LogUnderTest {
  readonly name: string;
  commit(batch: ArrayBuffer, rows: number): Promise<void>;
  close(): void;
}

function folder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'sluice-bench-log-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** The share log's writer: with its files written over, as in a pool whose consumers keep up, or always with new ones. */
export async function openFiles(name: string, reuse: boolean): Promise<LogUnderTest> {
  const { path, remove } = folder();
  const segmentBytes = limits.logSegmentBytes;
  const store = new SegmentStore(path, segmentBytes);
  const growing = (firstSeq: number): Promise<void> => writeFile(segmentPath(path, firstSeq), '');
  const make = reuse ? (firstSeq: number) => store.make(firstSeq) : growing;
  if (reuse) await store.prepare();
  await make(1);
  const segments = [1];
  const writer = new SegmentWriter(
    { folder: path, segmentBytes, epoch: 1, segment: 1, offset: 0 },
    {
      clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
      disk: systemDisk,
      displaced: () => undefined,
      store: { make },
      marks: new KeptMarks(LOG_START, LOG_START),
      failing: (reason) => {
        throw new Error(reason);
      },
      took() {},
      written(segment) {
        if (segment === segments.at(-1)) return;
        segments.push(segment);
        const [oldest = 0] = segments.splice(0, 1);
        if (reuse) void store.discard(oldest);
      },
    },
  );
  return {
    name,
    commit: (buffer, rows) =>
      new Promise((durable) => {
        const batch = { kind: 'shares', buffer, length: buffer.byteLength, rows } as const;
        writer.append({ batches: [batch], handedMs: Date.now(), durable });
      }),
    close() {
      writer.close(() => void store.close().then(remove));
    },
  };
}

const WAL_PAGES = 4096;
const KEPT_BATCHES = 200;

/** What held the log first: SQLite in this thread (a thread of its own would add the way there), a batch a row. */
export function openSqlite(name: string): LogUnderTest {
  const { path, remove } = folder();
  const database = new Database(join(path, 'log.db'));
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.pragma(`wal_autocheckpoint = ${WAL_PAGES}`);
  database.exec(
    'CREATE TABLE batches (seq INTEGER PRIMARY KEY, rows INTEGER, body BLOB); CREATE TABLE log (last INTEGER)',
  );
  database.exec('INSERT INTO log VALUES (0)');
  const insert = database.prepare('INSERT INTO batches VALUES (?, ?, ?)');
  const count = database.prepare('UPDATE log SET last = ?');
  const trim = database.prepare('DELETE FROM batches WHERE seq <= ?');
  let seq = 0;
  const commit = database.transaction((body: Uint8Array, rows: number) => {
    seq += 1;
    insert.run(seq, rows, body);
    count.run(seq);
  });
  return {
    name,
    async commit(buffer, rows) {
      commit(new Uint8Array(buffer), rows);
      if (seq % KEPT_BATCHES === 0) trim.run(seq - KEPT_BATCHES);
    },
    close() {
      database.close();
      remove();
    },
  };
}
