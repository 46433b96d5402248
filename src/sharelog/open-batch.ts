import type { Job } from '../domain/job.ts';
import type { SubmitOutcome } from '../domain/ports.ts';
import type { JudgedShare } from '../domain/share.ts';
import { BlockRows } from './block-rows.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { BlockHead, Candidate } from './candidate.ts';
import { JobRows } from './job-rows.ts';
import { RowWriter, type Segment, type SegmentBounds } from './row-writer.ts';
import { type BatchKind, batchKinds } from './rows.ts';
import { ShareRows } from './share-rows.ts';

/** What has become of a candidate: settled for good, or still to be tried. */
export interface Settlement {
  readonly hash: string;
  readonly final: boolean;
}

/** Everything of one commit, encoded. */
export interface CommitBody {
  readonly batches: readonly (Segment & { readonly kind: BatchKind })[];
  readonly candidates: readonly Candidate[];
  readonly settlements: readonly Settlement[];
}

const kinds = Object.keys(batchKinds) as BatchKind[];

/** Where rows gather until the log's thread takes them. */
export class OpenBatch {
  readonly #writers: Readonly<Record<BatchKind, RowWriter>>;
  readonly #shares: ShareRows;
  readonly #jobs: JobRows;
  readonly #blocks: BlockRows;
  #candidates: Candidate[] = [];
  #settlements: Settlement[] = [];
  #sealedCandidates = 0;
  #sealedSettlements = 0;

  constructor(options: { node: string; epoch: number; bounds: SegmentBounds }, pool: BufferPool) {
    const writer = (): RowWriter => new RowWriter(options.bounds, pool);
    this.#writers = { jobs: writer(), shares: writer(), blocks: writer() };
    this.#shares = new ShareRows(options.node);
    this.#jobs = new JobRows(options.node);
    this.#blocks = new BlockRows(options.node, options.epoch);
  }

  get rows(): number {
    return kinds.reduce((sum, kind) => sum + this.#writers[kind].rows, 0);
  }

  get bytes(): number {
    return kinds.reduce((sum, kind) => sum + this.#writers[kind].bytes, 0);
  }

  share(share: JudgedShare): void {
    this.#shares.write(this.#writers.shares, share);
  }

  job(job: Job): void {
    this.#jobs.write(this.#writers.jobs, job);
  }

  candidate(candidate: Candidate): void {
    this.#candidates.push(candidate);
    this.#blocks.write(this.#writers.blocks, candidate, { status: 'unknown', reason: 'no answer yet' });
  }

  outcome(block: BlockHead, outcome: SubmitOutcome): void {
    this.#settlements.push({ hash: block.hash, final: outcome.status !== 'unknown' });
    this.#blocks.write(this.#writers.blocks, block, outcome);
  }

  /** Marks what is here so far as one commit's. */
  seal(): void {
    for (const kind of kinds) this.#writers[kind].seal();
    this.#sealedCandidates = this.#candidates.length;
    this.#sealedSettlements = this.#settlements.length;
  }

  /** Hands out what is sealed, or undefined where nothing is. */
  take(): CommitBody | undefined {
    const batches = kinds.flatMap((kind) => this.#writers[kind].take().map((segment) => ({ ...segment, kind })));
    if (batches.length === 0) return undefined;
    const candidates = this.#candidates.splice(0, this.#sealedCandidates);
    const settlements = this.#settlements.splice(0, this.#sealedSettlements);
    this.#sealedCandidates = 0;
    this.#sealedSettlements = 0;
    return { batches, candidates, settlements };
  }
}

export interface Size {
  readonly rows: number;
  readonly bytes: number;
}

export function sizeOf({ batches }: CommitBody): Size {
  let rows = 0;
  let bytes = 0;
  for (const batch of batches) {
    rows += batch.rows;
    bytes += batch.length;
  }
  return { rows, bytes };
}
