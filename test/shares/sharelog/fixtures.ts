import { mkdtempSync, write } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { Job } from '#base/domain/job';
import type { Clock, FoundBlock, Logger, ShareRecorder } from '#base/domain/ports';
import type { HeaderInputs, JudgedShare, Source, Submitter, Terms, Worker } from '#base/domain/share';
import { ShipState } from '#books/analytics/ship-state';
import { Shipper, type ShipperModules } from '#books/analytics/shipper';
import type { Insert, Warehouse } from '#books/analytics/warehouse';
import type { LogReader } from '#shares/sharelog/consumers/log-reader';
import { LogReaders } from '#shares/sharelog/consumers/log-readers';
import { decodeRows } from '#shares/sharelog/rows/row-reader';
import { columnsOf } from '#shares/sharelog/rows/rows';
import type { Disk } from '#shares/sharelog/segments/disk';
import { removeFolder } from '../../support/remove-folder.ts';
import { submissionOf, type TestShare } from '../../support/submission.ts';

export const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
export const clock: Clock = { nowMs: () => NOW_MS, monotonicMs: () => 0 };

/** A logger that keeps what it is told. */
export function keptLogger(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const keep = (_fields: object, message: string): void => void lines.push(message);
  return { lines, debug: keep, info: keep, warn: keep, error: keep };
}

/** A folder of its own, and how to remove it. */
export function dataFolder(): { readonly path: string; remove(): Promise<void> } {
  const path = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  return { path, remove: () => removeFolder(path) };
}

/** Something that is to be closed when its test is over. */
interface Open {
  close(): unknown;
}

export interface TestFolder {
  readonly path: string;
  /** Takes note of what a test has opened there, and returns it. */
  opened<T extends Open>(made: T): T;
}

/** A data folder for each test of a file or a block; what was opened there is closed after the test, in that order. */
export function folderPerTest(): TestFolder {
  let folder: ReturnType<typeof dataFolder>;
  let open: Open[];
  beforeEach(() => {
    folder = dataFolder();
    open = [];
  });
  afterEach(async () => {
    for (const each of open) await each.close();
    await folder.remove();
  });
  return {
    get path() {
      return folder.path;
    },
    opened(made) {
      open.push(made);
      return made;
    },
  };
}

export const worker: Worker = { name: 'bcrt1qminer.rig1', account: 'bcrt1qminer', rig: 'rig1' };

export const job: Job = {
  id: '0000100001',
  rowId: '0000100001',
  serial: 0x100001,
  height: 812,
  version: 0x20000000,
  previousHash: Uint8Array.from({ length: 32 }, (_, i) => i),
  bits: 0x207fffff,
  networkTarget: new Uint8Array(32).fill(0x7f),
  networkDifficulty: 4.6565423739069247e-10,
  minTime: 1_767_000_000,
  curTime: 1_767_323_045,
  coinb1: Uint8Array.of(1, 0, 0, 0, 0xab),
  coinb2: Uint8Array.of(0xff, 0, 0x10),
  outputsAt: 0,
  merkleBranch: [new Uint8Array(32).fill(0x11), new Uint8Array(32).fill(0xfe)],
  cleanJobs: true,
  rewardSats: 5_000_000_123n,
  createdMs: NOW_MS - 1000,
  template: {
    askedMs: 0,
    height: 812,
    version: 0x20000000,
    previousHash: new Uint8Array(32),
    bits: 0x207fffff,
    minTime: 1_767_000_000,
    curTime: 1_767_323_045,
    coinbaseValueSats: 5_000_000_123n,
    transactions: [
      { data: new Uint8Array(10), txid: new Uint8Array(32) },
      { data: new Uint8Array(10), txid: new Uint8Array(32) },
    ],
    witnessCommitment: undefined,
  },
};

export const terms: Terms = { difficulty: 1024, target: new Uint8Array(32), work: 2n ** 42n, versionMask: 0x1fffe000 };

export const source: Source = {
  sessionId: 7n,
  extranonce1: Uint8Array.of(0, 0x0a, 0xff, 1),
  remoteIp: '192.0.2.7',
  userAgent: 'cgminer/4.12.0',
};

export function submitter(overrides: Partial<Submitter> = {}): Submitter {
  return { judged: () => {}, durable: () => {}, close: () => {}, ...overrides };
}

export const share: TestShare = {
  id: 1,
  workerName: 'bcrt1qminer.rig1',
  jobId: '0000100001',
  extranonce2: '0000000000000001',
  ntime: 1_767_323_046,
  nonce: 0xdeadbeef,
  versionBits: undefined,
  malformed: undefined,
};

/** What a test changes of a judged share and of its submission. */
type Changes = Partial<Omit<JudgedShare, 'submission'>> & {
  readonly share?: Partial<TestShare>;
  readonly worker?: Worker | undefined;
  readonly source?: Source;
  readonly variant?: number;
};

export function judgedShare(changes: Changes = {}): JudgedShare {
  const { share: changed, source: from = source, variant = 3, ...judged } = changes;
  const known = { source: from, submitter: defaultSubmitter, worker, terms, ...judged };
  const submission = { ...submissionOf({ ...share, ...changed }, known), variant };
  return {
    submission,
    job,
    terms,
    verdict: 'accepted',
    version: 0x20002000,
    shareDifficulty: 2048.5,
    block: false,
    receivedMs: NOW_MS,
    latencyUs: 321,
    ...judged,
  };
}

const defaultSubmitter = submitter();

/** A disk that takes `room` bytes, and then fails until it has room again. */
export function failingDisk(bytes: number, code = 'ENOSPC'): { room: number; readonly disk: Disk } {
  const state = {
    room: bytes,
    disk: {
      writev(fd, pieces, position, callback) {
        const taken = Buffer.concat(pieces).subarray(0, state.room);
        if (taken.length === 0) {
          callback(Object.assign(new Error(`${code}: write`), { code }), 0);
          return;
        }
        write(fd, taken, 0, taken.length, position, (error, written) => {
          state.room -= written;
          callback(error, written);
        });
      },
    } satisfies Disk,
  };
  return state;
}

export function foundBlock(overrides: Partial<FoundBlock> = {}): FoundBlock {
  return {
    hash: `${'00'.repeat(31)}ab`,
    job,
    account: 'bcrt1qminer',
    rig: 'rig1',
    shareDifficulty: 2048.5,
    foundMs: NOW_MS,
    inputs: inputsOf(judgedShare()),
    block: Uint8Array.of(1, 2, 3, 4),
    ...overrides,
  };
}

function inputsOf({ submission, version }: JudgedShare): HeaderInputs {
  const { variant, extranonce2, ntime, nonce } = submission;
  return { variant, extranonce1: source.extranonce1, extranonce2, ntime, nonce, version };
}

/** Logs a share with this nonce; resolves when it is acknowledged. */
export function put(to: Pick<ShareRecorder, 'share' | 'commit'>, nonce: number): Promise<void> {
  to.share(judgedShare({ share: { nonce } }));
  return new Promise((resolve) => to.commit(resolve));
}

/** The nonces of all shares that a reader finds. */
export function noncesOf(reader: Pick<LogReader, 'bodies'>): unknown[] {
  return reader.bodies('shares', 1, Number.MAX_SAFE_INTEGER).flatMap(noncesIn);
}

/** The nonces of rows of shares. */
export function noncesIn(rows: Uint8Array): unknown[] {
  return decodeRows(columnsOf.shares, rows).map((row) => row['nonce']);
}

/** A warehouse that does nothing but take rows. */
function takingWarehouse(insert: Warehouse['insert']): Warehouse {
  return {
    name: 'x',
    database: 'x',
    command: async () => {},
    rows: async () => [],
    timezone: async () => 'UTC',
    functions: async () => new Set(),
    freeze: async () => {},
    thaw: async () => {},
    insert,
    query: () => Promise.reject(new Error('not asked for here')),
    close: async () => {},
  };
}

/** A shipper of a data folder into a table that is a list: `into` is told what comes, and may fail. */
export function shipperInto(
  folder: TestFolder,
  into: (insert: Insert, nonces: readonly unknown[]) => void,
  modules: Partial<ShipperModules> = {},
): Shipper {
  const readers = folder.opened(modules.readers ?? new LogReaders(folder.path));
  const state = folder.opened(modules.state ?? new ShipState(folder.path, 'x'));
  return new Shipper({
    clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
    logger: keptLogger(),
    delivered: () => {},
    warehouse: takingWarehouse(async (insert) =>
      into(insert, insert.table === 'shares' ? insert.parts.flatMap(noncesIn) : []),
    ),
    ...modules,
    readers,
    state,
  });
}
