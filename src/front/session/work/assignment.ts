import type { Difficulty } from '#base/domain/difficulty';
import type { Job } from '#base/domain/job';
import { type CoinbaseChoice, type CoinbaseSize, NO_SERIAL, type Payee, type Terms } from '#base/domain/share';
import type { TokenBucket } from '#base/domain/token-bucket';
import { limits } from '#base/limits';
import type { Client } from '../client.ts';
import type { CurrentWork, SessionContext } from '../context.ts';
import type { Estate } from '../extranonces/resumable.ts';
import type { KnownProfile } from '../profiles.ts';
import { SessionDifficulty } from './difficulty.ts';
import { choiceName, type History, TermsLadder } from './terms.ts';

/** A session gets the same job again at another difficulty no sooner than this; a new job carries the change at any time. */
const RETARGET_MS_MIN = 2_000;

/** What a client and the pool agree on. */
export interface Agreement {
  /** Version bits that the client may roll, u32; undefined: as before. */
  readonly versionMask: number | undefined;
  /** The least difficulty that the client wants; undefined: as before. */
  readonly minimumDifficulty: Difficulty | undefined;
}

/** The work that one connection has: which jobs, and at what difficulty and version mask each. */
export class Assignment {
  readonly difficulty: SessionDifficulty;
  readonly #remoteIp: string;
  readonly #client: Client;
  readonly #context: SessionContext;
  #history: History;
  /** Version bits agreed on with mining.configure; 0 before and without. */
  #versionMask = 0;
  /** Whom its coinbases pay; undefined: those whom the jobs' own coinbases pay. */
  #payee: Payee | undefined;
  /** What its device takes; undefined: the jobs' own coinbases, or coinbases have one size. */
  #size: CoinbaseSize | undefined;
  /** What this connection was told last; undefined before its first work. */
  #told: Terms | undefined;
  /** When terms were last changed; the first do not count. */
  #changedMs = Number.NEGATIVE_INFINITY;
  /** The longest coinbase that the device takes, bytes. */
  #coinbaseBytesMax = Number.POSITIVE_INFINITY;
  /** Of a device below the pool's minimum difficulty; undefined before its first share. */
  #budget: TokenBucket | undefined;
  /** A harder job comes with clean jobs, for devices that would go on with the easier one. */
  #cleanOnRaise = false;

  constructor(remoteIp: string, client: Client, context: SessionContext) {
    this.#remoteIp = remoteIp;
    this.#client = client;
    this.#context = context;
    this.#history = newHistory(context);
    this.difficulty = new SessionDifficulty(context.options.difficulty);
  }

  /** Whether this connection has been given work. */
  get begun(): boolean {
    return this.#told !== undefined;
  }

  /** Whether there are jobs out, of this connection or of the one that it goes on from. */
  get hasJobs(): boolean {
    return this.#history.lastSerial >= 0;
  }

  get history(): History {
    return this.#history;
  }

  /** What is agreed on with the client counts from the next job id on. */
  agree({ versionMask, minimumDifficulty }: Agreement): void {
    if (versionMask !== undefined) this.#versionMask = versionMask;
    if (minimumDifficulty !== undefined) this.difficulty.keepAbove(minimumDifficulty);
  }

  /** Which coinbase shares were mined on: that of their terms, or if they are forgotten, this session's. */
  coinbaseOf(terms: Terms | undefined): CoinbaseChoice | undefined {
    return terms === undefined ? this.#coinbase : terms.coinbase;
  }

  get #coinbase(): CoinbaseChoice | undefined {
    return this.#payee ?? this.#size;
  }

  /** Whom the coinbases of this connection pay, from the next job id on. */
  payTo(payee: Payee | undefined): void {
    this.#payee = payee;
  }

  /** What device it is: known before its first work, or a moment later. */
  device({ difficultyMin, difficultyStart, cleanOnRaise, coinbaseBytesMax }: KnownProfile): void {
    this.#cleanOnRaise = cleanOnRaise;
    this.#coinbaseBytesMax = coinbaseBytesMax;
    this.#size = this.#context.sizes?.get(coinbaseBytesMax);
    this.difficulty.device(difficultyMin, difficultyStart);
  }

  /** Goes on from where a former connection of the same client ended. To be called before its first work. */
  resume({ history, difficulty }: Pick<Estate, 'history' | 'difficulty'>): void {
    this.difficulty.resume(difficulty);
    this.release();
    this.#history = history;
  }

  /** Nobody will go on from its history. */
  release(): void {
    this.#history.ladder.release();
  }

  /**
   * Begins a new history: with another extranonce the jobs that were given out would be other headers. The old
   * history goes to another session, or is released.
   */
  restart(): void {
    this.#history = newHistory(this.#context);
    this.#told = undefined;
  }

  terms(serial: number, variant: number): Terms | undefined {
    return this.#history.ladder.find(serial, variant, this.#history.lastSerial);
  }

  /**
   * Version bits that a share of an expired job may have, whose terms are forgotten: those of the session now. Undefined for a
   * job that this session can not have had.
   */
  lateVersionMask(serial: number): number | undefined {
    return serial !== NO_SERIAL && serial <= this.#history.lastSerial ? this.#versionMask : undefined;
  }

  /** Sends a job, with the difficulty and mask that are due. */
  deliver(work: CurrentWork): void {
    const { job } = work;
    const history = this.#history;
    const shortest = this.#size === undefined ? undefined : job.shorterCoinbases?.at(-1);
    if ((shortest?.bytes ?? work.coinbaseBytes) > this.#coinbaseBytesMax)
      this.#context.counters.oversizedCoinbases += 1;
    this.difficulty.networkDifficulty = job.networkDifficulty;
    history.ladder.prune(work.oldestSerial);
    if (this.#told === undefined) {
      this.#deliverFirst(work);
      return;
    }
    history.lastSerial = job.serial;
    const due = history.ladder.full ? undefined : this.#due();
    const clean = due !== undefined && this.#mustDrop(due);
    if (due) this.#announce(job.serial, 0, due);
    this.#client.giveJob(job, 0, clean || job.cleanJobs, this.#told?.coinbase);
  }

  /**
   * The job is known to everybody, and so is what stands in the coinbase around its variant: under its own id the client may
   * have mined it already, and would be paid for those shares at a difficulty chosen after seeing them. So it comes under an
   * id that nobody could foresee. Clean: whatever the client had before it came to us is worthless here.
   */
  #deliverFirst(work: CurrentWork): void {
    const history = this.#history;
    const { serial } = work.job;
    if (history.lastSerial < serial) {
      // Of the jobs that were sent while it was away it has none.
      history.ladder.skip(history.lastSerial + 1);
      history.lastSerial = serial;
    }
    this.#repeat(work.job, this.#context.terms.get(this.difficulty.wanted, this.#versionMask, this.#coinbase), true);
  }

  /**
   * Returns false if the budget of easy shares is used up: this session's, its address's or the gateway's. Only sessions with
   * a job below the pool's minimum difficulty use these budgets, until the last such job has expired. So asking for a higher
   * difficulty does not lift them early.
   */
  affords(): boolean {
    if (this.#history.ladder.leastDifficulty >= this.#context.options.difficulty.min) return true;
    const { clock, easyShares } = this.#context;
    const nowMs = clock.monotonicMs();
    this.#budget ??= easyShares.session(nowMs);
    return easyShares.take(this.#budget, this.#remoteIp, nowMs);
  }

  /** An accepted share, at the difficulty of its job. */
  accepted(difficulty: number): void {
    if (this.difficulty.accept(difficulty)) this.review(this.#context.clock.monotonicMs());
  }

  /** Time passed: the difficulty may want a change. */
  review(nowMs: number): void {
    if (this.#told === undefined) return;
    // A change that is still on its way is waited for: what comes in meanwhile says nothing about it.
    if (this.#told.difficulty === this.difficulty.wanted) this.difficulty.review(nowMs);
    this.retarget(nowMs);
  }

  /** Gives out the current job again under a new id where other terms are due. */
  retarget(nowMs: number): void {
    const { work } = this.#context;
    // Without this job in the client's hands the change waits for the first or the next one.
    if (work === undefined || this.#told === undefined || work.job.serial !== this.#history.lastSerial) return;
    const due = this.#due();
    if (due === undefined || this.#history.ladder.full || nowMs - this.#changedMs < RETARGET_MS_MIN) return;
    this.#repeat(work.job, due, this.#mustDrop(due));
  }

  /** Whether the device has to drop its jobs for these terms: it would count their shares as rejected. */
  #mustDrop({ difficulty }: Terms): boolean {
    return this.#cleanOnRaise && this.#told !== undefined && difficulty > this.#told.difficulty;
  }

  /** The terms that the next job id should have, undefined while the latest announced will do. */
  #due(): Terms | undefined {
    const { wanted } = this.difficulty;
    const told = this.#told;
    const same = told?.difficulty === wanted && told.versionMask === this.#versionMask;
    // By name: terms are shared by sessions, whose choices may be other objects.
    if (same && choiceName(told.coinbase) === choiceName(this.#coinbase)) return undefined;
    return this.#context.terms.get(wanted, this.#versionMask, this.#coinbase);
  }

  /** Sends a job that is current already, under an id that could not be mined for before. */
  #repeat(job: Job, terms: Terms, clean: boolean): void {
    const { serial } = job;
    let variant = this.#context.newVariant();
    while (this.terms(serial, variant) !== undefined) variant = this.#context.newVariant();
    this.#announce(serial, variant, terms);
    this.#client.giveJob(job, variant, clean, terms.coinbase);
  }

  /** Tells the client what changes with the job id that follows at once. */
  #announce(serial: number, variant: number, terms: Terms): void {
    const before = this.#told;
    this.#told = terms;
    this.#history.ladder.announce(serial, variant, terms);
    // The first mask is only told to clients that negotiate: others do not know the message.
    if (terms.versionMask !== (before?.versionMask ?? 0)) this.#client.tellVersionMask(terms.versionMask);
    const nowMs = this.#context.clock.monotonicMs();
    if (before) this.#changedMs = nowMs;
    if (terms.difficulty === before?.difficulty) return;
    this.#client.tellDifficulty(terms.difficulty);
    this.difficulty.begin(nowMs);
    if (before) this.#context.counters.difficultyChanges += 1;
  }
}

function newHistory({ rungs }: SessionContext): History {
  const { termsPerSessionMax: rungsMax, termsPerSessionFree: rungsFree } = limits;
  return { ladder: new TermsLadder({ rungsMax, rungsFree }, rungs), lastSerial: -1 };
}
