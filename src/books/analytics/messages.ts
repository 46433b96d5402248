import type { Happening } from '#base/domain/happening';
import type { QueueCounts } from '#base/domain/queue';
import type { ShipStatus } from './shipper.ts';

/** What the child is started with: its first message, since every user of the machine can read a command line. */
export interface ChildOptions {
  /** The data folder. */
  readonly folder: string;
  /** The pool's name in the config, if it has one. */
  readonly name?: string | undefined;
  /** A ClickHouse server; undefined for the embedded one. */
  readonly url: string | undefined;
  /** How long to wait for another child to let the folder go, ms. */
  readonly lockMsMax: number;
  /** The name of the socket in the data folder on which the child serves queries. */
  readonly socketFile: string;
  /** How long a query waits for the rows that were acknowledged before it, ms. */
  readonly catchUpMsMax: number;
}

/** To the child; `start` comes first and once. */
export type ChildRequest =
  | { readonly type: 'start'; readonly options: ChildOptions }
  | { readonly type: 'happenings'; readonly happenings: readonly Happening[] }
  | { readonly type: 'close' };

/** From the child. */
export type ChildReply =
  /** It serves queries. */
  | { readonly type: 'ready'; readonly target: string }
  /** ClickHouse was tried for the first time since the last failure. `refused`: why the pool may not ship to it. */
  | { readonly type: 'tried'; readonly refused: string | undefined }
  /** Once a second. `busy`: a query or a shipment waits for the engine. */
  | {
      readonly type: 'status';
      readonly status: ShipStatus;
      readonly busy: boolean;
      readonly queries: QueueCounts;
    }
  /** All batches of a journal up to and including `seq` are in ClickHouse. */
  | { readonly type: 'delivered'; readonly journal: string; readonly seq: number }
  | {
      readonly type: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly fields: object;
      readonly message: string;
    }
  /** It can not start, and says why before it exits. */
  | { readonly type: 'refused'; readonly reason: string };
