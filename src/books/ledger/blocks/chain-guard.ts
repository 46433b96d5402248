import type { ChainTip, ChainView } from '#base/domain/chain';
import { limits } from '#base/limits';
import type { LedgerDatabase } from '../ledger-db.ts';

/**
 * `same`: the nodes' chain is the one that the books are about. `unknown`: no node decides. `other`: it is another one; nothing
 * may be booked or paid until the operator has put the right node or data folder back.
 */
export type ChainVerdict =
  | { readonly chain: 'same'; readonly checkpointHeight: number }
  | { readonly chain: 'unknown' }
  | { readonly chain: 'other'; readonly reason: string };

interface ChainRow {
  readonly genesis: string;
  readonly checkpoint_height: bigint;
  readonly checkpoint_hash: string;
  readonly mismatch: string | null;
}

/** A chain younger than the full depth is known by a block that no reorganisation of a few blocks reaches. */
const YOUNG_DEPTH = 12;

/** Height of the checkpoint for a tip; 0 if the genesis block alone is old enough. */
export function checkpointHeight(tipHeight: number): number {
  return Math.max(0, tipHeight - Math.min(limits.checkpointDepth, YOUNG_DEPTH + Math.ceil(tipHeight / 2)));
}

/** Why the nodes' chain is not the one of the books, as it was last found; undefined if it is. For those who pay. */
export function chainMismatch(database: LedgerDatabase): string | undefined {
  const row = database.prepare<[], ChainRow>('SELECT * FROM chain').get();
  return row?.mismatch ?? undefined;
}

/** Remembers which chain the books are about: its genesis block, and a block deep below the tip. */
export class ChainGuard {
  readonly #read;
  readonly #begin;
  readonly #move;
  readonly #setMismatch;

  constructor(database: LedgerDatabase) {
    this.#read = database.prepare<[], ChainRow>('SELECT * FROM chain');
    this.#begin = database.prepare<[string, string]>('INSERT INTO chain VALUES (1, ?, 0, ?, NULL)');
    this.#move = database.prepare<[number, string]>('UPDATE chain SET checkpoint_height = ?, checkpoint_hash = ?');
    this.#setMismatch = database.prepare<[string | null]>('UPDATE chain SET mismatch = ?');
  }

  /** Compares the nodes' chain, whose tip this is, with the one that is remembered. The first chain that is seen is remembered. */
  async check(view: Pick<ChainView, 'hashAt'>, tip: ChainTip): Promise<ChainVerdict> {
    const genesis = await view.hashAt(0);
    if (genesis === undefined) return { chain: 'unknown' };
    const known = this.#read.get();
    if (known === undefined) {
      this.#begin.run(genesis, genesis);
      return { chain: 'same', checkpointHeight: 0 };
    }
    if (known.genesis !== genesis) {
      return this.#other(
        `the nodes' chain begins with ${genesis}, and the books are about the one that begins with ${known.genesis}`,
      );
    }
    const height = Number(known.checkpoint_height);
    if (tip.height < height) {
      return this.#other(
        `the nodes' chain ends at height ${tip.height}, and the chain of the books has ${known.checkpoint_hash} at height ${height}`,
      );
    }
    const there = await view.hashAt(height);
    if (there === undefined) return { chain: 'unknown' };
    if (there !== known.checkpoint_hash) {
      return this.#other(
        `the nodes have ${there} at height ${height}, and the chain of the books has ${known.checkpoint_hash} there`,
      );
    }
    if (known.mismatch !== null) this.#setMismatch.run(null);
    return { chain: 'same', checkpointHeight: height };
  }

  /** Moves the checkpoint up; called after a check that found the same chain, when every block's place is known. */
  async advance(view: Pick<ChainView, 'hashAt'>, tip: ChainTip): Promise<void> {
    const height = checkpointHeight(tip.height);
    if (height <= Number(this.#read.get()?.checkpoint_height ?? 0n)) return;
    const hash = await view.hashAt(height);
    if (hash !== undefined) this.#move.run(height, hash);
  }

  #other(reason: string): ChainVerdict {
    this.#setMismatch.run(reason);
    return { chain: 'other', reason };
  }
}
