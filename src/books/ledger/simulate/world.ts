import type { Slice, SliceEntry } from '../rewards/scheme.ts';
import type { Random } from './random.ts';

/** A subsidy of 3.125 BTC. */
export const SUBSIDY_SATS = 312_500_000n;
/** Slices that are a block's worth of work if all miners are there. */
export const SLICES_PER_BLOCK = 50;
/** Work of one slice if all miners are there, and of the network for a block. */
const SLICE_WORK = 1_000_000;
export const NETWORK_WORK = BigInt(SLICE_WORK * SLICES_PER_BLOCK);

/** The miners and their shares of the pool's work. */
const MINERS = { farm: 0.5, hall: 0.29, home: 0.18, parttime: 0.02, hopper: 0.01 } as const;
export type Miner = keyof typeof MINERS;
export const miners = Object.keys(MINERS).sort() as readonly Miner[];
export const HOPPER_SHARE = MINERS.hopper;
/** Slices after which the part-time miner decides by chance whether it mines. */
const PARTTIME_SLICES = 200;

/** A slice, and who found a block in it. */
export interface Step {
  readonly slice: Slice;
  readonly finder: Miner | undefined;
  /** Whether the hopper mined it here; it mined the same work elsewhere if not. */
  readonly hopperHere: boolean;
  /** Its work in parts of a block's. */
  readonly blocksWorth: number;
}

interface Crew {
  readonly entries: readonly SliceEntry[];
  readonly blockProbability: number;
}

/**
 * A pool's history: slices of equal length in time, each a block with the probability that its work has. Miners come and go; their
 * entries are the same objects each time, so what is computed from them can be remembered.
 */
export class World {
  readonly #random: Random;
  readonly #leaveAfter: number;
  readonly #crews = new Map<number, Crew>();
  #serial = 0;
  /** Blocks' worth of work since the last block. */
  #roundWork = 0;
  #parttimeHere = true;

  /** `leaveAfter`: blocks' worth of work after which the hopper leaves a round; Infinity if it stays. */
  constructor(random: Random, leaveAfter = Number.POSITIVE_INFINITY) {
    this.#random = random;
    this.#leaveAfter = leaveAfter;
  }

  next(): Step {
    this.#serial += 1;
    if (this.#serial % PARTTIME_SLICES === 0) this.#parttimeHere = this.#random.unit() < 0.5;
    const hopperHere = this.#roundWork < this.#leaveAfter;
    const { entries, blockProbability } = this.#crew(hopperHere);
    const slice: Slice = {
      serial: this.#serial,
      jobId: String(this.#serial),
      networkWork: NETWORK_WORK,
      subsidySats: SUBSIDY_SATS,
      feesSats: 0n,
      entries,
    };
    this.#roundWork += blockProbability;
    if (this.#random.unit() >= blockProbability)
      return { slice, finder: undefined, hopperHere, blocksWorth: blockProbability };
    this.#roundWork = 0;
    return { slice, finder: this.#finder(entries, blockProbability), hopperHere, blocksWorth: blockProbability };
  }

  #crew(hopperHere: boolean): Crew {
    const key = (hopperHere ? 1 : 0) + (this.#parttimeHere ? 2 : 0);
    let crew = this.#crews.get(key);
    if (crew === undefined) {
      const here = miners.filter(
        (miner) => (hopperHere || miner !== 'hopper') && (this.#parttimeHere || miner !== 'parttime'),
      );
      const entries = here.map((account) => ({ account, work: workOf(account) }));
      const work = entries.reduce((sum, entry) => sum + Number(entry.work), 0);
      crew = { entries, blockProbability: work / Number(NETWORK_WORK) };
      this.#crews.set(key, crew);
    }
    return crew;
  }

  /** By chance, in proportion to work. */
  #finder(entries: readonly SliceEntry[], blockProbability: number): Miner {
    let left = this.#random.unit() * blockProbability * Number(NETWORK_WORK);
    for (const miner of miners) {
      const work = entries.find(({ account }) => account === miner)?.work;
      if (work === undefined) continue;
      left -= Number(work);
      if (left < 0) return miner;
    }
    return 'farm';
  }
}

/** A miner's work in one slice. */
export function workOf(miner: Miner): bigint {
  return BigInt(Math.round(SLICE_WORK * MINERS[miner]));
}
