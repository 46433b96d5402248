import { difficultyOfHash, targetOfDifficulty, targetToBytes, workOfTarget } from '#base/bitcoin/target';
import { verdicts } from '#base/domain/verdict';
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
}

/** A share that promises nothing can only be a block. */
const NOTHING: Promised = { target: new Uint8Array(32), work: 0n };

/**
 * Judges shares again, from their rows (share-rows.ts) and jobs alone. Rows must come job by job, a job's accepted ones first.
 * They may be cut anywhere into chunks.
 */
export class ShareAudit {
  readonly #hasher: ShareHasher;
  readonly #jobOf: (jobId: string) => AuditedJob | undefined;
  readonly #differences: Differences;
  readonly #seen = new SeenHeaders({ headersMax: Number.POSITIVE_INFINITY }, { closedEarly() {}, wantsJob() {} });
  readonly #promised = new Map<number, Promised>();
  readonly #prefix = new Uint8Array(6);
  #job: AuditedJob | undefined;
  #jobId = '';
  #rest: Buffer = Buffer.alloc(0);
  #judgedSerial = -1;
  /** Shares judged so far. */
  shares = 0;

  constructor(hasher: ShareHasher, jobOf: (jobId: string) => AuditedJob | undefined, differences: Differences) {
    this.#hasher = hasher;
    this.#jobOf = jobOf;
    this.#differences = differences;
  }

  feed(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const rows = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const whole = rows.length - (rows.length % at.BYTES);
    let from = 0;
    for (let row = 0; row < whole; row += at.BYTES) {
      if (this.#put(rows, row)) continue;
      this.#judgeAll(rows, from, row);
      from = row;
      this.#put(rows, row);
    }
    this.#judgeAll(rows, from, whole);
    this.#rest = Buffer.from(rows.subarray(whole));
  }

  /** Throws if the rows ended within one. */
  end(): void {
    if (this.#rest.length > 0) throw new Error('audit: the shares end within a row');
  }

  /** False if the batch must run first. A row of no readable job takes no place in the batch. */
  #put(rows: Buffer, row: number): boolean {
    const job = this.#jobAt(rows, row);
    const kernelJob = job?.kernelJob;
    if (kernelJob === undefined) return true;
    this.#prefix[0] = rows[row + at.VARIANT + 1] ?? 0;
    this.#prefix[1] = rows[row + at.VARIANT] ?? 0;
    for (let byte = 0; byte < 4; byte += 1) this.#prefix[2 + byte] = rows[row + at.EXTRANONCE1 + byte] ?? 0;
    const extranonce2 = rows.subarray(row + at.EXTRANONCE2, row + at.EXTRANONCE2 + at.EXTRANONCE2_BYTES);
    const header = {
      version: rows.readUInt32LE(row + at.VERSION),
      ntime: rows.readUInt32LE(row + at.NTIME),
      nonce: rows.readUInt32LE(row + at.NONCE),
    };
    const { target } = this.#promisedBy(rows.readDoubleLE(row + at.DIFFICULTY));
    return this.#hasher.put(kernelJob, this.#prefix, extranonce2, header, target) !== undefined;
  }

  #judgeAll(rows: Buffer, from: number, to: number): void {
    this.#hasher.run();
    for (let row = from, index = 0; row < to; row += at.BYTES) {
      const job = this.#jobAt(rows, row);
      if (job?.kernelJob === undefined) continue;
      this.#judge(rows, row, job, index);
      index += 1;
      this.shares += 1;
    }
  }

  #judge(rows: Buffer, row: number, job: AuditedJob, index: number): void {
    if (job.serial !== this.#judgedSerial) {
      // Rows come in the order of serial numbers: the headers of the jobs before are of no use any more.
      this.#judgedSerial = job.serial;
      this.#seen.retain(job.serial, job.serial);
    }
    const wrong = (what: string): void => this.#differences.add('share', `${nameOf(rows, row)}: ${what}`);
    if (rows[row + at.WELL_FORMED] !== 1) wrong('its extranonces or its variant are not those of a header');
    const hash = this.#hasher.hash(index);
    const meets = this.#hasher.status(index);
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
    const { work } = this.#promisedBy(difficulty);
    const kept = rows.readBigUInt64LE(row + at.WORK) | (rows.readBigUInt64LE(row + at.WORK + 8) << 64n);
    if (kept !== work) wrong(`difficulty ${difficulty} is work ${work}, and ${kept} is kept`);
  }

  #judgeVerdict(code: number, meets: number, job: AuditedJob, hash: Uint8Array, wrong: (what: string) => void): void {
    const reached = (meets & (MEETS_SHARE_TARGET | MEETS_NETWORK_TARGET)) !== 0;
    const view = new DataView(hash.buffer, hash.byteOffset, 8);
    const [low, high] = [view.getUint32(0, true), view.getUint32(4, true)];
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
    const jobId = jobIdAt(rows, row);
    if (jobId !== this.#jobId) {
      this.#jobId = jobId;
      this.#job = this.#jobOf(jobId);
    }
    return this.#job;
  }

  #promisedBy(difficulty: number): Promised {
    const known = this.#promised.get(difficulty);
    if (known !== undefined) return known;
    if (!(difficulty > 0 && difficulty < Number.POSITIVE_INFINITY)) return NOTHING;
    const target = targetOfDifficulty(difficulty);
    const promised = { target: targetToBytes(target), work: workOfTarget(target) };
    if (this.#promised.size >= DIFFICULTIES_MAX) this.#promised.clear();
    this.#promised.set(difficulty, promised);
    return promised;
  }
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
