import type { ChainView } from '#base/domain/chain';
import type { Clock, Logger } from '#base/domain/ports';
import { limits } from '#base/limits';
import type { LedgerDatabase } from '../ledger-db.ts';
import type { LedgerPart } from '../parts.ts';
import type { TermsBook } from '../terms/terms-book.ts';
import type { SliceSource } from './block-book.ts';
import { type Blocks, type BlocksOptions, openBlocks } from './blocks.ts';
import type { LookReport } from './chain-follower.ts';

export interface BlocksPartModules {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly slices: SliceSource;
  readonly view: ChainView;
  readonly terms: Pick<TermsBook, 'at'>;
}

/** Between two looks at the chain although its tip is the same, ms: a slice was sealed, or a node that was silent is back. */
const LOOK_EVERY_MS = 30_000;
const LOOK_WAITING_MS = 3_000;

interface FoundRow {
  readonly hash: string;
  readonly jobId: string;
  readonly finder: string;
  readonly height: bigint;
  readonly foundMs: bigint;
  readonly claimedSats: bigint;
}

/** The blocks as a part of the ledger's process: takes over those that the share log has, and looks at the chain at each new tip. */
export class BlocksPart implements LedgerPart {
  readonly name = 'blocks';
  readonly #modules: BlocksPartModules;
  readonly #blocks: Blocks;
  readonly #found;
  #tip = '';
  #lookAtMs = 0;
  #told = '';

  constructor(database: LedgerDatabase, options: BlocksOptions, modules: BlocksPartModules) {
    this.#modules = modules;
    const { logger } = modules;
    this.#blocks = openBlocks(database, options, {
      ...modules,
      stepped: ({ hash, height, status, bookings }, step) =>
        logger.info({ hash, height, status, bookings, step }, 'a block of the pool in the books'),
    });
    // A block that every node has refused is in no chain. If one takes it after all, its row changes.
    this.#found = database.prepare<[], FoundRow>(
      `SELECT hash, job_id AS jobId, account AS finder, height, found_ms AS foundMs, reward_sats AS claimedSats
         FROM found WHERE status <> 'rejected' AND hash NOT IN (SELECT hash FROM blocks)`,
    );
  }

  /** Of the rewards of the newest booked blocks, the part that their coinbases paid to accounts directly. */
  get directRatio(): number {
    return this.#blocks.book.store.directRatio(limits.reconcileDepth);
  }

  /** Throws if the nodes' chain is not that of the books: the message is this part's problem. */
  async tick(): Promise<void> {
    const { clock, view } = this.#modules;
    const added = this.#takeFound();
    const tip = await view.tip();
    const nowMs = clock.monotonicMs();
    if (tip === undefined || (!added && tip.hash === this.#tip && nowMs < this.#lookAtMs)) return;
    const report = await this.#blocks.follower.look();
    this.#tip = report.tip?.hash ?? '';
    this.#lookAtMs = nowMs + (report.waiting + report.undecided > 0 ? LOOK_WAITING_MS : LOOK_EVERY_MS);
    this.#tell(report);
    if (report.verdict.chain === 'other') {
      throw new Error(
        `nothing is booked or paid: ${report.verdict.reason}. Put back the node or the data folder that belong together.`,
      );
    }
  }

  #takeFound(): boolean {
    const rows = this.#found.all();
    for (const { height, foundMs, ...row } of rows) {
      this.#blocks.book.found({ ...row, height: Number(height), foundMs: Number(foundMs) });
    }
    return rows.length > 0;
  }

  #tell({ discoveries, waiting, undecided }: LookReport): void {
    const { logger } = this.#modules;
    for (const discovery of discoveries) {
      if (discovery.kind === 'adopted')
        logger.warn(discovery, 'the chain has a block of the pool that the share log lacks');
      else logger.error(discovery, 'the chain has a block that pays the pool, and it can not be booked');
    }
    const told = `${waiting} ${undecided}`;
    if (told !== this.#told) logger.debug({ waiting, undecided }, 'blocks that are not booked yet');
    this.#told = told;
  }
}
