import cluster, { type Worker } from 'node:cluster';
import { builtFile, nodeFlags } from '#base/built';
import type { Containment } from '#base/domain/contain';
import type { Job } from '#base/domain/job';
import type { MinerQuery, MinerView } from '#base/domain/miner';
import type { Ban, Logger } from '#base/domain/ports';
import type { Solution } from '#base/domain/share';
import { Backoff } from '#base/std/backoff';
import type { GatewayTally, Metrics } from '#base/telemetry/metrics';
import type { Bans } from '#front/net/door/bans';
import { type Gateway, INCARNATIONS_MAX, type StratumEndpoints, type StratumPorts } from '#gateway/gateway';
import { addStatus, countersOf, type GatewayStatus, NO_STATUS } from '#gateway/status';
import type { Deliveries } from '#shares/sharelog/consumers/deliveries';
import { gatewayJournal } from '#shares/sharelog/journal/journals';
import type { ShareLogStatus } from '#shares/sharelog/share-log';
import { Crowd } from './crowd.ts';
import { choosePorts } from './free-port.ts';
import { mergeViews } from './merge-views.ts';
import type { FromGateway, GatewayStart, ToGateway } from './messages.ts';
import { MinerQuestions } from './miner-questions.ts';

export interface GatewaysOptions extends Omit<GatewayStart, 'incarnation' | 'journal' | 'bans'> {
  /** Processes, at least 1. */
  readonly count: number;
}

export interface GatewaysModules {
  readonly contain: Containment;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly bans: Pick<Bans, 'punish' | 'records'>;
  readonly deliveries: Deliveries;
  /** Resolves when the block can not be lost any more. */
  readonly solved: (solution: Solution) => Promise<void>;
  /** A gateway wants a newer job soon: see GatewayModules. */
  readonly wantsJob: () => void;
  /** Difficulty of the shares accepted since the last call. */
  readonly worked: (difficulty: number) => void;
  /** No gateway can be started any more. */
  readonly fatal: (error: Error) => void;
}

/** A gateway that is gone is replaced after this long, and longer each time it dies young. */
const RESTART = { msMin: 200, msMax: 10_000 };
/** One that lived for so long did not die young. */
const YOUNG_MS = 60_000;
const CLOSE_MS_MAX = 8_000;

/** One gateway process, from its fork to its end. */
interface Member {
  readonly worker: Worker;
  readonly slot: number;
  readonly startedMs: number;
  status: GatewayStatus | undefined;
  tally: GatewayTally | undefined;
  journal: ShareLogStatus | undefined;
}

/**
 * Several gateways, each a process with an event loop, sessions and a kernel of its own, as one. They listen on the same
 * ports (TCP over one socket that node:cluster hands to all; WebSocket over SO_REUSEPORT), commit each into a journal of
 * its own, and get jobs and bans from here. One that dies is replaced; its miners reconnect.
 */
export async function startGateways(options: GatewaysOptions, modules: GatewaysModules): Promise<Gateway> {
  const gateways = new Gateways(options, modules);
  try {
    await gateways.start();
  } catch (error) {
    await gateways.kill();
    throw error;
  }
  return gateways;
}

class Gateways implements Gateway {
  readonly #options: GatewaysOptions;
  readonly #modules: GatewaysModules;
  readonly #members = new Map<number, Member>();
  /** Every process that has not ended, also one that is no member yet. */
  readonly #alive = new Set<Worker>();
  readonly #questions = new MinerQuestions(send);
  readonly #crowd = new Crowd();
  /** Counters of gateways that are gone. */
  #retired = NO_STATUS;
  #incarnations = 0;
  #job: { readonly job: Job; readonly recorded: Promise<void> } | undefined;
  /** Why there is no job, since there was one. */
  #paused: Extract<ToGateway, { type: 'pause' | 'let-go' }> | undefined;
  /** Where all of them listen; undefined before they do. */
  #ports: StratumPorts | undefined;
  readonly #backoffs: readonly Backoff[];
  #closing = false;

  constructor(options: GatewaysOptions, modules: GatewaysModules) {
    this.#options = options;
    this.#modules = modules;
    this.#backoffs = Array.from({ length: options.count }, () => new Backoff(RESTART));
    // Every gateway accepts for itself. Dealt out in turn by the primary (node's default), connections that were on their
    // way to a gateway as it died would stay open for ever with nobody behind them; and it would cost the primary time.
    cluster.schedulingPolicy = cluster.SCHED_NONE;
    const execArgv = [...process.execArgv, ...nodeFlags.filter((flag) => !process.execArgv.includes(flag))];
    cluster.setupPrimary({
      exec: builtFile('cluster/gateway-child.ts'),
      args: [],
      execArgv,
      serialization: 'advanced',
    });
  }

  async start(): Promise<void> {
    await Promise.all(this.#backoffs.map((_, slot) => this.#fork(slot)));
  }

  announce(job: Job, recorded: Promise<void>): void {
    this.#job = { job: { ...job, template: { ...job.template, transactions: [] } }, recorded };
    for (const { worker } of this.#members.values()) sendJob(worker, this.#job);
  }

  async listen(): Promise<StratumEndpoints> {
    const ports = await choosePorts(this.#options.stratum);
    this.#ports = ports;
    const [endpoints] = await Promise.all([...this.#members.values()].map((member) => this.#listenOn(member, ports)));
    if (!endpoints) throw new Error('gateways: none is running');
    return endpoints;
  }

  pause(reason: string): void {
    this.#job = undefined;
    this.#paused = { type: 'pause', reason };
    this.#broadcast(this.#paused);
  }

  letGo(reason: string): void {
    this.#job = undefined;
    this.#paused = { type: 'let-go', reason };
    this.#broadcast(this.#paused);
  }

  evict(ban: Ban): void {
    this.#broadcast({ type: 'ban', ban });
  }

  pardon(address: string): void {
    this.#broadcast({ type: 'pardon', address });
  }

  reload(): void {
    this.#broadcast({ type: 'reload' });
  }

  status(): GatewayStatus {
    const all = [...this.#members.values()].flatMap(({ status }) => status ?? []);
    return all.reduce(addStatus, this.#retired);
  }

  journals(): ShareLogStatus[] {
    return [...this.#members.values()].flatMap(({ journal }) => journal ?? []);
  }

  async miner(query: MinerQuery): Promise<MinerView | undefined> {
    const members = [...this.#members.values()];
    const views = await Promise.all(members.map(({ worker }) => this.#questions.ask(worker, query)));
    return mergeViews(
      views.flatMap((view) => view ?? []),
      query.workersMax,
    );
  }

  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all(
      [...this.#members.values()].map(async ({ worker }) => {
        const exited = new Promise<void>((resolve) => void worker.once('exit', () => resolve()));
        const timer = setTimeout(() => worker.process.kill('SIGKILL'), CLOSE_MS_MAX);
        send(worker, { type: 'close' });
        await exited;
        clearTimeout(timer);
      }),
    );
  }

  /** Ends all of them as they are. */
  async kill(): Promise<void> {
    this.#closing = true;
    await Promise.all(
      [...this.#alive].map(async (worker) => {
        const exited = new Promise<void>((resolve) => void worker.once('exit', () => resolve()));
        worker.process.kill('SIGKILL');
        await exited;
      }),
    );
  }

  /** Starts a gateway in a slot; resolves when it has its kernel, its log and the current job. */
  async #fork(slot: number): Promise<Member> {
    const { count: _, ...shared } = this.#options;
    const { contain } = this.#modules;
    const incarnation = this.#incarnations;
    this.#incarnations += 1;
    const worker = cluster.fork();
    this.#alive.add(worker);
    worker.once('exit', () => this.#alive.delete(worker));
    const startedMs = performance.now();
    const member: Member = { worker, slot, startedMs, status: undefined, tally: undefined, journal: undefined };
    worker.on('message', (message: FromGateway) =>
      contain.attempt('a message of a gateway', () => this.#take(member, message)),
    );
    await answer(worker, 'hello');
    const started = answer(worker, 'started');
    const bans = this.#modules.bans.records();
    const journal = gatewayJournal(slot);
    send(worker, { type: 'start', start: { ...shared, incarnation, journal, bans } });
    await started;
    this.#modules.deliveries.listen(journal, (consumer, seq) => send(worker, { type: 'delivered', consumer, seq }));
    worker.once('exit', (code, signal) => this.#gone(member, signal ?? `exit code ${code}`));
    this.#members.set(slot, member);
    send(worker, { type: 'crowd', changes: this.#crowd.now() });
    if (this.#job) sendJob(worker, this.#job);
    else if (this.#paused) send(worker, this.#paused);
    return member;
  }

  async #listenOn({ worker }: Member, ports: StratumPorts): Promise<StratumEndpoints> {
    const listening = answer(worker, 'listening');
    send(worker, { type: 'listen', ports });
    return (await listening).endpoints;
  }

  #take(member: Member, message: FromGateway): void {
    const { contain, solved, bans, logger } = this.#modules;
    if (message.type === 'solved') {
      const { what, solution } = message;
      const kept = (): void => send(member.worker, { type: 'kept', what });
      const lost = (error: unknown): void => contain.caught('a block of a gateway', error);
      // What throws at once is no block: there is nothing to keep, and the gateway must not wait for it for ever.
      contain.attempt('a block of a gateway', () => void solved(solution).then(kept, lost), kept);
      return;
    }
    if (message.type === 'misconduct') bans.punish(message.address, message.reason, message.brief);
    else if (message.type === 'wants-job') this.#modules.wantsJob();
    else if (message.type === 'report') this.#report(member, message);
    else if (message.type === 'crowd') this.#relay(member, message);
    else if (message.type === 'miner') this.#questions.answered(message.id, message.view);
    else if (message.type === 'failed')
      logger.error({ gateway: member.slot, reason: message.reason }, 'a gateway failed');
  }

  #report(member: Member, { status, tally, journal }: Extract<FromGateway, { type: 'report' }>): void {
    const { metrics, worked } = this.#modules;
    metrics.absorb(tally, member.tally);
    worked(tally.acceptedDifficulty - (member.tally?.acceptedDifficulty ?? 0));
    member.tally = tally;
    member.status = status;
    member.journal = journal;
  }

  /** Tells the others. */
  #relay(member: Member, message: Extract<FromGateway, { type: 'crowd' }>): void {
    const others = [...this.#members.values()].filter((other) => other !== member);
    // What a gateway said last may come after its end, and is over then.
    if (others.length === this.#members.size) return;
    this.#crowd.changed(member, message.changes);
    for (const { worker } of others) send(worker, message);
  }

  #gone(member: Member, reason: string): void {
    const { slot, startedMs } = member;
    this.#modules.contain.attempt('the end of a gateway', () => this.#retire(member));
    if (this.#closing) return;
    this.#modules.logger.error({ gateway: slot, reason }, 'a gateway is gone; another one takes its place');
    if (performance.now() - startedMs >= YOUNG_MS) this.#backoffs[slot]?.reset();
    this.#replace(slot);
  }

  /** Its counters stay counted; its connections are closed. */
  #retire(member: Member): void {
    const { tally, status, slot, worker } = member;
    this.#members.delete(slot);
    this.#broadcast({ type: 'crowd', changes: this.#crowd.gone(member) });
    if (tally) this.#modules.metrics.absorb({ ...tally, open: NO_CONNECTIONS }, tally);
    if (status) this.#retired = addStatus(this.#retired, countersOf(status));
    this.#questions.gone(worker);
  }

  /** Starts another gateway in a slot, for as long as it takes. */
  #replace(slot: number): void {
    if (this.#closing) return;
    setTimeout(() => {
      if (this.#closing) return;
      if (this.#incarnations >= INCARNATIONS_MAX) {
        this.#modules.fatal(
          new Error(`gateways have been started ${INCARNATIONS_MAX} times: the pool has to start anew`),
        );
        return;
      }
      this.#revive(slot).catch((error: unknown) => {
        this.#modules.logger.error({ gateway: slot, err: error }, 'a gateway did not start');
        if (!this.#members.has(slot)) this.#replace(slot);
      });
    }, this.#backoffs[slot]?.next());
  }

  async #revive(slot: number): Promise<void> {
    const member = await this.#fork(slot);
    if (this.#ports) await this.#listenOn(member, this.#ports);
    this.#modules.logger.info({ gateway: slot }, 'a gateway has taken the place of another');
  }

  #broadcast(message: ToGateway): void {
    for (const { worker } of this.#members.values()) send(worker, message);
  }
}

const NO_CONNECTIONS: GatewayTally['open'] = { tcp: 0, tls: 0, websocket: 0 };

/** No share of the job is acknowledged before the gateway hears that its row is on the disk. */
function sendJob(worker: Worker, { job, recorded }: { readonly job: Job; readonly recorded: Promise<void> }): void {
  const what = `job ${job.serial}`;
  send(worker, { type: 'job', what, job });
  void recorded.then(() => send(worker, { type: 'kept', what }));
}

function send(worker: Worker, message: ToGateway): void {
  // A channel that is closing takes nothing more; the exit follows.
  if (worker.isConnected()) worker.send(message, () => {});
}

/** The next message of one type; rejects where the gateway fails or ends before. */
function answer<T extends FromGateway['type']>(worker: Worker, type: T): Promise<Extract<FromGateway, { type: T }>> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      worker.off('message', onMessage);
      worker.off('exit', onExit);
    };
    const onMessage = (message: FromGateway): void => {
      if (message.type === type) {
        done();
        resolve(message as Extract<FromGateway, { type: T }>);
      } else if (message.type === 'failed') {
        done();
        reject(new Error(message.reason));
      }
    };
    const onExit = (code: number | null): void => {
      done();
      reject(new Error(`a gateway ended with ${code} before it was ${type}`));
    };
    worker.on('message', onMessage);
    worker.once('exit', onExit);
  });
}
