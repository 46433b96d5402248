import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jobId, jobRowId } from '#base/domain/ids';
import type { Job } from '#base/domain/job';
import type { JudgedShare } from '#base/domain/share';
import { makeCurrent } from '#gateway/answerable-jobs';
import { MEETS_SHARE_TARGET } from '#shares/kernel/memory';
import { Deliveries } from '#shares/sharelog/consumers/deliveries';
import { LogReaders } from '#shares/sharelog/consumers/log-readers';
import { type Journal, openJournal } from '#shares/sharelog/journal/journal';
import { gatewayJournal, POOL_JOURNAL } from '#shares/sharelog/journal/journals';
import { openOrphans } from '#shares/sharelog/journal/orphans';
import { Effects } from '#shares/verify/apply';
import { PendingShare } from '#shares/verify/pending-share';
import { SeenHeaders } from '#shares/verify/seen';
import { JobStore } from '#work/jobs/store';
import { fuzz, fuzzMsMax } from '../../fuzz/runs.ts';
import { recordedContainment } from '../../support/containment.ts';
import { anyFate, FatefulDisk } from './fateful-disk.ts';
import { clock, dataFolder, job, judgedShare, keptLogger } from './fixtures.ts';

/** Jobs that a gateway of these tests can answer. */
const JOBS_MAX = 3;
const EVERYTHING = Number.MAX_SAFE_INTEGER;
const SEGMENT_BYTES = 1500;

/** What a ledger adds up: shares by job and account. */
type Slices = Map<number, Map<string, number>>;

/** Reads each journal on from where it was, and knows which jobs are sealed. */
class Ledger {
  readonly #readers: LogReaders;
  /** By journal id: the last batch that was read, and the last mark. */
  readonly #positions = new Map<string, { seq: number; closed: number }>();
  readonly slices: Slices = new Map();
  /** Jobs up to this serial number were sealed. */
  sealed = -1;

  constructor(folder: string) {
    this.#readers = new LogReaders(folder);
  }

  /** Takes up to `batchesMax` batches of each journal. Throws for a share of a job that was sealed before. */
  read(batchesMax: number): void {
    for (const reader of this.#readers.all()) {
      const position = this.#positions.get(reader.logId) ?? { seq: 0, closed: -1 };
      this.#positions.set(reader.logId, position);
      const heads = reader.heads(position.seq, { rowsMax: 1e9, bytesMax: 1e9 }).slice(0, batchesMax);
      for (const { seq } of heads) {
        for (const row of reader.rows('shares', seq, seq)) this.#take(row, position.closed);
        position.closed = Math.max(position.closed, reader.closedSerial(seq, seq) ?? -1);
        position.seq = seq;
      }
    }
    // Listed after all else was read: a journal that has come since holds what is later.
    const closed = this.#readers.all().map(({ logId }) => this.#positions.get(logId)?.closed ?? -1);
    this.sealed = Math.max(this.sealed, Math.min(...closed));
  }

  close(): void {
    this.#readers.close();
  }

  #take(row: Readonly<Record<string, unknown>>, closed: number): void {
    if (row['verdict'] !== 'accepted') return;
    const serial = Number.parseInt(String(row['job_id']), 16);
    expect(serial, 'a share of a job that its journal had closed').toBeGreaterThan(closed);
    expect(serial, 'a share of a job that was sealed').toBeGreaterThan(this.sealed);
    const slice = this.slices.get(serial) ?? new Map<string, number>();
    const account = String(row['account']);
    this.slices.set(serial, slice.set(account, (slice.get(account) ?? 0) + 1));
  }
}

function jobOf(serial: number, tip = 0): Job {
  const previousHash = new Uint8Array(32).fill(tip);
  return { ...job, serial, previousHash, id: jobId(serial), rowId: jobRowId(serial, 'b007b007') };
}

/** The parts of a gateway that decide and record, without its sockets. */
class TestGateway {
  readonly journal: Journal;
  readonly #jobs = new JobStore({ jobsMax: JOBS_MAX });
  readonly #seen = new SeenHeaders({ headersMax: 1000 }, { closedEarly: () => {}, wantsJob: () => {} });
  readonly #disk: FatefulDisk;
  /** Shares whose hash is not back yet. */
  #hashing: PendingShare[] = [];
  #judged: JudgedShare[] = [];
  /** What waits for the shares that are being hashed. */
  #waiting: (() => void)[] = [];
  /** Shares that were credited though their job was replaced while they were hashed. */
  carried = 0;

  constructor(journal: Journal, disk: FatefulDisk) {
    this.journal = journal;
    this.#disk = disk;
  }

  announce(serial: number, tip: number): void {
    makeCurrent(jobOf(serial, tip), {
      ...{ jobs: this.#jobs, seen: this.#seen, recorder: this.journal },
      whenApplied: (then) => (this.#hashing.length === 0 ? then() : this.#waiting.push(then)),
    });
  }

  /** Takes a share of the job that is `age` jobs old. Its hash takes until `hashed`. */
  take(age: number, nonce: number): void {
    const current = this.#jobs.current;
    const of = current && this.#jobs.find(current.serial - age);
    if (of === undefined || this.#jobs.isStale(of)) return;
    const worker = { name: 'a.b', account: `a${nonce % 3}`, rig: 'b' };
    const { submission } = judgedShare({ share: { nonce, jobId: of.id }, worker, variant: 0 });
    const checked = { job: of, version: of.version, refusal: undefined, hashable: true };
    const share = new PendingShare(submission, checked, 0, 0);
    share.meets = MEETS_SHARE_TARGET;
    share.hashLow = nonce;
    share.hashHigh = 1;
    this.#hashing.push(share);
  }

  hashed(): void {
    const shares = this.#hashing;
    this.#hashing = [];
    const effects = new Effects({
      clock,
      contain: recordedContainment().contain,
      seen: this.#seen,
      recorder: this.journal,
      observe: (share) => this.#judged.push(share),
      foundBlock: () => {},
    });
    effects.apply(shares, () => {});
    for (const { job: of, verdict } of shares)
      if (verdict === 'accepted' && of !== undefined && this.#jobs.isStale(of)) this.carried += 1;
    for (const then of this.#waiting.splice(0)) then();
  }

  /** Shares of jobs that were answerable no more when their hash came back. */
  get refused(): number {
    return this.#judged.filter(({ verdict }) => verdict === 'stale').length;
  }

  async end(how: 'close' | 'kill'): Promise<void> {
    if (how === 'kill') this.#disk.kill();
    await this.journal.close();
    this.#disk.bury();
  }
}

type Step =
  | { readonly kind: 'job'; readonly tip: number }
  | { readonly kind: 'share'; readonly gateway: number; readonly age: number }
  | { readonly kind: 'hashed'; readonly gateway: number }
  | { readonly kind: 'gateway ends'; readonly gateway: number; readonly how: 'close' | 'kill' }
  | { readonly kind: 'read'; readonly batches: number };

const gateway = fc.nat({ max: 2 });
const how = fc.constantFrom('close' as const, 'kill' as const);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('job' as const), tip: fc.constantFrom(1, 1, 1, 2, 3) }),
  },
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('share' as const), gateway, age: fc.nat({ max: 3 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('hashed' as const), gateway }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('gateway ends' as const), gateway, how }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('read' as const), batches: fc.integer({ min: 1, max: 5 }) }) },
);
/** A pool from its start to its end: how many gateways it has (1: they share the pool's journal), and what happens. */
const boot = fc.record({
  gateways: fc.integer({ min: 1, max: 3 }),
  steps: fc.array(step, { minLength: 5, maxLength: 40 }),
  fates: fc.array(anyFate, { maxLength: 8 }),
  end: how,
});

describe('the marks of the journals', () => {
  it('stand behind every accepted share of the jobs that they close, whatever becomes of the gateways', {
    timeout: fuzzMsMax * 6,
  }, async () => {
    let sealedSlices = 0;
    let refused = 0;
    let carried = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(boot, { minLength: 1, maxLength: 4 }), async (boots) => {
        const folder = dataFolder();
        const ledger = new Ledger(folder.path);
        try {
          let nonce = 0;
          let serial = 0;
          for (const { gateways: count, steps, fates, end } of boots) {
            const open = async (name: string): Promise<TestGateway> => {
              const disk = new FatefulDisk(fates);
              const options = {
                folder: folder.path,
                journal: name,
                node: 'n',
                consumers: ['c'],
                segmentBytes: SEGMENT_BYTES,
              };
              const journal = await openJournal(
                { ...options, closeMsMax: 0, lockMsMax: 5_000 },
                { clock, logger: keptLogger(), disk },
              );
              return new TestGateway(journal, disk);
            };
            const pool = await open(POOL_JOURNAL);
            const names = Array.from({ length: count }, (_, slot) =>
              count === 1 ? POOL_JOURNAL : gatewayJournal(slot),
            );
            const gateways = count === 1 ? [pool] : await Promise.all(names.map(open));
            const orphans = await openOrphans(
              {
                folder: folder.path,
                node: 'n',
                consumers: ['c'],
                segmentBytes: SEGMENT_BYTES,
                owned: [POOL_JOURNAL, ...names],
              },
              { clock, logger: keptLogger(), deliveries: new Deliveries() },
            );
            // As the log counts a new epoch at each start.
            serial += 1000;
            let tip = 1;
            const announce = (): void => {
              serial += 1;
              orphans.closed(serial);
              if (count > 1) pool.journal.closed(serial);
              if (count > 1) pool.journal.commit(() => {});
              for (const each of gateways) each.announce(serial, tip);
            };
            announce();
            for (const each of steps) {
              const slot = 'gateway' in each ? each.gateway % count : 0;
              const chosen = gateways[slot];
              if (each.kind === 'job') {
                tip = each.tip;
                announce();
              } else if (each.kind === 'read') {
                await setTimeout(0);
                ledger.read(each.batches);
              } else if (each.kind === 'share') chosen?.take(each.age, nonce++);
              else if (each.kind === 'hashed') chosen?.hashed();
              else if (count > 1 && chosen !== undefined) {
                refused += chosen.refused;
                carried += chosen.carried;
                await chosen.end(each.how);
                gateways[slot] = await open(gatewayJournal(slot));
                // What the pool tells a gateway that takes another's place.
                gateways[slot].announce(serial, tip);
              }
            }
            for (const each of new Set([pool, ...gateways])) {
              refused += each.refused;
              carried += each.carried;
              await each.end(end);
            }
            await orphans.close();
          }
          while (ledger.slices.size >= 0) {
            const before = JSON.stringify([...ledger.slices].map(([each, slice]) => [each, [...slice]]));
            ledger.read(1000);
            if (JSON.stringify([...ledger.slices].map(([each, slice]) => [each, [...slice]])) === before) break;
          }
          sealedSlices += [...ledger.slices.keys()].filter((each) => each <= ledger.sealed).length;
          // A second reader sees the same.
          const again = new Ledger(folder.path);
          again.read(EVERYTHING);
          expect(new Map([...again.slices].sort(([a], [b]) => a - b))).toEqual(
            new Map([...ledger.slices].sort(([a], [b]) => a - b)),
          );
          again.close();
        } finally {
          ledger.close();
          await folder.remove();
        }
      }),
      fuzz(40, 3_000),
    );
    // It must be seen to reach what it is about.
    expect(sealedSlices).toBeGreaterThan(8);
    expect(refused).toBeGreaterThan(2);
    expect(carried).toBeGreaterThan(5);
  });
});
