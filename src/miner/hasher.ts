import { encodeHeader } from '#base/bitcoin/header';
import type { Clock } from '#base/domain/ports';
import type { KernelCode } from '#shares/kernel/kernel';
import { atMost } from '#shares/kernel/reference';
import { sha256d } from '#shares/kernel/sha256';
import { ScanThread } from './scan-thread.ts';
import type { FoundShare } from './session.ts';
import { type Assignment, Extranonce2Counter, merkleRoot, Roller, type Work } from './work.ts';

/** A range should take about this long: short enough to drop old work soon, long enough to hide the hand-over. */
const RANGE_MS_MIN = 20;
const RANGE_MS_MAX = 80;
const RANGE_NONCES_MIN = 256;
const RANGE_NONCES_MAX = 2 ** 24;

export interface HasherHandler {
  /** May more shares be found now? False pauses the threads until `resume`. */
  ready(): boolean;
  onShare(share: FoundShare): void;
  /** A thread failed, or the kernel and the reference differ. */
  onError(error: Error): void;
}

interface Lane {
  readonly thread: ScanThread;
  roller: Roller | undefined;
  rangeNonces: number;
}

/** The threads that hash, each on its own part of the current work. */
export class Hasher {
  readonly #clock: Clock;
  readonly #handler: HasherHandler;
  readonly #lanes: Lane[];
  readonly #extranonce2s = new Extranonce2Counter();
  #work: Work | undefined;
  /** Counts changes that make what threads still do worthless. */
  #generation = 0;
  #hashes = 0;

  constructor(options: { readonly threads: number; readonly code: KernelCode }, clock: Clock, handler: HasherHandler) {
    this.#clock = clock;
    this.#handler = handler;
    this.#lanes = Array.from({ length: options.threads }, () => ({
      thread: new ScanThread(options.code, (error) => handler.onError(error)),
      roller: undefined,
      rangeNonces: 4096,
    }));
  }

  /** Headers hashed so far. */
  get hashes(): number {
    return this.#hashes;
  }

  /** Goes over to other work, or to none. `clean`: shares of the work before are not wanted any more. */
  setWork(work: Work | undefined, clean: boolean): void {
    this.#work = work;
    if (clean) this.#generation += 1;
    this.resume();
  }

  /** Gives every idle thread a range to scan, if there is one. */
  resume(): void {
    for (const lane of this.#lanes) this.#next(lane);
  }

  async close(): Promise<void> {
    this.#work = undefined;
    await Promise.all(this.#lanes.map((lane) => lane.thread.close()));
  }

  #next(lane: Lane): void {
    const work = this.#work;
    if (!work || lane.thread.busy || !this.#handler.ready()) return;
    if (lane.roller?.work !== work) lane.roller = new Roller(work, this.#extranonce2s);
    const { roller } = lane;
    const assignment = roller.take(lane.rangeNonces);
    const generation = this.#generation;
    const startedMs = this.#clock.monotonicMs();
    const { header, first, count } = assignment;
    lane.thread.scan({ header, target: work.target, first, count }, (nonce) => {
      this.#hashes += nonce === undefined ? count : nonce - first + 1;
      if (nonce === undefined) adapt(lane, this.#clock.monotonicMs() - startedMs);
      else roller.resume(nonce + 1);
      if (nonce !== undefined && generation === this.#generation) this.#found(assignment, nonce);
      this.#next(lane);
    });
  }

  /** The reference makes the header once more from the job's parts, so that no share is sent that is none. */
  #found({ work, extranonce2, version }: Assignment, nonce: number): void {
    const { job } = work;
    const header = encodeHeader({
      version,
      previousHash: job.previousHash,
      merkleRoot: merkleRoot(work, extranonce2),
      time: job.ntime,
      bits: job.bits,
      nonce,
    });
    if (atMost(sha256d(header), work.target)) this.#handler.onShare({ work, extranonce2, version, nonce });
    else this.#handler.onError(new Error(`miner: the kernel found nonce ${nonce}, which misses the target`));
  }
}

function adapt(lane: Lane, tookMs: number): void {
  if (tookMs < RANGE_MS_MIN) lane.rangeNonces = Math.min(RANGE_NONCES_MAX, lane.rangeNonces * 2);
  if (tookMs > RANGE_MS_MAX) lane.rangeNonces = Math.max(RANGE_NONCES_MIN, lane.rangeNonces >>> 1);
}
