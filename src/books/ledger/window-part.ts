import { serialOfRow } from '#base/domain/ids';
import type { Logger } from '#base/domain/ports';
import { limits } from '#base/limits';
import type { LedgerPart } from './parts.ts';
import { countedSlices } from './rewards/counted-slices.ts';
import type { Weighed } from './rewards/distribute.ts';
import { pplns } from './rewards/pplns.ts';
import { noFees } from './rewards/scheme.ts';
import type { SealedSlices } from './slices/sealed-slices.ts';

/** What the accounts of a window weigh in a division. */
export interface PinnedWindow {
  /** The job with whose slice the window ends. */
  readonly jobId: string;
  /** In byte order of account. */
  readonly weighed: readonly Weighed[];
}

export interface WindowModules {
  readonly slices: SealedSlices;
  /** The job of the newest block that ended a round of PROP: what it has paid for counts in no window. */
  readonly afterProp: () => string | undefined;
  readonly tell: (window: PinnedWindow) => void;
  readonly logger: Logger;
}

/** Tells the pool of the window that ends with the newest sealed slice, so that coinbases can pay the accounts in it. */
export class WindowPart implements LedgerPart {
  readonly name = 'window';
  readonly #window: bigint;
  readonly #modules: WindowModules;
  #told: string | undefined;

  /** `window`: units of 2^-64 of a block. */
  constructor({ window }: { readonly window: bigint }, modules: WindowModules) {
    this.#window = window;
    this.#modules = modules;
  }

  tick(): void {
    const { slices, afterProp, tell, logger } = this.#modules;
    const jobId = slices.newestSealed();
    if (jobId === undefined || jobId === this.#told) return;
    this.#told = jobId;
    // The weights do not depend on the reward and the fees.
    const open = { scheme: 'pplns', afterPropSerial: serialOfRow(afterProp() ?? '') } as const;
    const { credits } = pplns(0n, countedSlices(slices.slicesBack(jobId), open), {
      window: this.#window,
      fees: noFees,
    });
    const weighed = credits.map(({ account, weight, work }) => ({ account, weight, work }));
    if (weighed.length <= limits.directAccountsMax) {
      tell({ jobId, weighed });
      return;
    }
    const fields = { accounts: weighed.length, accountsMax: limits.directAccountsMax };
    logger.warn(fields, 'too many accounts for coinbases to pay: the pool gets everything, and the books credit all');
    tell({ jobId, weighed: [] });
  }
}
