import type { Containment } from '#base/domain/contain';
import type { Job } from '#base/domain/job';
import type { Logger } from '#base/domain/ports';
import type { Solution } from '#base/domain/share';
import type { Bans } from '#front/net/door/bans';
import type { Deliveries } from '#shares/sharelog/consumers/deliveries';
import { gatewayJournal } from '#shares/sharelog/journal/journals';
import { Crowd } from './crowd.ts';
import type { GatewayProcess } from './gateway-process.ts';
import type { FromGateway, ToGateway } from './messages.ts';
import type { Member } from './supervisor.ts';

export interface RelayModules {
  readonly contain: Containment;
  readonly logger: Logger;
  /** The gateways that have started. */
  readonly members: () => readonly Member[];
  readonly bans: Pick<Bans, 'punish'>;
  readonly deliveries: Deliveries;
  /** Resolves when the block can not be lost any more. */
  readonly solved: (solution: Solution) => Promise<void>;
  readonly wantsJob: () => void;
}

interface Announced {
  readonly job: Job;
  readonly recorded: Promise<void>;
}

/** Passes messages from the pool to all gateways, from gateways to the pool, and between gateways. */
export class Relay {
  readonly #modules: RelayModules;
  readonly #crowd = new Crowd();
  #announced: Announced | undefined;
  /** Why there is no job, since there was one. */
  #paused: Extract<ToGateway, { type: 'pause' | 'let-go' }> | undefined;
  #newestSerial = -1;

  constructor(modules: RelayModules) {
    this.#modules = modules;
  }

  /** The newest job that was announced; -1 before the first. */
  get newestSerial(): number {
    return this.#newestSerial;
  }

  /** A gateway that joins now knows no job before this serial. */
  get oldestSerial(): number {
    return this.#announced === undefined ? this.#newestSerial + 1 : this.#newestSerial;
  }

  announce(job: Job, recorded: Promise<void>): void {
    this.#newestSerial = job.serial;
    this.#announced = { job: { ...job, template: { ...job.template, transactions: [] } }, recorded };
    for (const { process } of this.#modules.members()) sendJob(process, this.#announced);
  }

  pause(message: Extract<ToGateway, { type: 'pause' | 'let-go' }>): void {
    this.#announced = undefined;
    this.#paused = message;
    this.broadcast(message);
  }

  broadcast(message: ToGateway): void {
    for (const { process } of this.#modules.members()) process.send(message);
  }

  /** Sends a new gateway what the others know already. */
  joined({ slot, process }: Member): void {
    this.#modules.deliveries.listen(gatewayJournal(slot), (consumer, seq) =>
      process.send({ type: 'delivered', consumer, seq }),
    );
    process.send({ type: 'crowd', changes: this.#crowd.now() });
    if (this.#announced) sendJob(process, this.#announced);
    else if (this.#paused) process.send(this.#paused);
  }

  /** The connections of an ended gateway are closed. */
  left(member: Member): void {
    this.broadcast({ type: 'crowd', changes: this.#crowd.gone(member) });
  }

  heard(member: Member, message: FromGateway): void {
    const { bans, wantsJob, logger } = this.#modules;
    switch (message.type) {
      case 'solved':
        this.#solved(member, message);
        return;
      case 'misconduct':
        bans.punish(message.address, message.reason, message.brief);
        return;
      case 'wants-job':
        wantsJob();
        return;
      case 'crowd':
        this.#tellOthers(member, message);
        return;
      case 'failed':
        logger.error({ gateway: member.slot, reason: message.reason }, 'a gateway failed');
    }
  }

  #solved({ process }: Member, { what, solutions }: Extract<FromGateway, { type: 'solved' }>): void {
    const { contain, solved } = this.#modules;
    const kept: Promise<void>[] = [];
    // What throws at once is no block: there is nothing to keep, and the gateway must not wait for it for ever.
    for (const solution of solutions) contain.attempt('a block of a gateway', () => void kept.push(solved(solution)));
    Promise.all(kept).then(
      () => process.send({ type: 'kept', what }),
      (error: unknown) => contain.caught('a block of a gateway', error),
    );
  }

  #tellOthers(member: Member, message: Extract<FromGateway, { type: 'crowd' }>): void {
    const members = this.#modules.members();
    // The last messages of a gateway may arrive after its end; they are ignored.
    if (!members.includes(member)) return;
    this.#crowd.changed(member, message.changes);
    for (const other of members) if (other !== member) other.process.send(message);
  }
}

/** No share of the job is acknowledged before the gateway hears that its row is on the disk. */
function sendJob(process: GatewayProcess, { job, recorded }: Announced): void {
  const what = `job ${job.serial}`;
  process.send({ type: 'job', what, job });
  void recorded.then(() => process.send({ type: 'kept', what }));
}
