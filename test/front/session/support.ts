import { jobId } from '#base/domain/ids';
import type { Job } from '#base/domain/job';
import type { Clock, ShareIntake, Wire, WireHandler } from '#base/domain/ports';
import type { JudgedShare, Submission, Terms } from '#base/domain/share';
import type { Verdict } from '#base/domain/verdict';
import type { SessionOptions } from '#front/session/context';
import { ExtranonceAllocator } from '#front/session/extranonces/extranonce';
import { authorizeAnyone } from '#front/session/login/authorize';
import { type SessionModules, SessionRegistry } from '#front/session/workers/registry';
import { wireJobId } from '#front/stratum/v1/job-id';
import { StratumV1 } from '#front/stratum/v1/stratum-v1';
import { recordedContainment } from '../../support/containment.ts';
import { recordedLogger } from '../../support/recorded-logger.ts';
import { verdictOn } from '../../support/submission.ts';

/** A clock that stands still until it is moved. */
export class ManualClock implements Clock {
  ms = 0;

  nowMs(): number {
    return 1_700_000_000_000 + this.ms;
  }

  monotonicMs(): number {
    return this.ms;
  }
}

export interface Line {
  readonly id: unknown;
  readonly method?: string;
  readonly params?: readonly unknown[];
  readonly result?: unknown;
  readonly error?: readonly unknown[] | null;
  readonly 'reject-reason'?: string;
}

/** A connection without a network. */
export class MemoryWire implements Wire {
  readonly transport = 'tcp';
  readonly remoteIp: string;
  readonly texts: string[] = [];
  closes = 0;
  /** Look-ups that were asked for, and how many are granted. */
  lookUps = 0;
  lookUpsMax = Number.POSITIVE_INFINITY;
  mistakes = 0;
  readonly keptOut = new Set<string>();
  readonly judgements: JudgedShare[] = [];

  send(message: string | Uint8Array): void {
    this.texts.push(typeof message === 'string' ? message : Buffer.from(message).toString());
  }

  /** The session behind it, which is asked for the last message as the pool's own wires do. */
  handler: WireHandler | undefined;

  close(why?: string): void {
    const message = why === undefined || this.closes > 0 ? undefined : this.handler?.closingMessage(why);
    if (message !== undefined) this.texts.push(message);
    this.closes += 1;
  }

  constructor(remoteIp = '192.0.2.7') {
    this.remoteIp = remoteIp;
  }

  affords(): boolean {
    this.lookUps += 1;
    return this.lookUps <= this.lookUpsMax;
  }

  misnamed(): void {
    this.mistakes += 1;
  }

  admits(name: string): boolean {
    return !this.keptOut.has(name);
  }

  judged(share: JudgedShare): void {
    this.judgements.push(share);
  }

  /** What was sent since the last call. */
  take(): Line[] {
    return this.texts.splice(0).map((text) => JSON.parse(text) as Line);
  }
}

/** An intake that keeps what it is given until the test judges it. */
export class HeldIntake implements ShareIntake {
  readonly held: Submission[] = [];

  take(submission: Submission): void {
    this.held.push(submission);
  }

  /** What the session hands in for a share of this job. The share is judged stale, and its reply taken away. */
  handedIn({ handler, wire }: Client, serial: number, variant: number): Submission {
    const [before, texts] = [this.held.length, wire.texts.length];
    const params = ['someone.rig', wireJobId(jobId(serial), variant), '0000000000000001', '6553f164', '00000001'];
    const line = Buffer.from(JSON.stringify({ id: 1, method: 'mining.submit', params }));
    handler.onMessage(line, 0, line.length);
    const [submission] = this.held.splice(before);
    if (!submission) throw new Error('no share was handed in');
    submission.submitter.durable(verdictOn(submission, { verdict: 'stale' }));
    wire.texts.length = texts;
    return submission;
  }

  /** What the session has promised with this job. */
  promised(client: Client, serial: number, variant: number): Terms | undefined {
    return this.handedIn(client, serial, variant).terms;
  }

  /** Judges the oldest share, at the terms that its session promised. */
  settle(verdict: Verdict): void {
    const share = this.held.shift();
    if (!share) throw new Error('no share is held');
    const judged = verdictOn(share, { verdict });
    share.submitter.judged(judged);
    share.submitter.durable(judged);
  }
}

export function makeJob(serial: number, changes: Partial<Job> = {}): Job {
  const header = { height: 7, version: 0x2000_0000, previousHash: new Uint8Array(32).fill(7), bits: 0x207f_ffff };
  return {
    ...header,
    id: jobId(serial),
    rowId: jobId(serial),
    serial,
    networkTarget: new Uint8Array(32).fill(0xff),
    networkDifficulty: 1,
    minTime: 1_700_000_000,
    curTime: 1_700_000_100,
    coinb1: Uint8Array.of(1),
    coinb2: Uint8Array.of(2),
    outputsAt: 0,
    merkleBranch: [],
    cleanJobs: false,
    rewardSats: 0n,
    createdMs: 0,
    template: {
      askedMs: 0,
      ...header,
      minTime: 0,
      curTime: 0,
      coinbaseValueSats: 0n,
      transactions: [],
      witnessCommitment: undefined,
    },
    ...changes,
  };
}

export const sessionOptions: SessionOptions = {
  difficulty: { start: 1000, min: 1, max: 1e6, vardiff: true, sharesPerMinute: 12 },
  versionMask: 0x1fff_e000,
};

/** A connection from the client's side: says things and reads what it gets. */
export class Client {
  readonly wire: MemoryWire;
  readonly handler: WireHandler;

  constructor(stratum: StratumV1, remoteIp?: string) {
    this.wire = new MemoryWire(remoteIp);
    const handler = stratum.accept(this.wire);
    if (!handler) throw new Error('the registry refused the connection');
    this.handler = handler;
    this.wire.handler = handler;
  }

  /** Sends a line and returns what came back within the call. */
  say(line: string | object): Line[] {
    const bytes = Buffer.from(typeof line === 'string' ? line : JSON.stringify(line));
    this.handler.onMessage(bytes, 0, bytes.length);
    return this.wire.take();
  }

  call(method: string, params: unknown = [], id: unknown = 1): Line[] {
    return this.say({ id, method, params });
  }

  /** Subscribes and authorises; returns what followed the last of both replies. */
  login(name = 'someone.rig', password = 'x'): Line[] {
    this.call('mining.subscribe', ['test/1']);
    return this.call('mining.authorize', [name, password]).slice(1);
  }
}

export interface Bench {
  readonly registry: SessionRegistry;
  readonly stratum: StratumV1;
  readonly clock: ManualClock;
  readonly intake: HeldIntake;
  connect(remoteIp?: string): Client;
  /** What was thrown where nothing should be. */
  readonly contained: ReturnType<typeof recordedContainment>;
}

export function makeBench(options: Partial<SessionOptions> = {}, modules: Partial<SessionModules> = {}): Bench {
  const clock = new ManualClock();
  const intake = new HeldIntake();
  const contained = recordedContainment();
  let sessionId = 0n;
  let variant = 0;
  const registry = new SessionRegistry(
    { ...sessionOptions, ...options },
    {
      clock,
      contain: contained.contain,
      intake,
      logger: recordedLogger(),
      authorize: authorizeAnyone(),
      extranonces: new ExtranonceAllocator({ prefix: 0xf0, prefixBits: 8 }),
      newSessionId: () => ++sessionId,
      // Where the pool takes any, here they are counted.
      newVariant: () => ++variant,
      ...modules,
    },
  );
  const stratum = new StratumV1(registry, contained.contain);
  return { registry, stratum, clock, intake, contained, connect: (remoteIp) => new Client(stratum, remoteIp) };
}

/** Notifications in short: `difficulty 5`, `mask 1fffe000`, `job <id> clean`. */
export function inShort(lines: readonly Line[]): string[] {
  return lines.map(({ method, params = [], result, error }) => {
    if (method === 'mining.set_difficulty') return `difficulty ${params[0]}`;
    if (method === 'mining.set_version_mask') return `mask ${params[0]}`;
    if (method === 'client.show_message') return `message ${params[0]}`;
    if (method === 'mining.notify') return `job ${params[0]}${params[8] === true ? ' clean' : ''}`;
    return error ? `error ${error[0]}` : `result ${JSON.stringify(result)}`;
  });
}
