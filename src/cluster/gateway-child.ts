import { Containment } from '#base/domain/contain';
import { systemClock } from '#base/std/system-clock';
import { createLogger, formatFor } from '#base/telemetry/logger';
import { createMetrics } from '#base/telemetry/metrics';
import { Bans } from '#front/net/door/bans';
import { banOptions } from '#front/net/door/door-options';
import type { CrowdChange } from '#front/net/door/neighbours';
import { type LocalGateway, startGateway } from '#gateway/gateway';
import { loadKernel } from '#shares/kernel/kernel';
import { type Journal, openJournal } from '#shares/sharelog/journal/journal';
import type { FromGateway, GatewayStart, ToGateway } from './messages.ts';
import { PoolDisk } from './pool-disk.ts';
import { ToldBlocks } from './told-blocks.ts';

/** A gateway as a process of its own: everything from the sockets to the verdicts. The pool is its parent. */

const REPORT_MS = 1000;
/** The gateway that this one replaces, or one of a pool that was killed, may take so long to end. */
const LOCK_MS_MAX = 5000;

const clock = systemClock;
const say = (message: FromGateway, sent: () => void = () => {}): void => {
  if (process.connected) process.send?.(message, sent);
};

interface Running {
  readonly contain: Containment;
  readonly gateway: LocalGateway;
  readonly bans: Bans;
  readonly journal: Journal;
  readonly poolDisk: PoolDisk;
  /** Other gateways' connections have changed. */
  readonly hear: (changes: readonly CrowdChange[]) => void;
  readonly report: (sent?: () => void) => void;
}

async function start(options: GatewayStart): Promise<Running> {
  const { network, stratum, verify, ownCoinbases, sizedCoinbases, epoch, incarnation } = options;
  const logger = createLogger({ level: options.logLevel, ...formatFor(process.stderr, process.env) });
  const metrics = createMetrics();
  const contain = new Containment({ logger, counted: () => void metrics.counts.gateway.containedErrors++ });
  const poolDisk = new PoolDisk();
  const { folder, node, consumers } = options;
  const journal = await openJournal(
    { folder, journal: options.journal, node, consumers, lockMsMax: LOCK_MS_MAX },
    { clock, logger, ready: () => poolDisk.ready, committed: (ms) => metrics.commit(ms) },
  );
  const bans = new Bans(banOptions(stratum.bans), {
    clock,
    changed: () => {},
    banned: (ban) => gateway.evict(ban),
  });
  bans.restore(options.bans);
  let hear: Running['hear'] = () => {};
  const blocks = new ToldBlocks({
    expect: (what) => poolDisk.expect(what),
    say: (what, solutions) => say({ type: 'solved', what, solutions }),
    defer: setImmediate,
  });
  const gateway = await startGateway(
    { network, stratum, verify, ownCoinbases, sizedCoinbases, epoch, incarnation, kernel: loadKernel(), shared: true },
    {
      clock,
      contain,
      logger,
      metrics,
      recorder: journal,
      solved: (solution) => blocks.tell(solution),
      wantsJob: () => say({ type: 'wants-job' }),
      observe: (share) => metrics.share(share),
      bans: {
        refuses: (address) => bans.refuses(address),
        allows: (address) => bans.allows(address),
        punish(address, reason, brief = false) {
          const ban = bans.punish(address, reason, brief);
          if (ban) say({ type: 'misconduct', address, reason, brief });
          return ban;
        },
      },
      neighbours: {
        tell: (changes) => say({ type: 'crowd', changes }),
        listen(listener) {
          hear = listener;
        },
      },
    },
  );
  const report = (sent?: () => void): void =>
    say({ type: 'report', status: gateway.status(), tally: metrics.tally(), journal: journal.status() }, sent);
  setInterval(() => contain.attempt('a report', () => report()), REPORT_MS);
  return { contain, gateway, bans, journal, poolDisk, hear, report };
}

let running: Running | undefined;

/** Steps that the pool waits for: a failure ends this gateway, and the pool starts another. */
const awaited: readonly ToGateway['type'][] = ['start', 'listen', 'close'];

async function handle(message: ToGateway): Promise<void> {
  if (message.type === 'start') {
    running = await start(message.start);
    say({ type: 'started' });
    return;
  }
  if (!running) throw new Error(`gateway: ${message.type} before the start`);
  const { gateway, bans, journal, poolDisk, hear, report } = running;
  switch (message.type) {
    case 'job':
      poolDisk.expect(message.what);
      gateway.announce(message.job);
      return;
    case 'listen':
      say({ type: 'listening', endpoints: await gateway.listen(message.ports) });
      return;
    case 'pause':
      gateway.pause(message.reason);
      return;
    case 'let-go':
      gateway.letGo(message.reason);
      return;
    case 'ban':
      bans.hear(message.ban);
      gateway.evict(message.ban);
      return;
    case 'pardon':
      bans.lift(message.address);
      return;
    case 'kept':
      poolDisk.has(message.what);
      return;
    case 'delivered':
      journal.confirm(message.consumer, message.seq);
      return;
    case 'crowd':
      hear(message.changes);
      return;
    case 'miner':
      say({ type: 'miner', id: message.id, view: await gateway.miner(message.query) });
      return;
    case 'reload':
      gateway.reload();
      return;
    case 'close':
      await gateway.close();
      await journal.close();
      // The last report has to be out before the channel goes.
      report(() => process.exit(0));
  }
}

process.on('message', (message: ToGateway) => {
  handle(message).catch((error: unknown) => {
    if (running && !awaited.includes(message.type)) {
      running.contain.caught(`the message ${message.type}`, error);
      return;
    }
    say({ type: 'failed', reason: error instanceof Error ? error.message : String(error) });
    process.exitCode = 1;
    process.disconnect?.();
  });
});
// The terminal's Ctrl-C and a supervisor's SIGTERM go to the whole group; when to stop is the pool's to say.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('SIGHUP', () => {});
process.once('disconnect', () => process.exit());
say({ type: 'hello' });
