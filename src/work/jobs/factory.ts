import { equalBytes } from '#base/bitcoin/bytes';
import { buildCoinbase, type CoinbaseHalves, type CoinbaseOutput } from '#base/bitcoin/coinbase';
import { difficultyOfTarget, targetOfBits, targetToBytes } from '#base/bitcoin/target';
import { EPOCHS_MAX, JOBS_PER_EPOCH, jobId, jobRowId, jobSerial } from '#base/domain/ids';
import { EXTRANONCE1_BYTES, EXTRANONCE2_BYTES, type Job, VARIANT_BYTES } from '#base/domain/job';
import type { Clock } from '#base/domain/ports';
import type { BlockTemplate } from '#base/domain/template';
import { limits } from '#base/limits';

export interface JobFactoryOptions {
  /** Counted at each start of the data directory; makes job ids, and so coinbases, unique over restarts. */
  readonly epoch: number;
  /** Jobs that one epoch can number. */
  readonly jobsPerEpoch?: number | undefined;
  /** Random hex digits of this start: no other start of the data directory, or of a copy of it, has them. */
  readonly bootId: string;
  /** Random bytes of this start; make its coinbases differ from those of every other pool. */
  readonly identity: Uint8Array;
  /** scriptPubKey that the coinbase pays to. */
  readonly payoutScript: Uint8Array;
  /** Shown in the coinbase. */
  readonly tag: string;
  /** The lengths that coinbases which pay accounts directly may have, the longest first. Default: DIRECT_BYTES. */
  readonly directBytesMax?: readonly number[];
}

export interface JobFactoryModules {
  readonly clock: Clock;
  /** Counts a new epoch, durably, for when the ids of the one before are used up. Throws if it can not be recorded. */
  nextEpoch(): number;
  /** Sibling hashes of the coinbase for the other transactions' txids (base/bitcoin/merkle.ts is its reference). */
  merkleBranch(txids: readonly Uint8Array[]): Uint8Array[];
  /** Default: the pool gets everything. */
  readonly payDirectly?: PayDirectly;
}

/** Accounts that a job's coinbases pay directly, with the pool's output for all the rest. */
export interface DirectPayout {
  /** For each coinbase, in order; the template's value in all. */
  readonly outputs: readonly (readonly CoinbaseOutput[])[];
  /** See Job. */
  readonly windowEnd: string;
}

/**
 * Chooses outputs for coinbases of several sizes, the longest first: each may take up to so many bytes more than the pool's own output.
 * Undefined: the pool gets everything.
 */
export type PayDirectly = (valueSats: bigint, roomsBytes: readonly number[]) => DirectPayout | undefined;

export interface JobFactory {
  /** Throws where no job can be made of the template: its bits have no target, the coinbase gets too large, no new epoch can be recorded. */
  build(template: BlockTemplate): Job;
}

const HOLE_BYTES = VARIANT_BYTES + EXTRANONCE1_BYTES + EXTRANONCE2_BYTES;

/** Most devices; NiceHash; ESP-Miner's display; NerdMiner, which has no room for an account. Bytes without witness. */
const DIRECT_BYTES = [limits.directCoinbaseBytes, 500, 384, 255];

/** Makes jobs of templates, in the order in which the node gives them. */
export function createJobFactory(options: JobFactoryOptions, modules: JobFactoryModules): JobFactory {
  const { bootId, identity, payoutScript, tag, jobsPerEpoch = JOBS_PER_EPOCH } = options;
  const { directBytesMax = DIRECT_BYTES } = options;
  let epoch = checkedEpoch(options.epoch);
  let issued = 0;
  let previousHash: Uint8Array | undefined;

  function build(template: BlockTemplate): Job {
    const target = targetOfBits(template.bits);
    if (target === undefined) throw new RangeError(`jobs: bits ${template.bits.toString(16)} have no target`);
    if (issued >= jobsPerEpoch) {
      epoch = checkedEpoch(modules.nextEpoch());
      issued = 0;
    }
    const serial = jobSerial(epoch, issued);
    const valueSats = template.coinbaseValueSats;
    const paying = (outputs: readonly CoinbaseOutput[]) =>
      buildCoinbase({
        height: template.height,
        serial,
        identity,
        extranonceBytes: HOLE_BYTES,
        tag,
        outputs,
        witnessCommitment: template.witnessCommitment,
      });
    const poolHalves = paying([{ script: payoutScript, sats: valueSats }]);
    const poolBytes = bytesOf(poolHalves);
    const rooms = directBytesMax.map((bytes) => bytes - poolBytes);
    const direct = modules.payDirectly?.(valueSats, rooms);
    const [halves = poolHalves, ...shorter] = direct?.outputs.map(paying) ?? [];
    if (halves.coinb1.length + halves.coinb2.length > limits.coinbaseBytesMax) {
      throw new RangeError(`jobs: a coinbase of more than ${limits.coinbaseBytesMax} bytes`);
    }
    const merkleBranch = modules.merkleBranch(template.transactions.map((transaction) => transaction.txid));
    if (merkleBranch.length > limits.merkleBranchesMax) {
      throw new RangeError(`jobs: more than ${limits.merkleBranchesMax} merkle branches`);
    }
    const cleanJobs = previousHash === undefined || !equalBytes(previousHash, template.previousHash);
    issued += 1;
    previousHash = template.previousHash;
    return {
      id: jobId(serial),
      rowId: jobRowId(serial, bootId),
      serial,
      height: template.height,
      version: template.version,
      previousHash: template.previousHash,
      bits: template.bits,
      networkTarget: targetToBytes(target),
      networkDifficulty: difficultyOfTarget(target),
      minTime: template.minTime,
      curTime: template.curTime,
      ...halves,
      windowEnd: direct?.windowEnd,
      shorterCoinbases: direct && shorter.map((each) => ({ bytes: bytesOf(each), coinb2: each.coinb2 })),
      merkleBranch,
      cleanJobs,
      rewardSats: template.coinbaseValueSats,
      createdMs: modules.clock.nowMs(),
      template,
    };
  }

  return { build };
}

/** Of the whole coinbase without witness. */
function bytesOf({ coinb1, coinb2 }: CoinbaseHalves): number {
  return coinb1.length + HOLE_BYTES + coinb2.length;
}

function checkedEpoch(epoch: number): number {
  if (!Number.isInteger(epoch) || epoch < 0 || epoch >= EPOCHS_MAX) throw new RangeError(`jobs: epoch ${epoch}`);
  return epoch;
}
