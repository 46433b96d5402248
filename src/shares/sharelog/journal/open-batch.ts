import type { Job } from '#base/domain/job';
import type { BlockOutcome, Clock } from '#base/domain/ports';
import type { JudgedShare } from '#base/domain/share';
import type { BlockHead } from '../candidates/candidate.ts';
import { BlockRows } from '../rows/block-rows.ts';
import { JobRows } from '../rows/job-rows.ts';
import { RowWriter, type Segment, type SegmentBounds } from '../rows/row-writer.ts';
import { type BatchKind, batchKinds } from '../rows/rows.ts';
import { ShareRows } from '../rows/share-rows.ts';
import type { BufferPool } from '../segments/buffer-pool.ts';

/** Encoded rows of one kind that are not on disk yet. */
export interface EncodedBatch extends Segment {
  readonly kind: BatchKind;
}

const kinds = Object.keys(batchKinds) as BatchKind[];

/** Where rows gather until the log takes them. */
export class OpenBatch {
  readonly #writers: Readonly<Record<BatchKind, RowWriter>>;
  readonly #shares: ShareRows;
  readonly #jobs: JobRows;
  readonly #blocks: BlockRows;
  #urgent = false;

  constructor(options: { node: string; bounds: SegmentBounds; clock: Pick<Clock, 'nowMs'> }, pool: BufferPool) {
    const writer = (): RowWriter => new RowWriter(options.bounds, pool);
    this.#writers = { jobs: writer(), shares: writer(), blocks: writer(), marks: writer() };
    this.#shares = new ShareRows(options.node);
    this.#jobs = new JobRows(options.node);
    this.#blocks = new BlockRows(options.node, options.clock);
  }

  get rows(): number {
    return kinds.reduce((sum, kind) => sum + this.#writers[kind].rows, 0);
  }

  get bytes(): number {
    return kinds.reduce((sum, kind) => sum + this.#writers[kind].bytes, 0);
  }

  /** True if something is here that must not wait for more rows: a job, a block, or a block's share. */
  get urgent(): boolean {
    return this.#urgent;
  }

  share(share: JudgedShare): void {
    if (share.block) this.#urgent = true;
    this.#shares.write(this.#writers.shares, share);
  }

  job(job: Job): void {
    this.#urgent = true;
    this.#jobs.write(this.#writers.jobs, job);
  }

  block(block: BlockHead, outcome: BlockOutcome): void {
    this.#urgent = true;
    this.#blocks.write(this.#writers.blocks, block, outcome);
  }

  /** A mark: no accepted share of a job with this serial number or less comes any more. */
  closed(serial: number): void {
    const { marks } = this.#writers;
    marks.reserve(8);
    marks.u64(BigInt(serial));
    marks.endRow();
  }

  /** Marks what is here so far as one commit's. */
  seal(): void {
    for (const kind of kinds) this.#writers[kind].seal();
  }

  /** Removes and returns the sealed batches. */
  take(): EncodedBatch[] {
    this.#urgent = false;
    return kinds.flatMap((kind) => this.#writers[kind].take().map((segment) => ({ ...segment, kind })));
  }
}

export interface Size {
  readonly rows: number;
  readonly bytes: number;
}

export function sizeOf(batches: readonly EncodedBatch[]): Size {
  let rows = 0;
  let bytes = 0;
  for (const batch of batches) {
    rows += batch.rows;
    bytes += batch.length;
  }
  return { rows, bytes };
}
