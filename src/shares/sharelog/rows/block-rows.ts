import type { BlockOutcome, Clock, FoundBlock } from '#base/domain/ports';
import type { BlockHead, BlockInputs } from '../candidates/candidate.ts';
import { type RowWriter, stringBytesMax } from './row-writer.ts';

const FIXED_BYTES = 80;
/**
 * A revision is a time in ms and this many bits for the rows of that ms. Earlier versions wrote the boot's number, shifted by 32
 * bits, and counted on: less than any time since 2001 up to the 200 millionth boot.
 */
const COUNT_BITS = 20n;
/** A clock beyond the year 2248 is wrong: its revisions leave room in 64 bits for the rows that follow. */
const CLOCK_MS_MAX = 2 ** 43;
/** A candidate of a version that did not keep what its share was. */
const UNNAMED: BlockInputs = {
  variant: 0,
  extranonce1: '',
  extranonce2: '',
  ntime: 0,
  nonce: 0,
  version: 0,
  coinb2: '',
};

/** Encodes what is known of block candidates as rows of `blocks` (see rows.ts). */
export class BlockRows {
  readonly #node: string;
  readonly #clock: Pick<Clock, 'nowMs'>;
  #revision = 0n;

  /**
   * Revisions rise within a boot, whatever the clock does. Between boots the clock decides: a data folder that is set back to an
   * older copy counts the same boots again, and its rows are the later ones all the same.
   */
  constructor(node: string, clock: Pick<Clock, 'nowMs'>) {
    this.#node = node;
    this.#clock = clock;
  }

  write(rows: RowWriter, block: BlockHead, outcome: BlockOutcome): void {
    const reason = 'reason' in outcome ? outcome.reason : '';
    const { variant, extranonce1, extranonce2, ntime, nonce, version, coinb2 = '' } = block.inputs ?? UNNAMED;
    const texts = [
      ...[block.hash, this.#node, block.jobId, block.account, block.rig, reason, outcome.status],
      ...[extranonce1, extranonce2, coinb2],
    ];
    rows.reserve(texts.reduce((sum, text) => sum + stringBytesMax(text), FIXED_BYTES));
    this.#revision = this.#next();
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
    rows.u32(variant);
    rows.string(extranonce1);
    rows.string(extranonce2);
    rows.u32(ntime);
    rows.u32(nonce);
    rows.u32(version);
    rows.string(coinb2);
    rows.endRow();
  }

  #next(): bigint {
    const nowMs = Math.min(Math.max(Math.floor(this.#clock.nowMs()), 0), CLOCK_MS_MAX);
    const now = BigInt(nowMs) << COUNT_BITS;
    return now > this.#revision ? now : this.#revision + 1n;
  }
}

/** The log's data of a found block, without its job. */
export function headOf(block: FoundBlock): BlockHead {
  const { job, inputs } = block;
  const { variant, ntime, nonce, version } = inputs;
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
    inputs: {
      variant,
      extranonce1: Buffer.from(inputs.extranonce1).toString('hex'),
      extranonce2: Buffer.from(inputs.extranonce2).toString('hex'),
      ntime,
      nonce,
      version,
      coinb2: block.coinb2 === undefined ? '' : Buffer.from(block.coinb2).toString('hex'),
    },
  };
}
