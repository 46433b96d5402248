import { BEING_CHECKED } from '../books-guard.ts';
import { PayoutServer } from './payout-server.ts';
import { type PayoutModules, Payouts } from './payouts.ts';
import type { PayoutRules } from './rules.ts';
import { PayoutScheduler } from './scheduler.ts';

export interface PayoutOptions {
  readonly rules: PayoutRules;
  /** Between two payouts, ms; undefined: they are made by hand. */
  readonly intervalMs: number | undefined;
}

/** Payouts as a part of the ledger's process: a schedule, and a socket for commands. */
export class PayoutPart {
  readonly name = 'payouts';
  readonly #folder: string;
  readonly #payouts: Payouts;
  readonly #server: PayoutServer;
  readonly #scheduler: PayoutScheduler;
  #listens = false;

  /** `folder` is the data folder. */
  constructor(folder: string, { rules, intervalMs }: PayoutOptions, modules: PayoutModules) {
    const payouts = new Payouts(rules, modules);
    this.#payouts = payouts;
    this.#folder = folder;
    this.#server = new PayoutServer(payouts);
    this.#scheduler = new PayoutScheduler({ intervalMs }, { ...modules, payouts });
  }

  /** Does what is due; to be called once a second. */
  async tick(): Promise<void> {
    if (!this.#listens) await this.#server.listen(this.#folder);
    this.#listens = true;
    await this.#scheduler.tick();
    // Told as this part's problem for as long as it lasts: payouts must not stop silently.
    const { alarm } = this.#payouts;
    if (alarm !== undefined && alarm !== BEING_CHECKED) throw new Error(`payouts have stopped: ${alarm}`);
  }

  close(): void {
    this.#server.close();
  }
}
