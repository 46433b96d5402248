import { chosenCoinb2 } from '#base/bitcoin/own-coinbase';
import type { Job } from '#base/domain/job';
import type { CoinbaseChoice, JudgedShare, Source, Submission, Terms, Worker } from '#base/domain/share';
import { verdicts } from '#base/domain/verdict';
import { BufferPool } from '../segments/buffer-pool.ts';
import { hexBytesMax, RowWriter, stringBytesMax } from './row-writer.ts';

/** The columns that stay the same while a worker mines on a connection, encoded; and what they were made from. */
interface WorkerChunk {
  readonly source: Source;
  readonly bytes: Uint8Array;
}

/** The columns that stay the same for a job at one difficulty, encoded. */
interface TermsChunk {
  readonly job: Job;
  readonly bytes: Uint8Array;
}

const NONE = new Uint8Array(0);

/** time, ntime, nonce, version, job_variant, share_difficulty, latency_us, block. */
const FIXED_BYTES = 8 + 4 + 4 + 4 + 4 + 8 + 4 + 1;

/**
 * Encodes submissions as rows of `shares` (see rows.ts). About two thirds of a row were encoded with an earlier share
 * of the same worker and job: they are kept beside those objects, for as long as those live, and copied.
 */
export class ShareRows {
  readonly #node: string;
  readonly #workers = new WeakMap<Worker, WorkerChunk>();
  readonly #terms = new WeakMap<Terms, TermsChunk>();
  readonly #verdicts: ReadonlyMap<string, Uint8Array>;

  constructor(node: string) {
    this.#node = node;
    this.#verdicts = new Map(
      verdicts.map((verdict) => [verdict, encoded(stringBytesMax(verdict), (rows) => rows.string(verdict))]),
    );
  }

  write(rows: RowWriter, share: JudgedShare): void {
    const { submission, job } = share;
    const who = this.#who(submission);
    const what = this.#what(share);
    const verdict = this.#verdicts.get(share.verdict);
    if (verdict === undefined) throw new Error(`sharelog: no verdict ${share.verdict}`);
    const { extranonce2 } = submission;
    rows.reserve(who.length + what.length + FIXED_BYTES + verdict.length + hexBytesMax(extranonce2));
    rows.chunk(who);
    rows.chunk(what);
    rows.timeMs(share.receivedMs);
    rows.u32(submission.ntime);
    rows.u32(submission.nonce);
    rows.u32(share.version);
    rows.u32(job === undefined ? 0 : submission.variant);
    rows.f64(share.shareDifficulty);
    rows.u32(share.latencyUs);
    rows.bool(share.block);
    rows.chunk(verdict);
    rows.hex(extranonce2);
    rows.endRow();
  }

  #who({ worker, source, workerName }: Submission): Uint8Array {
    if (worker === undefined) return this.#encodeWho(source, '', workerName);
    const kept = this.#workers.get(worker);
    if (kept?.source === source) return kept.bytes;
    const bytes = this.#encodeWho(source, worker.account, worker.rig);
    this.#workers.set(worker, { source, bytes });
    return bytes;
  }

  #encodeWho(source: Source, account: string, worker: string): Uint8Array {
    const texts = [this.#node, source.remoteIp, source.userAgent, account, worker];
    const bytesMax = texts.reduce((sum, text) => sum + stringBytesMax(text), 16 + source.extranonce1.length * 2);
    return encoded(bytesMax, (rows) => {
      rows.string(this.#node);
      rows.u64(source.sessionId);
      rows.hex(source.extranonce1);
      rows.string(source.remoteIp);
      rows.string(source.userAgent);
      rows.string(account);
      rows.string(worker);
    });
  }

  #what({ job, terms, submission }: JudgedShare): Uint8Array {
    const { coinbase } = submission;
    if (job === undefined || terms === undefined)
      return encodeWhat(job?.rowId ?? submission.jobName, job, terms, coinbase);
    const kept = this.#terms.get(terms);
    if (kept?.job === job) return kept.bytes;
    const bytes = encodeWhat(job.rowId, job, terms, coinbase);
    this.#terms.set(terms, { job, bytes });
    return bytes;
  }
}

/** job_id, height, difficulty, work, coinb2. A share of no known job keeps the name that it gave. */
function encodeWhat(
  jobId: string,
  job: Job | undefined,
  terms: Terms | undefined,
  coinbase: CoinbaseChoice | undefined,
): Uint8Array {
  const coinb2 = (job && chosenCoinb2(job, coinbase)) ?? NONE;
  return encoded(stringBytesMax(jobId) + 28 + hexBytesMax(coinb2), (rows) => {
    rows.string(jobId);
    rows.u32(job?.height ?? 0);
    rows.f64(terms?.difficulty ?? 0);
    rows.u128(terms?.work ?? 0n);
    rows.hex(coinb2);
  });
}

/** A part of a row, written by itself. */
function encoded(bytesMax: number, write: (rows: RowWriter) => void): Uint8Array {
  const rows = new RowWriter({ bytesMax: Number.POSITIVE_INFINITY, rowsMax: Number.POSITIVE_INFINITY }, scratch);
  rows.reserve(bytesMax);
  write(rows);
  rows.endRow();
  rows.seal();
  const [segment] = rows.take();
  if (segment === undefined) return new Uint8Array(0);
  const bytes = new Uint8Array(segment.buffer.slice(0, segment.length));
  scratch.give(segment.buffer);
  return bytes;
}

const scratch = new BufferPool(1, 1024 * 1024);
