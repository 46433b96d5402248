import type { Network } from '#base/bitcoin/address';
import type { BlocksOptions } from './blocks/blocks.ts';
import type { PartProblem } from './parts.ts';
import type { PayoutOptions } from './payouts/part.ts';
import type { PinnedWindow } from './window-part.ts';

/** What the child is started with: its first message, since every user of the machine can read a command line. */
export interface LedgerChildOptions {
  /** The data folder. */
  readonly folder: string;
  readonly network: Network;
  /** Journals without a writer, by name: each is removed when every consumer has it up to this batch. */
  readonly orphans: ReadonlyMap<string, number>;
  readonly blocks: BlocksOptions;
  /** Jobs from this serial number on are made under the terms in `blocks`. */
  readonly firstSerial: number;
  readonly payouts: PayoutOptions;
  /** How long to wait for another process to let go of the ledger, ms. */
  readonly lockMsMax: number;
}

/** How far the ledger is. */
export interface HouseStatus {
  /** Rows in the log that the ledger does not have yet, and how long the oldest of them has waited. */
  readonly lagRows: number;
  readonly lagMs: number;
  /** Accepted shares that the ledger has ever taken. */
  readonly takenShares: number;
  /** Jobs up to this serial number are sealed; -1 for none. */
  readonly sealedSerial: number;
  /** Faults in the books that stand. */
  readonly faults: number;
  /** Of the rewards of the newest booked blocks, the part that their coinbases paid to accounts directly; 0 to 1. */
  readonly directRatio: number;
  /** Parts that can not do their work now. */
  readonly problems: readonly PartProblem[];
}

/** A call of something that the pool has and the ledger has not: the chain, a wallet. */
export interface PortCall {
  readonly port: string;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** To the child; `start` comes first and once. */
export type LedgerRequest =
  | { readonly type: 'start'; readonly options: LedgerChildOptions }
  /** To the question of that id; undefined if the pool has no answer. */
  | { readonly type: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly type: 'close' };

/** From the child. */
export type LedgerReply =
  /** The ledger is open. */
  | { readonly type: 'ready' }
  /** Once a second. */
  | { readonly type: 'status'; readonly status: HouseStatus }
  /** All batches of a journal up to and including `seq` are in the ledger. */
  | { readonly type: 'delivered'; readonly journal: string; readonly seq: number }
  /** The newest window of sealed slices, after each change. */
  | { readonly type: 'window'; readonly window: PinnedWindow }
  | { readonly type: 'ask'; readonly id: number; readonly call: PortCall }
  | {
      readonly type: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly fields: object;
      readonly message: string;
    }
  /** It can not start, and says why before it exits. */
  | { readonly type: 'refused'; readonly reason: string };
