import type { Network } from '#base/bitcoin/address';
import type { Logger } from '#base/domain/ports';
import { SupervisedChild } from '#base/std/supervised-child';
import { within } from '#base/std/within';
import type { BlocksOptions } from './blocks/blocks.ts';
import { type LedgerChild, startChild } from './child.ts';
import type { HouseStatus, LedgerReply } from './messages.ts';
import type { PayoutOptions } from './payouts/part.ts';
import { Answers, type OfferedPort } from './questions.ts';
import type { PinnedWindow } from './window-part.ts';

/** The name under which the ledger reads the share log. */
export const LEDGER_CONSUMER = 'ledger';

export interface LedgerOptions {
  /** The data folder, with the share log in it. */
  readonly folder: string;
  readonly network: Network;
  /** Journals without a writer, by name: each is removed when every consumer has it up to this batch. */
  readonly orphans: ReadonlyMap<string, number>;
  /** How blocks are booked. */
  readonly blocks: BlocksOptions;
  /** Of the first job of this start: from it on, jobs are made under the terms in `blocks`. */
  readonly firstSerial: number;
  /** How miners are paid. */
  readonly payouts: PayoutOptions;
  /** A process that is silent for so many seconds hangs, and is killed. */
  readonly hungSecondsMax?: number;
}

export interface LedgerModules {
  readonly logger: Logger;
  /** All batches of a journal up to and including `seq` are in the ledger. */
  readonly delivered: (journal: string, seq: number) => void;
  /** The newest window of sealed slices is another one. Default: nobody is told. */
  readonly window?: (window: PinnedWindow) => void;
  /** What the ledger may ask the pool, by name. Default: nothing. */
  readonly ports?: ReadonlyMap<string, OfferedPort>;
}

export interface LedgerStatus extends HouseStatus {
  /** The ledger's process has said lately how far it is. */
  readonly reporting: boolean;
  /** The process runs, and all of its parts do their work. */
  readonly healthy: boolean;
  /** Why not; empty if it is healthy. */
  readonly reason: string;
  /** Times that the process had to be started again. */
  readonly restarts: number;
  /** The process; undefined if none runs. */
  readonly pid: number | undefined;
}

/** A pool does not wait longer for its ledger: shares are kept in the log until it has them. */
const START_MS_MAX = 10_000;
const RESTART = { msMin: 500, msMax: 30_000 };
/** A child whose parent was killed is gone well within this. */
const LOCK_MS_MAX = 5_000;
/** Reports come every second. */
const SILENCE_S_MAX = 15;
/** Much longer than a transaction takes on a full machine. */
const HUNG_S_MAX = 180;
const NOTHING_TAKEN: HouseStatus = {
  lagRows: 0,
  lagMs: 0,
  takenShares: 0,
  sealedSerial: -1,
  faults: 0,
  directRatio: 0,
  problems: [],
};

/** Starts the ledger's process; resolves when the ledger is open, or can not be opened now, or takes too long. */
export async function startLedger(options: LedgerOptions, modules: LedgerModules): Promise<Ledger> {
  const ledger = new Ledger(options, modules);
  await ledger.start();
  return ledger;
}

/** The ledger of a running pool: its process, which is started again whenever it ends. */
export class Ledger {
  readonly #options: LedgerOptions;
  readonly #modules: LedgerModules;
  readonly #supervised: SupervisedChild<LedgerChild>;
  readonly #answers: Answers;
  #house = NOTHING_TAKEN;
  #starting = '';
  /** Resolves when the latest child is there, or has failed. */
  #started: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;

  constructor(options: LedgerOptions, modules: LedgerModules) {
    this.#options = options;
    this.#modules = modules;
    const { logger, ports = new Map() } = modules;
    this.#answers = new Answers(ports, logger);
    this.#supervised = new SupervisedChild(
      { restart: RESTART, hungSecondsMax: options.hungSecondsMax ?? HUNG_S_MAX },
      {
        start: () => this.#fork(),
        ended: (reason) => this.#onEnd(reason),
        hangs: ({ pid }) => logger.error({ pid }, 'the ledger process hangs; it is killed'),
      },
    );
  }

  /** To be called once. */
  async start(): Promise<void> {
    this.#supervised.start();
    await within(this.#started, START_MS_MAX, { ref: false });
  }

  status(): LedgerStatus {
    const { silentSeconds, restarts, child } = this.#supervised;
    const silence = silentSeconds > SILENCE_S_MAX ? `no report for ${silentSeconds} s` : '';
    const problems = this.#house.problems.map(({ part, reason }) => `${part}: ${reason}`).join('; ');
    const reason = this.#starting || problems || silence;
    return {
      ...this.#house,
      reporting: this.#starting === '' && silence === '',
      healthy: reason === '',
      reason,
      restarts,
      pid: child?.pid,
    };
  }

  /** Lets the ledger take what is in the log, and ends its process, in `msMax` at most. */
  close(msMax?: number): Promise<void> {
    this.#closed ??= this.#close(msMax);
    return this.#closed;
  }

  async #close(msMax?: number): Promise<void> {
    const ended = (await this.#supervised.close()?.close(msMax)) ?? true;
    if (!ended) this.#modules.logger.warn({}, 'the ledger was ended half-way: it goes on there at the next start');
  }

  #fork(): LedgerChild {
    this.#starting = 'starting';
    const { folder, network, orphans, blocks, firstSerial, payouts } = this.#options;
    const { logger } = this.#modules;
    const child: LedgerChild = startChild(
      { folder, network, orphans, blocks, firstSerial, payouts, lockMsMax: LOCK_MS_MAX },
      { logger, onReply: (reply) => this.#onReply(reply, child) },
    );
    this.#started = child.ready.then(
      () => {
        this.#starting = '';
        this.#supervised.works();
      },
      (error: unknown) => {
        this.#starting = error instanceof Error ? error.message : String(error);
        if (this.#closed !== undefined) return;
        logger.error({ reason: this.#starting }, 'the ledger could not start; it will be tried again');
      },
    );
    return child;
  }

  #onReply(reply: LedgerReply, child: LedgerChild): void {
    this.#supervised.heard();
    if (reply.type === 'status') this.#house = reply.status;
    else if (reply.type === 'delivered') this.#modules.delivered(reply.journal, reply.seq);
    else if (reply.type === 'window') this.#modules.window?.(reply.window);
    else if (reply.type === 'ask') void this.#answers.to(reply.call).then((value) => child.answer(reply.id, value));
  }

  #onEnd(reason: string): void {
    if (this.#starting === '') this.#modules.logger.error({ reason }, 'the ledger process ended; it is started again');
    this.#starting ||= 'the ledger process ended';
  }
}
