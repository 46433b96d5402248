import { statSync } from 'node:fs';
import { join } from 'node:path';
import { limits } from '#base/limits';
import { checkLedger } from '#books/ledger/check';
import { readLedger } from '#books/ledger/ledger-db';
import { nextBatches } from '#books/ledger/slices/next-batches';
import { SliceStore } from '#books/ledger/slices/slice-store';
import type { LogReader } from '#shares/sharelog/consumers/log-reader';
import { LogReaders } from '#shares/sharelog/consumers/log-readers';
import { findEnd } from '#shares/sharelog/journal/recovery';
import { hashFile, type Progress } from './copy-file.ts';
import { DATA_FOLDER, type Manifest } from './manifest.ts';

/** What was found in a backup. */
export interface Verified {
  /** What is wrong, each with the name of the file; empty if the backup is whole. */
  readonly faults: readonly string[];
  /** Batches of the log that the ledger and the tables have not read yet: they are read when the pool starts. */
  readonly ahead: { readonly ledgerRows: number };
}

/** Looks at everything that can be looked at without writing: each file, the books, and whether the parts fit together. */
export async function verifyBackup(folder: string, manifest: Manifest, progress: Progress): Promise<Verified> {
  const faults = await damagedFiles(folder, manifest, progress);
  // What is built of damaged files would be named twice.
  if (faults.length > 0) return { faults, ahead: { ledgerRows: 0 } };
  const data = join(folder, DATA_FOLDER);
  const found = attempt(faults, () => checkParts(data, manifest, faults));
  return { faults: faults.slice(0, limits.backupFaultsMax), ahead: { ledgerRows: found ?? 0 } };
}

async function damagedFiles(folder: string, { files }: Manifest, progress: Progress): Promise<string[]> {
  const faults: string[] = [];
  for (const { path, bytes, sha256 } of files) {
    const there = statSync(join(folder, path), { throwIfNoEntry: false });
    if (there === undefined) faults.push(`${path} is missing`);
    else if (there.size !== bytes) faults.push(`${path} has ${there.size} bytes instead of ${bytes}`);
    else {
      const hashed = await hashFile(join(folder, path), progress);
      if (hashed.sha256 !== sha256) faults.push(`${path} is damaged: its SHA-256 is another one`);
    }
    if (faults.length >= limits.backupFaultsMax) break;
  }
  return faults;
}

/** Returns the rows that the ledger has not taken yet. */
function checkParts(data: string, manifest: Manifest, faults: string[]): number {
  for (const { journal } of manifest.journals) attempt(faults, () => findEnd(join(data, journal)));
  const ledger = readLedger(data);
  const readers = new LogReaders(data);
  try {
    faults.push(...checkLedger(ledger).map(({ invariant, detail }) => `ledger.db: ${invariant}: ${detail}`));
    const positions = new SliceStore(ledger).positions();
    const journals = readers.all();
    checkJournals(manifest, journals, faults);
    let rows = 0;
    for (const reader of journals) {
      const position = positions.get(reader.logId);
      attempt(faults, () => nextBatches(reader, position, positions.size === 0, { rowsMax: 1, bytesMax: 1 }));
      rows += Math.max(0, reader.last().rows - (position?.rowsTotal ?? 0));
    }
    for (const { logId, journal, finished } of positions.values()) {
      if (finished || journals.some((reader) => reader.logId === logId)) continue;
      faults.push(`${journal} is missing, and the ledger has not read it to its end`);
    }
    for (const reader of journals) checkDelivered(manifest, reader, faults);
    return rows;
  } finally {
    readers.close();
    ledger.close();
  }
}

function checkJournals({ journals }: Manifest, there: readonly LogReader[], faults: string[]): void {
  for (const { journal, logId, first, last } of journals) {
    const reader = there.find((each) => each.logId === logId);
    if (reader === undefined) faults.push(`${journal} is missing`);
    else if ((reader.oldestSeq() ?? first) !== first || (last >= first && reader.last().seq !== last)) {
      faults.push(
        `${journal} has the batches ${reader.oldestSeq()} to ${reader.last().seq} instead of ${first} to ${last}`,
      );
    }
  }
}

/** The log must begin no later than behind what the tables have of it. */
function checkDelivered({ clickhouse, delivered }: Manifest, reader: LogReader, faults: string[]): void {
  if (clickhouse !== 'embedded') return;
  const seq = Math.max(0, ...delivered.filter(({ log }) => reader.lived(log)).map((life) => life.seq));
  const oldest = reader.oldestSeq() ?? 1;
  if (oldest <= seq + 1) return;
  faults.push(`${reader.journal} begins at batch ${oldest}, and ClickHouse's tables end at batch ${seq} of it`);
}

function attempt<T>(faults: string[], act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    faults.push(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}
