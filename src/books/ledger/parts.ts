import type { Logger } from '#base/domain/ports';

/** Something that the ledger's process does again and again. */
export interface LedgerPart {
  /** For the log and the status. */
  readonly name: string;
  /** Does what there is to do now. What it throws is told as this part's problem until a later call succeeds. */
  tick(): Promise<void> | void;
  /** Between the end of its work and its next turn, ms. Default: a second. */
  restMs?(): number;
}

/** A part that can not do its work, and why. */
export interface PartProblem {
  readonly part: string;
  readonly reason: string;
}

const REST_MS = 1_000;

/** Gives each part its turns. A part that waits for something, or fails, holds up no other. */
export class Parts {
  readonly #logger: Logger;
  readonly #problems = new Map<string, string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #running = new Set<Promise<void>>();
  #stopped = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get problems(): PartProblem[] {
    return [...this.#problems].map(([part, reason]) => ({ part, reason }));
  }

  /** Each part has its first turn now. */
  start(parts: readonly LedgerPart[]): void {
    for (const part of parts) this.#turn(part);
  }

  /** Gives no more turns; resolves when those under way have ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all(this.#running);
  }

  #turn(part: LedgerPart): void {
    const running = this.#tick(part).then(() => {
      this.#running.delete(running);
      if (this.#stopped) return;
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        this.#turn(part);
      }, part.restMs?.() ?? REST_MS);
      this.#timers.add(timer);
    });
    this.#running.add(running);
  }

  async #tick(part: LedgerPart): Promise<void> {
    const { name } = part;
    try {
      await part.tick();
      if (this.#problems.delete(name)) this.#logger.info({ part: name }, 'the ledger goes on');
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (this.#problems.get(name) !== reason) this.#logger.error({ part: name, reason }, 'the ledger can not go on');
      this.#problems.set(name, reason);
    }
  }
}
