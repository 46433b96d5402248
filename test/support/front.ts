import { createHash } from 'node:crypto';
import { targetOfDifficulty, targetToBytes } from '#base/bitcoin/target';
import { jobId, jobSerial, VARIANTS_MAX } from '#base/domain/ids';
import type { Job } from '#base/domain/job';
import type { JudgedShare } from '#base/domain/share';
import { limits } from '#base/limits';
import type { SessionOptions } from '#front/session/context';
import { ExtranonceAllocator } from '#front/session/extranonces/extranonce';
import { authorizeAnyone } from '#front/session/login/authorize';
import { type SessionModules, SessionRegistry } from '#front/session/workers/registry';
import { StratumV1 } from '#front/stratum/v1/stratum-v1';
import { makeCurrent } from '#gateway/answerable-jobs';
import { loadKernel } from '#shares/kernel/kernel';
import { type Runners, startRunners } from '#shares/verify/runners';
import { SeenHeaders } from '#shares/verify/seen';
import { Verifier } from '#shares/verify/verifier';
import { JobStore } from '#work/jobs/store';
import { Client, type Line, ManualClock, sessionOptions } from '../front/session/support.ts';
import { recordedContainment } from './containment.ts';
import { recordedLogger } from './recorded-logger.ts';

/**
 * Everything between a socket and the log, with the real parts and without either: sessions, pre-checks, kernel, duplicates.
 * A submit is answered within the call.
 */
export class Front {
  readonly clock = new ManualClock();
  readonly jobs: JobStore;
  readonly seen = new SeenHeaders({ headersMax: 1 << 20 }, { closedEarly: () => {}, wantsJob: () => {} });
  readonly log: JudgedShare[] = [];
  readonly blocks: JudgedShare[] = [];
  readonly registry: SessionRegistry;
  readonly stratum: StratumV1;
  /** What was thrown where nothing should be. */
  readonly contained = recordedContainment();
  readonly #runners: Runners;
  readonly #deferred: (() => void)[] = [];
  readonly #verifier: Verifier;
  #index = 0;

  private constructor(runners: Runners, options: Partial<SessionOptions>, modules: Partial<SessionModules>) {
    this.#runners = runners;
    this.jobs = new JobStore({ jobsMax: options.jobsMax ?? limits.jobsMax });
    const { clock, jobs, seen, log, blocks } = this;
    const verifier = new Verifier(
      {
        sharesInFlightMax: 10_000,
        batchMax: limits.kernelBatchMax,
        turnMax: limits.sharesPerTurnMax,
        versionMask: options.versionMask ?? sessionOptions.versionMask,
      },
      {
        clock,
        contain: this.contained.contain,
        jobs,
        seen,
        inline: runners.inline,
        workers: [],
        defer: (flush) => this.#deferred.push(flush),
        workerFailed: () => {},
        drained: () => {},
        observe: () => {},
        foundBlock: (share) => blocks.push(share),
        recorder: { share: (share) => log.push(share), commit: (durable) => durable() },
      },
    );
    this.#verifier = verifier;
    let sessions = 0n;
    let variant = 0;
    this.registry = new SessionRegistry(
      { ...sessionOptions, ...options },
      {
        clock,
        contain: this.contained.contain,
        logger: recordedLogger(),
        intake: verifier,
        authorize: authorizeAnyone(),
        extranonces: new ExtranonceAllocator({ prefix: 0, prefixBits: 0 }),
        newSessionId: () => ++sessions,
        // The same each time, so that no test has luck of its own in each run.
        newVariant: () => {
          variant = (variant % (VARIANTS_MAX - 1)) + 1;
          return variant;
        },
        ...modules,
      },
    );
    this.stratum = new StratumV1(this.registry, this.contained.contain);
  }

  static async open(options: Partial<SessionOptions> = {}, modules: Partial<SessionModules> = {}): Promise<Front> {
    return new Front(await startRunners({ threads: 0 }, loadKernel()), options, modules);
  }

  close(): Promise<void> {
    return this.#runners.close();
  }

  /** Shares credited so far. */
  get accepted(): number {
    return this.log.filter(({ verdict }) => verdict === 'accepted').length;
  }

  /** A new job on the block `tip`, announced to everybody. */
  announce(tip = 1, changes: Partial<Job> = {}): Job {
    const job = makeJob(this.#index, tip, changes);
    this.#index += 1;
    makeCurrent(job, {
      ...{ jobs: this.jobs, seen: this.seen, recorder: { closed: () => {}, commit: () => {} } },
      whenApplied: (then) => this.#verifier.whenApplied(then),
    });
    this.registry.broadcast(job);
    return job;
  }

  connect(): Miner {
    return new Miner(this);
  }

  /** Ends the tick: what was submitted in it is judged, logged and answered. */
  flush(): void {
    for (const flush of this.#deferred.splice(0)) flush();
  }
}

/** The job of this index on the block `tip`, as no node has made it. */
export function makeJob(index: number, tip: number, changes: Partial<Job> = {}): Job {
  const serial = jobSerial(3, index);
  const header = {
    height: 100 + tip,
    version: 0x2000_0000,
    previousHash: new Uint8Array(32).fill(tip),
    bits: 0x1d00_ffff,
  };
  return {
    ...header,
    id: jobId(serial),
    rowId: jobId(serial),
    serial,
    networkTarget: targetToBytes(targetOfDifficulty(1)),
    networkDifficulty: 1,
    minTime: 1_700_000_000,
    curTime: 1_700_000_100,
    coinb1: Uint8Array.from({ length: 60 }, (_, at) => (at + index) & 0xff),
    coinb2: Uint8Array.from({ length: 100 }, (_, at) => at ^ (index >>> 8)),
    outputsAt: 4,
    merkleBranch: [new Uint8Array(32).fill(7), new Uint8Array(32).fill(index & 0xff)],
    cleanJobs: false,
    rewardSats: 5_000_000_000n,
    createdMs: 0,
    template: {
      askedMs: 0,
      ...header,
      minTime: 1_700_000_000,
      curTime: 1_700_000_100,
      coinbaseValueSats: 5_000_000_000n,
      transactions: [],
      witnessCommitment: undefined,
    },
    ...changes,
  };
}

/** A job as the miner has it. */
export interface Work {
  readonly id: string;
  readonly difficulty: number;
  readonly target: bigint;
  /** With the time and the nonce to be filled in: bytes 68 and 76. */
  header(extranonce2: string, versionBits?: number): Buffer;
  readonly ntime: number;
  readonly clean: boolean;
}

export type Params = [user: string, jobId: string, extranonce2: string, ntime: string, nonce: string, bits?: string];

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
/** Double SHA-256 as the number that targets are compared with. */
export const hashOf = (header: Uint8Array): bigint => BigInt(`0x${sha256(sha256(header)).reverse().toString('hex')}`);
export const hex8 = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');

/** A miner on its side of the wire, which goes by what it was sent alone. */
export class Miner {
  readonly client: Client;
  readonly #front: Front;
  difficulty = Number.NaN;
  mask = 0;
  extranonce1 = '';
  /** The newest job. */
  work: Work | undefined;
  #nonces = 0;

  constructor(front: Front) {
    this.#front = front;
    this.client = new Client(front.stratum);
  }

  /** What it was told when it subscribed, to come back with. */
  sessionId = '';

  login(options: { user?: string; password?: string; mask?: string; agent?: string; sessionId?: string } = {}): void {
    if (options.mask !== undefined) {
      const asked = [['version-rolling'], { 'version-rolling.mask': options.mask }];
      const [reply] = this.client.call('mining.configure', asked);
      const granted = reply?.result as { 'version-rolling.mask'?: string } | undefined;
      this.mask = Number.parseInt(granted?.['version-rolling.mask'] ?? '0', 16);
    }
    const resume = options.sessionId === undefined ? [] : [options.sessionId];
    const [subscribed] = this.client.call('mining.subscribe', [options.agent ?? 'miner/1', ...resume]);
    const [topics, extranonce1] = (subscribed?.result ?? []) as [string[][]?, string?];
    this.sessionId = topics?.[0]?.[1] ?? '';
    this.extranonce1 = extranonce1 ?? '';
    this.hear(this.client.call('mining.authorize', [options.user ?? 'me.rig', options.password ?? 'x']));
  }

  /** Takes in what the pool sent; what came to nobody since the last call where nothing is given. */
  hear(lines: readonly Line[] = this.client.wire.take()): void {
    for (const { method, params = [] } of lines) {
      if (method === 'mining.set_difficulty') this.difficulty = Number(params[0]);
      if (method === 'mining.set_extranonce') this.extranonce1 = String(params[0]);
      if (method === 'mining.set_version_mask') this.mask = Number.parseInt(String(params[0]), 16);
      if (method === 'mining.notify') this.work = this.#work(params);
    }
  }

  #work(params: readonly unknown[]): Work {
    const [id, previous, coinb1, coinb2, branch, version, bits, ntime, clean] = params as [
      string,
      string,
      string,
      string,
      string[],
      string,
      string,
      string,
      boolean,
    ];
    const [extranonce1, mask, difficulty] = [this.extranonce1, this.mask, this.difficulty];
    return {
      id,
      difficulty,
      target: targetOfDifficulty(difficulty),
      ntime: Number.parseInt(ntime, 16),
      clean,
      header(extranonce2, versionBits) {
        let root = sha256(sha256(Buffer.from(coinb1 + extranonce1 + extranonce2 + coinb2, 'hex')));
        for (const sibling of branch) root = sha256(sha256(Buffer.concat([root, Buffer.from(sibling, 'hex')])));
        const header = Buffer.alloc(80);
        const whole = Number.parseInt(version, 16);
        header.writeUInt32LE((versionBits === undefined ? whole : (whole & ~mask) | versionBits) >>> 0, 0);
        Buffer.from(previous, 'hex').swap32().copy(header, 4);
        root.copy(header, 36);
        header.writeUInt32LE(Number.parseInt(bits, 16), 72);
        return header;
      },
    };
  }

  /** One hash after the other until one passes; by default what the job asks for. */
  solve(
    changes: { user?: string; work?: Work; ntime?: number; bits?: number; passes?: (hash: bigint) => boolean } = {},
  ): Params {
    const work = changes.work ?? this.work;
    if (!work) throw new Error('no work');
    const { ntime = work.ntime, passes = (hash: bigint) => hash <= work.target } = changes;
    const extranonce2 = '00000000000000aa';
    const header = work.header(extranonce2, changes.bits);
    header.writeUInt32LE(ntime, 68);
    for (;;) {
      this.#nonces += 1;
      header.writeUInt32LE(this.#nonces, 76);
      if (!passes(hashOf(header))) continue;
      const params: Params = [changes.user ?? 'me.rig', work.id, extranonce2, hex8(ntime), hex8(this.#nonces)];
      if (changes.bits !== undefined) params.push(hex8(changes.bits));
      return params;
    }
  }

  /** Submits (fields, or a whole line) and returns the verdict's reason, `accepted` or a code without reason. */
  submit(what: Params | readonly unknown[] | string): string {
    const line = typeof what === 'string' ? what : JSON.stringify({ id: 1, method: 'mining.submit', params: what });
    const lines = this.client.say(line);
    this.#front.flush();
    lines.push(...this.client.wire.take());
    this.hear(lines);
    const reply = lines.find(({ method }) => method === undefined);
    return reply?.result === true ? 'accepted' : (reply?.['reject-reason'] ?? String(reply?.error?.[0]));
  }
}
