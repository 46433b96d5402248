import { type Job, VARIANT_BYTES } from '#base/domain/job';
import { type RowWriter, stringBytesMax } from './row-writer.ts';

const FIXED_BYTES = 96;

/** Encodes jobs as rows of `jobs` (see rows.ts). */
export class JobRows {
  readonly #node: string;

  constructor(node: string) {
    this.#node = node;
  }

  write(rows: RowWriter, job: Job): void {
    const { windowEnd = '' } = job;
    rows.reserve(
      FIXED_BYTES +
        stringBytesMax(job.rowId) +
        stringBytesMax(this.#node) +
        stringBytesMax(windowEnd) +
        2 * (job.coinb1.length + VARIANT_BYTES + job.coinb2.length) +
        job.merkleBranch.length * 67,
    );
    rows.string(job.rowId);
    rows.timeMs(job.createdMs);
    rows.string(this.#node);
    rows.u32(job.height);
    rows.u32(job.version);
    // People, explorers and nodes read block hashes with the last byte first.
    rows.hex(job.previousHash.toReversed());
    rows.u32(job.bits);
    rows.u32(job.minTime);
    rows.u32(job.curTime);
    // As miners get it under the job's own id: with the variant, 0, at its end.
    rows.hex(Buffer.concat([job.coinb1, new Uint8Array(VARIANT_BYTES)]));
    rows.hex(job.coinb2);
    rows.length(job.merkleBranch.length);
    for (const hash of job.merkleBranch) rows.hex(hash);
    rows.u64(job.rewardSats);
    rows.f64(job.networkDifficulty);
    rows.u32(job.template.transactions.length);
    rows.bool(job.cleanJobs);
    rows.string(windowEnd);
    rows.endRow();
  }
}
