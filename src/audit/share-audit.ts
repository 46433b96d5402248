import { difficultyOfHash, targetOfDifficulty, targetToBytes, workOfTarget } from '#base/bitcoin/target';
import { verdicts } from '#base/domain/verdict';
import type { KernelJob } from '#shares/kernel/memory';
import { MEETS_NETWORK_TARGET, MEETS_SHARE_TARGET } from '#shares/kernel/memory';
import { NTIME_AHEAD_MAX_S } from '#shares/verify/precheck';
import { SeenHeaders } from '#shares/verify/seen';
import type { AuditedJob } from './audited-job.ts';
import type { Differences } from './differences.ts';
import type { ShareHasher } from './share-hasher.ts';
import { shareRow as at } from './share-rows.ts';

const ACCEPTED = verdicts.indexOf('accepted') + 1;
const LOW_DIFFICULTY = verdicts.indexOf('low-difficulty') + 1;
const DUPLICATE = verdicts.indexOf('duplicate') + 1;

/** Difficulties whose targets are remembered: vardiff makes many. */
const DIFFICULTIES_MAX = 65_536;

/** What a difficulty comes to. */
interface Promised {
  readonly target: Uint8Array;
  readonly work: bigint;
  /** The same as a UInt128 of a row. */
  readonly workBytes: Uint8Array;
}

/** A share that promises nothing can only be a block. */
const NOTHING: Promised = { target: new Uint8Array(32), work: 0n, workBytes: new Uint8Array(16) };
const WORK_BYTES = 16;

/** Rows whose headers are one batch. */
interface Part {
  readonly rows: Buffer;
  readonly from: number;
  readonly to: number;
}

interface Running {
  readonly part: Part;
  readonly hasher: ShareHasher;
  readonly hashed: Promise<void>;
}

/**
 * Judges shares again, from their rows (share-rows.ts) and jobs alone. Rows must come job by job, a job's accepted ones first.
 * They may be cut anywhere into chunks.
 */
export class ShareAudit {
  /** The hasher whose batch is being filled, those that wait for one, and those that run, in the order of their batches. */
  #current: ShareHasher;
  readonly #free: ShareHasher[];
  readonly #running: Running[] = [];
  readonly #jobOf: (jobId: string) => AuditedJob | undefined;
  readonly #differences: Differences;
  readonly #seen = new SeenHeaders({ headersMax: Number.POSITIVE_INFINITY }, { closedEarly() {}, wantsJob() {} });
  readonly #promised = new Map<number, Promised>();
  readonly #prefix = new Uint8Array(6);
  readonly #extranonce2 = new Uint8Array(at.EXTRANONCE2_BYTES);
  readonly #header = { version: 0, ntime: 0, nonce: 0 };
  #job: AuditedJob | undefined;
  /** Of `#job`, as its rows have it. */
  #jobId: Uint8Array = new Uint8Array(at.JOB_ID_BYTES);
  #rest: Buffer = Buffer.alloc(0);
  #judgedSerial = -1;
  /** Shares judged so far. */
  shares = 0;

  /** At least one hasher; all of them at rest. */
  constructor(
    hashers: readonly [ShareHasher, ...ShareHasher[]],
    jobOf: (jobId: string) => AuditedJob | undefined,
    differences: Differences,
  ) {
    [this.#current, ...this.#free] = hashers;
    this.#jobOf = jobOf;
    this.#differences = differences;
  }

  /** Resolves when more rows may come; most of these are still being hashed then. */
  async feed(chunk: Uint8Array): Promise<void> {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const rows = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const whole = rows.length - (rows.length % at.BYTES);
    let from = 0;
    for (let row = 0; row < whole; row += at.BYTES) {
      if (this.#put(rows, row)) continue;
      await this.#run({ rows, from, to: row });
      from = row;
      this.#put(rows, row);
    }
    await this.#run({ rows, from, to: whole });
    this.#rest = Buffer.from(rows.subarray(whole));
  }

  /** Resolves when every row is judged. Throws if the rows ended within one. */
  async end(): Promise<void> {
    while (this.#running.length > 0) await this.#finishOldest();
    if (this.#rest.length > 0) throw new Error('audit: the shares end within a row');
  }

  /** Has the current batch hashed, and goes on with the next free hasher. */
  async #run(part: Part): Promise<void> {
    const hasher = this.#current;
    this.#running.push({ part, hasher, hashed: hasher.run() });
    const free = this.#free.pop();
    this.#current = free ?? (await this.#finishOldest());
  }

  /** Waits for the batch that has run longest, and judges it: batches are judged in their order. Returns its hasher. */
  async #finishOldest(): Promise<ShareHasher> {
    const oldest = this.#running.shift();
    if (oldest === undefined) throw new Error('audit: no batch is being hashed');
    await oldest.hashed;
    this.#judgeAll(oldest.part, oldest.hasher);
    return oldest.hasher;
  }

  /** False if the batch must run first. A row of no readable job takes no place in the batch. */
  #put(rows: Buffer, row: number): boolean {
    const kernelJob = kernelJobAt(this.#jobAt(rows, row), rows, row);
    if (kernelJob === undefined) return true;
    const prefix = this.#prefix;
    prefix[0] = rows[row + at.VARIANT + 1] ?? 0;
    prefix[1] = rows[row + at.VARIANT] ?? 0;
    for (let byte = 0; byte < 4; byte += 1) prefix[2 + byte] = rows[row + at.EXTRANONCE1 + byte] ?? 0;
    for (let byte = 0; byte < 8; byte += 1) this.#extranonce2[byte] = rows[row + at.EXTRANONCE2 + byte] ?? 0;
    const header = this.#header;
    header.version = rows.readUInt32LE(row + at.VERSION);
    header.ntime = rows.readUInt32LE(row + at.NTIME);
    header.nonce = rows.readUInt32LE(row + at.NONCE);
    const { target } = this.#promisedBy(rows.readDoubleLE(row + at.DIFFICULTY));
    return this.#current.put(kernelJob, prefix, this.#extranonce2, header, target) !== undefined;
  }

  #judgeAll({ rows, from, to }: Part, hasher: ShareHasher): void {
    let index = 0;
    for (let row = from; row < to; row += at.BYTES) {
      const job = this.#jobAt(rows, row);
      if (job === undefined || kernelJobAt(job, rows, row) === undefined) continue;
      this.#judge(rows, row, job, hasher.hash(index), hasher.status(index));
      index += 1;
    }
    this.shares += index;
  }

  #judge(rows: Buffer, row: number, job: AuditedJob, hash: Uint8Array, meets: number): void {
    if (job.serial !== this.#judgedSerial) {
      // Rows come in the order of serial numbers: the headers of the jobs before are of no use any more.
      this.#judgedSerial = job.serial;
      this.#seen.retain(job.serial, job.serial);
    }
    const wrong = (what: string): void => this.#differences.add('share', `${nameOf(rows, row)}: ${what}`);
    if (rows[row + at.WELL_FORMED] !== 1) wrong('its extranonces or its variant are not those of a header');
    const code = rows[row + at.VERDICT] ?? 0;
    const kept = rows.readDoubleLE(row + at.SHARE_DIFFICULTY);
    const achieved = difficultyOfHash(hash);
    if (kept !== achieved) wrong(`its hash reaches difficulty ${achieved}, and ${kept} is kept`);
    const isBlock = (meets & MEETS_NETWORK_TARGET) !== 0 && code !== DUPLICATE;
    if (rows[row + at.BLOCK] !== Number(isBlock)) {
      wrong(isBlock ? 'its hash is a block, and the row says that it is none' : 'the row says block, and it is none');
    }
    const height = rows.readUInt32LE(row + at.HEIGHT);
    if (height !== job.height) wrong(`its height is ${height}, and that of its job ${job.height}`);
    this.#judgeWork(rows, row, wrong);
    this.#judgeVerdict(code, meets, job, hash, wrong);
    if (code !== ACCEPTED) return;
    const ntime = rows.readUInt32LE(row + at.NTIME);
    if (ntime < job.minTime || ntime > job.curTime + NTIME_AHEAD_MAX_S) {
      wrong(`accepted, and its ntime ${ntime} is outside ${job.minTime}…${job.curTime + NTIME_AHEAD_MAX_S}`);
    }
  }

  #judgeWork(rows: Buffer, row: number, wrong: (what: string) => void): void {
    const difficulty = rows.readDoubleLE(row + at.DIFFICULTY);
    const { work, workBytes } = this.#promisedBy(difficulty);
    // A bigint for each share would cost more than all other checks.
    if (standsAt(rows, row + at.WORK, workBytes)) return;
    const kept = rows.readBigUInt64LE(row + at.WORK) | (rows.readBigUInt64LE(row + at.WORK + 8) << 64n);
    wrong(`difficulty ${difficulty} is work ${work}, and ${kept} is kept`);
  }

  #judgeVerdict(code: number, meets: number, job: AuditedJob, hash: Uint8Array, wrong: (what: string) => void): void {
    const reached = (meets & (MEETS_SHARE_TARGET | MEETS_NETWORK_TARGET)) !== 0;
    const low = wordAt(hash, 0);
    const high = wordAt(hash, 4);
    if (code === ACCEPTED) {
      if (!reached) wrong('accepted, and its hash does not reach its difficulty');
      if (this.#seen.check(job, low, high) === 'known')
        wrong('accepted, and another accepted share has the same header');
      else this.#seen.add(job, low, high);
    } else if (code === LOW_DIFFICULTY && reached)
      wrong('rejected as low-difficulty, and its hash reaches its difficulty');
    else if (code === DUPLICATE && this.#seen.check(job, low, high) !== 'known') {
      wrong('rejected as duplicate, and no accepted share has its header');
    } else if (code === 0) wrong('its verdict is no word of the pool');
  }

  #jobAt(rows: Buffer, row: number): AuditedJob | undefined {
    if (!standsAt(rows, row + at.JOB_ID, this.#jobId)) {
      this.#jobId = Buffer.from(rows.subarray(row, row + at.JOB_ID_BYTES));
      this.#job = this.#jobOf(jobIdAt(rows, row));
    }
    return this.#job;
  }

  #promisedBy(difficulty: number): Promised {
    const known = this.#promised.get(difficulty);
    if (known !== undefined) return known;
    if (!(difficulty > 0 && difficulty < Number.POSITIVE_INFINITY)) return NOTHING;
    const target = targetOfDifficulty(difficulty);
    const work = workOfTarget(target);
    // Work above 128 bits has no row: the difficulty would be above 2^96.
    const workBytes = targetToBytes(work).subarray(0, WORK_BYTES);
    const promised = { target: targetToBytes(target), work, workBytes };
    if (this.#promised.size >= DIFFICULTIES_MAX) this.#promised.clear();
    this.#promised.set(difficulty, promised);
    return promised;
  }
}

/** The job with the coinbase of the row. */
function kernelJobAt(job: AuditedJob | undefined, rows: Buffer, row: number): KernelJob | undefined {
  if (job === undefined) return undefined;
  const at64 = row + at.COINBASE;
  // A bigint for each share would cost more than all other checks.
  if (rows.readUInt32LE(at64) === 0 && rows.readUInt32LE(at64 + 4) === 0) return job.kernelJob;
  return job.ownCoinbases.get(rows.readBigUInt64LE(at64));
}

/** Whether the bytes stand there; byte by byte, because a call of Buffer's costs more for so few. */
function standsAt(rows: Buffer, from: number, bytes: Uint8Array): boolean {
  for (let byte = 0; byte < bytes.length; byte += 1) if (rows[from + byte] !== bytes[byte]) return false;
  return true;
}

/** The u32 at an offset, little-endian. */
function wordAt(bytes: Uint8Array, from: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = [bytes[from], bytes[from + 1], bytes[from + 2], bytes[from + 3]];
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
}

/** Bytes that are no text can not be those of a known job. */
function jobIdAt(rows: Buffer, row: number): string {
  let end = row + at.JOB_ID + at.JOB_ID_BYTES;
  while (end > row && rows[end - 1] === 0) end -= 1;
  return rows.toString('latin1', row + at.JOB_ID, end);
}

/** What finds the row again. */
function nameOf(rows: Buffer, row: number): string {
  const hex = (from: number, bytes: number): string => rows.toString('hex', row + from, row + from + bytes);
  const u32 = (from: number): number => rows.readUInt32LE(row + from);
  const time = new Date(Number(rows.readBigInt64LE(row + at.TIME))).toISOString();
  return `share of job ${jobIdAt(rows, row)} at ${time} (job_variant ${u32(at.VARIANT)}, extranonce1 ${hex(at.EXTRANONCE1, 4)}, extranonce2 ${hex(at.EXTRANONCE2, 8)}, ntime ${u32(at.NTIME)}, nonce ${u32(at.NONCE)}, version ${u32(at.VERSION)})`;
}
