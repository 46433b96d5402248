import type { FoundBlock, SubmitOutcome } from '#base/domain/ports';
import type { BlockHead } from '../candidates/candidate.ts';
import { type RowWriter, stringBytesMax } from './row-writer.ts';

const FIXED_BYTES = 64;

/** Encodes what is known of block candidates as rows of `blocks` (see rows.ts). */
export class BlockRows {
  readonly #node: string;
  #revision: bigint;

  /** Later boots have greater epochs, so their rows are the later ones, whatever the clock says. */
  constructor(node: string, epoch: number) {
    this.#node = node;
    this.#revision = BigInt(epoch) << 32n;
  }

  write(rows: RowWriter, block: BlockHead, outcome: SubmitOutcome): void {
    const reason = outcome.status === 'accepted' ? '' : outcome.reason;
    const texts = [block.hash, this.#node, block.jobId, block.account, block.rig, reason, outcome.status];
    rows.reserve(texts.reduce((sum, text) => sum + stringBytesMax(text), FIXED_BYTES));
    this.#revision += 1n;
    rows.string(block.hash);
    rows.timeMs(block.foundMs);
    rows.string(this.#node);
    rows.u32(block.height);
    rows.string(block.jobId);
    rows.string(block.account);
    rows.string(block.rig);
    rows.u64(block.rewardSats);
    rows.f64(block.networkDifficulty);
    rows.f64(block.shareDifficulty);
    rows.string(outcome.status);
    rows.string(reason);
    rows.u64(this.#revision);
    rows.endRow();
  }
}

/** What the log keeps of a found block, without its job. */
export function headOf(block: FoundBlock): BlockHead {
  const { job } = block;
  return {
    hash: block.hash,
    height: job.height,
    jobId: job.rowId,
    account: block.account,
    rig: block.rig,
    rewardSats: job.rewardSats,
    networkDifficulty: job.networkDifficulty,
    shareDifficulty: block.shareDifficulty,
    foundMs: block.foundMs,
  };
}
