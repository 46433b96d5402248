import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { openLedger } from '#books/ledger/ledger-db';
import { LogMismatch } from '#books/ledger/slices/next-batches';
import { SliceStore } from '#books/ledger/slices/slice-store';
import type { SliceSum } from '#books/ledger/slices/slice-sums';
import { Taker } from '#books/ledger/slices/taker';
import type { Taking } from '#books/ledger/slices/taking';
import { Deliveries } from '#shares/sharelog/consumers/deliveries';
import { LogReaders } from '#shares/sharelog/consumers/log-readers';
import { type Journal, openJournal } from '#shares/sharelog/journal/journal';
import { gatewayJournal, listJournals, POOL_JOURNAL } from '#shares/sharelog/journal/journals';
import { type Orphans, openOrphans } from '#shares/sharelog/journal/orphans';
import { FatefulDisk } from '../../../shares/sharelog/fateful-disk.ts';
import { clock, dataFolder, keptLogger } from '../../../shares/sharelog/fixtures.ts';
import { contents, jobOf, shareOf } from './support.ts';

/** Where the ledger's process is killed: after a step, or within a transaction. */
export type KillPoint = 'read' | 'storing' | 'stored' | 'confirmed' | 'sealed';

export type Step =
  /** `tip`: it is on another block than the one before. */
  | { readonly kind: 'job'; readonly tip: boolean }
  /** `hashed`: at once; else with the next step of that kind. */
  | {
      readonly kind: 'share';
      readonly gateway: number;
      readonly age: number;
      readonly account: number;
      readonly hashed: boolean;
    }
  | { readonly kind: 'hashed'; readonly gateway: number }
  | { readonly kind: 'commit'; readonly gateway: number }
  | { readonly kind: 'gateway ends'; readonly gateway: number; readonly killed: boolean }
  | { readonly kind: 'take'; readonly rowsMax: number; readonly killedAt: KillPoint | undefined };

/** A pool from its start to its end, and what is done to its data folder then. */
export interface Boot {
  /** 1: the gateway has the pool's journal. */
  readonly gateways: number;
  readonly steps: readonly Step[];
  readonly killed: boolean;
  readonly after: 'nothing' | 'copy' | 'restore both' | 'restore ledger' | 'restore log';
}

export type Outcome = 'went on' | 'stopped';

/** Jobs that a gateway can answer. */
const JOBS_MAX = 3;
const SEGMENT_BYTES = 1500;
/** A share of an account on a job has the work 4^n, another n each: the sum's digits tell which are in it, and how often. */
const DIGITS_MAX = 60;

/** What was logged, as `job account` and n. */
class Truth {
  /** On the disk for sure. */
  durable = new Set<string>();
  /** Handed to a journal. */
  written = new Set<string>();

  copy(): Truth {
    const copy = new Truth();
    copy.durable = new Set(this.durable);
    copy.written = new Set(this.written);
    return copy;
  }
}

interface Gateway {
  readonly journal: Journal;
  readonly disk: FatefulDisk;
  /** The first job that it knows. */
  readonly since: number;
  pending: string[];
  /** Shares that are being hashed. */
  hashing: { readonly serial: number; readonly account: number }[];
  /** The mark to be written behind them; -1 for none. */
  closing: number;
}

class Killed extends Error {}

class MortalStore extends SliceStore {
  killed = false;

  override take(taking: Taking): void {
    const { positions, jobs, found, rows, shares } = taking;
    super.take({ positions, jobs, found, rows, shares, sums: this.#until(taking.sums) });
  }

  /** Killed behind the first sum, or before the positions if there is none. */
  *#until(sums: Iterable<SliceSum>): Generator<SliceSum> {
    for (const sum of sums) {
      yield sum;
      if (this.killed) break;
    }
    if (this.killed) throw new Killed();
  }
}

/** The process of the ledger, while it lives. */
class LedgerProcess {
  readonly #store: MortalStore;
  readonly #close: () => void;
  readonly #taker: Taker;
  readonly contents: () => Record<string, [bigint, number]>;
  killAt: KillPoint | undefined;

  constructor(
    folder: string,
    rowsMax: number,
    delivered: (journal: string, seq: number) => void,
    orphans: ReadonlyMap<string, number>,
  ) {
    const ledger = openLedger(folder);
    // What it costs is not what is tested here.
    ledger.database.pragma('synchronous = OFF');
    const readers = new LogReaders(folder);
    this.#store = new MortalStore(ledger.database);
    this.#taker = new Taker(
      { network: 'regtest', rowsMax },
      {
        readers,
        store: this.#store,
        delivered,
        orphans,
        did: (step) => {
          if (step === this.killAt) throw new Killed();
        },
      },
    );
    this.contents = () => contents(ledger.database);
    this.#close = () => {
      readers.close();
      ledger.close();
    };
  }

  get sealedSerial(): number {
    return this.#store.taken().sealedSerial;
  }

  step(killedAt: KillPoint | undefined): boolean {
    this.killAt = killedAt;
    this.#store.killed = killedAt === 'storing';
    return this.#taker.step();
  }

  close(): void {
    this.#close();
  }
}

class SimulatedPool {
  folder = dataFolder();
  /** Left behind: a journal that was killed may still let go of its files there. */
  readonly #left: ReturnType<typeof dataFolder>[] = [];
  readonly #kept = dataFolder();
  truth = new Truth();
  #keptTruth: Truth | undefined;
  /** Sealed slices, which never change. */
  #sealed = new Map<string, string>();
  #digits = new Map<string, number>();
  #serial = 0;
  /** The last job of the tip before the current one. */
  #replaced = -1;
  #epoch = 0;
  #gateways: Gateway[] = [];
  #pool: Gateway | undefined;
  #orphans: Orphans | undefined;
  #orphanEnds: ReadonlyMap<string, number> = new Map();
  #deliveries = new Deliveries();
  #ledger: LedgerProcess | undefined;
  #rowsMax = 5;
  /** Something was put back that need not fit the rest. */
  mixed = false;
  removedJournals = 0;
  /** At the start. */
  #journals = 0;

  async start(count: number): Promise<void> {
    // As the log counts epochs: over copies, too.
    this.#epoch += 1;
    this.#serial = Math.max(this.#serial, this.#epoch * 1000);
    this.#deliveries = new Deliveries();
    this.#pool = await this.#open(POOL_JOURNAL);
    const names = Array.from({ length: count }, (_, slot) => gatewayJournal(slot));
    this.#gateways = count === 1 ? [this.#pool] : await Promise.all(names.map((name) => this.#open(name)));
    const options = { folder: this.folder.path, node: 'n', consumers: ['ledger'], segmentBytes: SEGMENT_BYTES };
    const owned = [POOL_JOURNAL, ...(count === 1 ? [] : names)];
    this.#journals = listJournals(this.folder.path).length;
    this.#orphans = await openOrphans(
      { ...options, owned },
      { clock, logger: keptLogger(), deliveries: this.#deliveries },
    );
    this.#orphanEnds = this.#orphans.ends;
    this.job(true);
  }

  /** A new job: its row, the marks, and what it pushes out. With another tip, what was taken before is credited still. */
  job(tip: boolean): void {
    if (tip) this.#replaced = this.#serial;
    this.#serial += 1;
    const serial = this.#serial;
    this.#pool?.journal.rows.job(jobOf(serial));
    this.#orphans?.closed(serial);
    const [first] = this.#gateways;
    if (first !== this.#pool) this.#pool?.journal.closed(serial);
    this.#pool?.journal.commit(() => {});
    for (const each of this.#gateways) {
      each.journal.closed(Math.max(each.since - 1, serial - JOBS_MAX));
      each.hashing = each.hashing.filter((share) => share.serial > serial - JOBS_MAX);
      each.journal.commit(() => {});
      each.closing = this.#replaced;
      if (each.hashing.length === 0) this.#hashed(each);
    }
  }

  share(slot: number, age: number, account: number, hashed: boolean): void {
    const gateway = this.#gateways[slot % this.#gateways.length];
    const serial = this.#serial - age;
    if (gateway === undefined || serial < gateway.since) return;
    if (serial <= this.#serial - JOBS_MAX || serial <= this.#replaced) return;
    if (hashed) this.#record(gateway, serial, account);
    else gateway.hashing.push({ serial, account });
  }

  hashed(slot: number): void {
    const gateway = this.#gateways[slot % this.#gateways.length];
    if (gateway !== undefined) this.#hashed(gateway);
  }

  #hashed(gateway: Gateway): void {
    for (const { serial, account } of gateway.hashing.splice(0)) this.#record(gateway, serial, account);
    gateway.journal.closed(gateway.closing);
    gateway.journal.commit(() => {});
  }

  #record(gateway: Gateway, serial: number, account: number): void {
    const key = `${jobOf(serial, this.#bootId).rowId} a${account}`;
    const digit = this.#digits.get(key) ?? 0;
    if (digit >= DIGITS_MAX) return;
    this.#digits.set(key, digit + 1);
    gateway.journal.share(shareOf(jobOf(serial, this.#bootId), `a${account}`, 4n ** BigInt(digit)));
    this.truth.written.add(`${key} ${digit}`);
    gateway.pending.push(`${key} ${digit}`);
  }

  commit(slot: number): Promise<void> {
    const gateway = this.#gateways[slot % this.#gateways.length];
    return gateway === undefined ? Promise.resolve() : this.#commit(gateway);
  }

  async replace(slot: number, killed: boolean): Promise<void> {
    const count = this.#gateways.length;
    const gateway = this.#gateways[slot % count];
    if (count === 1 || gateway === undefined) return;
    await this.#end(gateway, killed);
    const next = await this.#open(gatewayJournal(slot % count));
    this.#gateways[slot % count] = next;
    next.journal.closed(next.since - 1);
    next.journal.commit(() => {});
  }

  take(rowsMax: number, killedAt: KillPoint | undefined): boolean {
    this.#rowsMax = rowsMax;
    this.#ledger ??= this.#openLedger();
    try {
      const more = this.#ledger.step(killedAt);
      this.#checkSealed(this.#ledger);
      return more;
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      this.#ledger.close();
      this.#ledger = undefined;
      return true;
    }
  }

  /** Both the pool and its child end. */
  async stop(killed: boolean): Promise<void> {
    this.#ledger?.close();
    this.#ledger = undefined;
    for (const each of new Set([...this.#gateways, ...(this.#pool ? [this.#pool] : [])])) await this.#end(each, killed);
    await this.#orphans?.close();
    if (this.#gateways.length > 0) this.removedJournals += this.#journals - listJournals(this.folder.path).length;
    this.#gateways = [];
  }

  copy(): void {
    move(this.folder.path, this.#kept.path, () => true);
    this.#keptTruth = this.truth.copy();
  }

  restore(what: 'restore both' | 'restore ledger' | 'restore log'): void {
    if (this.#keptTruth === undefined) return;
    const isLedger = (name: string): boolean => name.startsWith('ledger.db');
    const before = this.folder.path;
    this.#left.push(this.folder);
    this.folder = dataFolder();
    move(before, this.folder.path, () => true);
    move(this.#kept.path, this.folder.path, (name) =>
      what === 'restore both' ? true : isLedger(name) === (what === 'restore ledger'),
    );
    if (what === 'restore both') this.mixed = false;
    else this.mixed = true;
    if (what !== 'restore ledger') {
      this.truth.durable = new Set(this.#keptTruth.durable);
      if (what === 'restore both') this.truth.written = new Set(this.#keptTruth.written);
    }
    this.#sealed.clear();
  }

  /** Takes all, and checks that each durable share was counted, and each counted share once. */
  check(): void {
    while (this.take(1000, undefined));
    const counted = new Set<string>();
    for (const [key, [work, shares]] of Object.entries(this.#ledger?.contents() ?? {})) {
      const digits = digitsOf(work);
      expect(digits.length, `${key}: shares`).toBe(shares);
      for (const digit of digits) counted.add(`${key} ${digit}`);
    }
    expect(
      [...this.truth.durable].filter((share) => !counted.has(share)),
      'lost',
    ).toEqual([]);
    expect(
      [...counted].filter((share) => !this.truth.written.has(share)),
      'never written',
    ).toEqual([]);
  }

  get sealedSlices(): number {
    return this.#sealed.size;
  }

  async remove(): Promise<void> {
    for (const each of [this.folder, ...this.#left]) await each.remove();
    await this.#kept.remove();
  }

  get #bootId(): string {
    return this.#epoch.toString(16).padStart(8, '0');
  }

  #openLedger(): LedgerProcess {
    const delivered = (journal: string, seq: number): void => this.#deliveries.delivered('ledger', journal, seq);
    return new LedgerProcess(this.folder.path, this.#rowsMax, delivered, this.#orphanEnds);
  }

  async #open(name: string): Promise<Gateway> {
    const disk = new FatefulDisk([]);
    const options = { folder: this.folder.path, node: 'n', consumers: ['ledger'], segmentBytes: SEGMENT_BYTES };
    const journal = await openJournal(
      { ...options, journal: name, closeMsMax: 0, lockMsMax: 5_000 },
      { clock, logger: keptLogger(), disk },
    );
    this.#deliveries.listen(name, (consumer, seq) => journal.confirm(consumer, seq));
    return { journal, disk, since: this.#serial, pending: [], hashing: [], closing: -1 };
  }

  async #commit(gateway: Gateway): Promise<void> {
    const { pending } = gateway;
    gateway.pending = [];
    await new Promise<void>((resolve) => gateway.journal.commit(resolve));
    for (const share of pending) this.truth.durable.add(share);
  }

  async #end(gateway: Gateway, killed: boolean): Promise<void> {
    if (killed) gateway.disk.kill();
    else await this.#commit(gateway);
    await gateway.journal.close();
    gateway.disk.bury();
  }

  #checkSealed(ledger: LedgerProcess): void {
    const sealed = ledger.sealedSerial;
    const now = ledger.contents();
    for (const [key, slice] of this.#sealed) expect(`${now[key]}`, `the sealed slice ${key}`).toBe(slice);
    for (const [key, slice] of Object.entries(now))
      if (Number.parseInt(key, 16) <= sealed) this.#sealed.set(key, `${slice}`);
  }
}

/** What is in one folder comes into another in place of what is there. */
function move(from: string, to: string, chosen: (name: string) => boolean): void {
  for (const name of readdirSync(to).filter(chosen)) rmSync(join(to, name), { recursive: true });
  for (const name of readdirSync(from).filter(chosen)) {
    // Locks are not of the copy.
    if (!name.endsWith('.lock') && existsSync(join(from, name)))
      cpSync(join(from, name), join(to, name), { recursive: true });
  }
}

/** The places of the digits of a number to the base of four. Fails for a digit above one. */
function digitsOf(work: bigint): number[] {
  const digits: number[] = [];
  for (let [rest, n] = [work, 0]; rest > 0n; rest /= 4n, n += 1) {
    const digit = rest % 4n;
    expect(digit, 'a share was counted twice').toBeLessThan(2n);
    if (digit === 1n) digits.push(n);
  }
  return digits;
}

async function doStep(pool: SimulatedPool, step: Step): Promise<void> {
  if (step.kind === 'job') pool.job(step.tip);
  else if (step.kind === 'share') pool.share(step.gateway, step.age, step.account, step.hashed);
  else if (step.kind === 'hashed') pool.hashed(step.gateway);
  else if (step.kind === 'commit') await pool.commit(step.gateway);
  else if (step.kind === 'gateway ends') await pool.replace(step.gateway, step.killed);
  else {
    await new Promise((resolve) => setImmediate(resolve));
    pool.take(step.rowsMax, step.killedAt);
  }
}

/** Runs a data folder through its boots. Stopping is an outcome only if log and ledger were put back from different times. */
export async function runBoots(
  boots: readonly Boot[],
): Promise<{ outcome: Outcome; sealedSlices: number; removedJournals: number }> {
  const pool = new SimulatedPool();
  let outcome: Outcome = 'went on';
  try {
    for (const boot of [...boots, { gateways: 1, steps: [], killed: false, after: 'nothing' as const }]) {
      await pool.start(boot.gateways);
      try {
        for (const step of boot.steps) await doStep(pool, step);
        if (!boot.killed) {
          for (let slot = 0; slot < boot.gateways; slot += 1) await pool.commit(slot);
          pool.check();
        }
      } catch (error) {
        if (!(error instanceof LogMismatch) || !pool.mixed) throw error;
        outcome = 'stopped';
      }
      await pool.stop(boot.killed);
      if (outcome === 'stopped') break;
      if (boot.after === 'copy') pool.copy();
      else if (boot.after !== 'nothing') pool.restore(boot.after);
    }
  } finally {
    await pool.stop(true);
    await pool.remove();
  }
  const { sealedSlices, removedJournals } = pool;
  return { outcome, sealedSlices, removedJournals };
}
