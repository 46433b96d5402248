import { Counter, Gauge, type Metric, Registry } from 'prom-client';
import type { SubmitOutcome, Wire } from '#base/domain/ports';
import { NO_QUEUE, type QueueCounts } from '#base/domain/queue';
import type { JudgedShare } from '#base/domain/share';
import type { Verdict } from '#base/domain/verdict';
import {
  type AllCounts,
  blockStatuses,
  type CounterGroup,
  type Counts,
  newAllCounts,
  rowsOf,
  transports,
  zeros,
} from './counters.ts';
import { FixedHistogram, type RawHistogram } from './histogram.ts';
import { gaugeNames, latencyBoundsSeconds } from './names.ts';
import { registerProcessMetrics } from './process.ts';
import { type QueueName, queueSeries, queues } from './queues.ts';

type Transport = Wire['transport'];
type BlockStatus = SubmitOutcome['status'];
/** Counts of some groups, as those that count have them. */
export type SomeCounts = { readonly [G in CounterGroup]?: Readonly<Counts<G>> };

/**
 * Everything that Prometheus sees. Feeding it is adding to plain numbers; prom-client comes in at a scrape. No label
 * ever holds anything that a miner can choose: a pool that is flooded with names must not be flooded with series.
 */
export interface Metrics {
  /** Counts one submission with its verdict. Called on the share path. */
  share(share: JudgedShare): void;
  /** One group commit of the share log. */
  commit(durationMs: number): void;
  /** A block of this start has this status; `before` is its earlier status, undefined for a new block. */
  block(status: BlockStatus, before?: BlockStatus): void;
  opened(transport: Transport): void;
  closed(transport: Transport): void;
  /** To be written at will. */
  readonly gauges: Record<keyof typeof gaugeNames, number>;
  /** To be added to. */
  readonly counts: AllCounts;
  /** To be written at will. */
  readonly queues: Record<QueueName, QueueCounts>;
  /** Replaces the copied counters of other parts. */
  take(counts: SomeCounts): void;
  /** Called before each scrape, to copy counters from other parts. */
  onScrape(refresh: () => void): void;
  /** Submissions since the start, by verdict. */
  shares(): Readonly<Record<Verdict, number>>;
  /** Open connections, by transport. */
  connections(): Readonly<Record<Transport, number>>;
  /** Blocks since the start, each once, by the status that they have now. */
  blocks(): Readonly<Record<BlockStatus, number>>;
  /** The counters of the share path and the connections of this process, as plain data. */
  tally(): GatewayTally;
  /** Adds the increase of a gateway process's counters since its tally `before`. */
  absorb(now: GatewayTally, before: GatewayTally | undefined): void;
  /** The text format of Prometheus, version 0.0.4. */
  text(): Promise<string>;
}

/** Counted where miners are connected. */
export interface GatewayTally extends Readonly<Counts<'gateway'>> {
  readonly open: Readonly<Record<Transport, number>>;
  readonly verdictSeconds: RawHistogram;
  readonly commitSeconds: RawHistogram;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  const gauges = zeros(Object.keys(gaugeNames) as (keyof typeof gaugeNames)[]);
  const counts = newAllCounts();
  const { gateway, pool } = counts;
  const { shares, everOpened } = gateway;
  const open = zeros(transports);
  /** By the status that they have now. */
  const blocks = zeros(blockStatuses);
  const queueCounts = Object.fromEntries(Object.keys(queues).map((name) => [name, NO_QUEUE])) as Metrics['queues'];
  const verdictSeconds = new FixedHistogram(latencyBoundsSeconds);
  const commitSeconds = new FixedHistogram(latencyBoundsSeconds);
  const refreshes: (() => void)[] = [];

  for (const [key, [name, help]] of Object.entries(gaugeNames)) registerGauge(registry, name, help, gauges, key);
  for (const group of Object.keys(counts) as CounterGroup[]) registerGroup(registry, group, counts[group]);
  registerLabelled(
    registry,
    'sluice_blocks',
    'Block candidates found since the start, by their current status',
    'status',
    () => blocks,
    'gauge',
  );
  registerLabelled(registry, 'sluice_connections', 'Open Stratum connections', 'transport', () => open, 'gauge');
  registerHistogram(
    registry,
    'sluice_share_verdict_seconds',
    "From a submission's arrival to its verdict",
    verdictSeconds,
  );
  registerHistogram(registry, 'sluice_share_log_commit_seconds', 'Group commit of the share log', commitSeconds);
  registerQueues(registry, queueCounts);
  registerProcessMetrics(registry);

  return {
    share(share) {
      shares[share.verdict]++;
      if (share.verdict === 'accepted') gateway.acceptedDifficulty += share.terms?.difficulty ?? 0;
      verdictSeconds.observe(share.latencyUs / 1e6);
    },
    commit: (durationMs) => commitSeconds.observe(durationMs / 1e3),
    block(status, before) {
      blocks[status]++;
      if (before === undefined) pool.blocks[status]++;
      else blocks[before]--;
    },
    opened(transport) {
      open[transport]++;
      everOpened[transport]++;
    },
    closed: (transport) => void open[transport]--,
    gauges,
    counts,
    queues: queueCounts,
    take(given) {
      for (const group of Object.keys(given) as CounterGroup[])
        for (const [key] of rowsOf(group)) Reflect.set(counts[group], key, Reflect.get(given[group] ?? {}, key));
    },
    onScrape: (refresh) => void refreshes.push(refresh),
    shares: () => ({ ...shares }),
    connections: () => ({ ...open }),
    blocks: () => ({ ...blocks }),
    tally: () => ({
      ...structuredClone(gateway),
      open: { ...open },
      verdictSeconds: verdictSeconds.raw(),
      commitSeconds: commitSeconds.raw(),
    }),
    absorb(now, before) {
      addSince(gateway, now, before);
      addSince(open, now.open, before?.open);
      verdictSeconds.merge(now.verdictSeconds, before?.verdictSeconds);
      commitSeconds.merge(now.commitSeconds, before?.commitSeconds);
    },
    async text() {
      for (const refresh of refreshes) refresh();
      return registry.metrics();
    },
  };
}

/** Adds to each number of `to`, and of the objects in it, what that number has risen by. */
function addSince<T extends object>(to: T, now: T, before: T | undefined): void {
  for (const key of Object.keys(to)) {
    const [sum, risen, from]: unknown[] = [to, now, before ?? {}].map((each) => Reflect.get(each, key));
    if (typeof sum === 'object' && sum !== null) addSince(sum, risen as object, from as object | undefined);
    else Reflect.set(to, key, Number(sum) + Number(risen) - Number(from ?? 0));
  }
}

/** A series for each counter of a group, or for each value of its label. */
function registerGroup(registry: Registry, group: CounterGroup, counts: object): void {
  const read = (key: string): unknown => Reflect.get(counts, key);
  for (const [key, { name, help, by, includes }] of rowsOf(group)) {
    if (name === undefined) continue;
    if (by) registerLabelled(registry, name, help, by.label, () => read(key) as Readonly<Record<string, number>>);
    else {
      const others = includes === undefined ? () => 0 : () => Number(read(includes));
      registerCounter(registry, name, help, () => Number(read(key)) + others());
    }
  }
}

function registerQueues(registry: Registry, counts: Readonly<Record<QueueName, QueueCounts>>): void {
  const each = (value: (queue: QueueCounts) => number) => (): Readonly<Record<string, number>> =>
    Object.fromEntries(Object.entries(counts).map(([name, queue]) => [name, value(queue)]));
  const { depth, served, dropped, waitedSeconds } = queueSeries;
  registerLabelled(
    registry,
    ...depth,
    'queue',
    each((queue) => queue.depth),
    'gauge',
  );
  registerLabelled(
    registry,
    ...served,
    'queue',
    each((queue) => queue.served),
  );
  registerLabelled(
    registry,
    ...dropped,
    'queue',
    each((queue) => queue.dropped),
  );
  registerLabelled(
    registry,
    ...waitedSeconds,
    'queue',
    each((queue) => queue.waitedMs / 1000),
  );
}

function registerGauge(
  registry: Registry,
  name: string,
  help: string,
  values: Record<string, number>,
  key: string,
): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(values[key] ?? 0);
    },
  });
}

function registerCounter(registry: Registry, name: string, help: string, value: () => number): void {
  new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      this.reset();
      this.inc(value());
    },
  });
}

function registerLabelled(
  registry: Registry,
  name: string,
  help: string,
  label: string,
  values: () => Readonly<Record<string, number>>,
  kind: 'counter' | 'gauge' = 'counter',
): void {
  new (kind === 'gauge' ? Gauge : Counter)<string>({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      this.reset();
      for (const [key, value] of Object.entries(values())) this.inc({ [label]: key }, value);
    },
  });
}

/** prom-client's own histogram can only be fed observation by observation; a registry takes anything with this `get`. */
function registerHistogram(registry: Registry, name: string, help: string, source: FixedHistogram): void {
  const get = async () => {
    const { bounds, counts, sum } = source.snapshot();
    const buckets = bounds.map((bound, index) => ({
      metricName: `${name}_bucket`,
      labels: { le: bound === Number.POSITIVE_INFINITY ? '+Inf' : bound },
      value: counts[index] ?? 0,
    }));
    const totals = [
      { metricName: `${name}_sum`, labels: {}, value: sum },
      { metricName: `${name}_count`, labels: {}, value: counts.at(-1) ?? 0 },
    ];
    return { name, help, type: 'histogram', aggregator: 'sum', values: [...buckets, ...totals] };
  };
  registry.registerMetric({ name, help, get } as unknown as Metric);
}
