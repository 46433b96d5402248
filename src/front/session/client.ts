import type { Job } from '#base/domain/job';
import type { CoinbaseChoice } from '#base/domain/share';
import type { Verdict } from '#base/domain/verdict';

/** A session's messages to its client, independent of the protocol. Each protocol's conversation implements it. */
export interface Client {
  /** What shares of the job that follows at once, and of later ones, are worth. */
  tellDifficulty(difficulty: number): void;
  /** Which version bits the client may roll from that job on, u32. */
  tellVersionMask(mask: number): void;
  /**
   * A job, by its own id (variant 0) or as a variant. `clean`: the work that the client had before is worthless. `coinbase`: which
   * one is mined; undefined: the job's own.
   */
  giveJob(job: Job, variant: number, clean: boolean, coinbase?: CoinbaseChoice): void;
  /** The client mines with another extranonce from now on. */
  giveExtranonce(extranonce: number): void;
  /** Answers a share. `reply` is what the conversation handed in with the share. */
  answerShare(reply: unknown, verdict: Verdict): void;
  /** A text for the miner's display. */
  show(text: string): void;
  /** The client shall come back to this pool in so many seconds. */
  comeBack(waitSeconds: number): void;
  /** Asks whether it is still there. Only for clients that answer. */
  ping(): void;
  /** Asks what software it is. */
  askName(): void;
}
