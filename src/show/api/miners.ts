import type { MinerView } from '#base/domain/miner';

/** What there is to say of a miner. */
export type MinerAnswer =
  | { readonly kind: 'found'; readonly view: MinerView }
  /** No connected worker mines for the address. */
  | { readonly kind: 'nobody' }
  /** That is nothing that can be mined for here. */
  | { readonly kind: 'no-address'; readonly reason: string }
  /** It can not be told at the moment. */
  | { readonly kind: 'unavailable'; readonly reason: string };

/** Which of a miner's workers are wanted: `workersMax` at most, after this name; 0 for the totals alone. */
export interface MinerPage {
  readonly after: string | undefined;
  readonly workersMax: number;
}

/** Looks up what is written in a path. */
export type FindMiner = (address: string, page: MinerPage) => Promise<MinerAnswer>;
