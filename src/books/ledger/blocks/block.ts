import type { BlockPlace } from '#base/domain/chain';

/**
 * `found`: it may be in the chain, and is not booked. `confirmed`: booked. `mature`: booked, and its coins may be paid out.
 * `orphaned`: not in the chain, and not booked.
 */
export type BlockStatus = 'found' | 'confirmed' | 'mature' | 'orphaned';

export interface Depths {
  /** Confirmations until a block is booked. */
  readonly confirmations: number;
  /** Confirmations until its coins may be paid out; at least `confirmations`. */
  readonly maturity: number;
}

/** What is done next with a block. */
export type BlockStep = 'book' | 'mature' | 'reverse' | 'leave' | 'revive';

/**
 * The next step that a block's place in the chain calls for; undefined if its status is right. `tipHeight` is of the same chain. A
 * block that stays in the chain keeps its status when a reorg takes blocks above it away.
 */
export function nextStep(
  { status, height }: { readonly status: BlockStatus; readonly height: number },
  place: BlockPlace,
  tipHeight: number,
  depths: Depths,
): BlockStep | undefined {
  const booked = status === 'confirmed' || status === 'mature';
  if (place.at !== 'chain') {
    if (booked) return 'reverse';
    // A node may still be looking at a block that no other one has replaced.
    return status === 'found' && (place.at === 'side' || tipHeight >= height) ? 'leave' : undefined;
  }
  if (status === 'orphaned') return 'revive';
  if (status === 'found') return place.confirmations >= depths.confirmations ? 'book' : undefined;
  return status === 'confirmed' && place.confirmations >= depths.maturity ? 'mature' : undefined;
}

/** The status after a step. */
export const statusAfter = {
  book: 'confirmed',
  mature: 'mature',
  reverse: 'orphaned',
  leave: 'orphaned',
  revive: 'found',
} as const satisfies Record<BlockStep, BlockStatus>;
