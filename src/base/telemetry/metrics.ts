import { Counter, Gauge, type Metric, Registry } from 'prom-client';
import type { SubmitOutcome, Wire } from '#base/domain/ports';
import type { JudgedShare } from '#base/domain/share';
import { type Verdict, verdicts } from '#base/domain/verdict';
import { FixedHistogram, type RawHistogram } from './histogram.ts';
import { counterNames, gaugeNames, latencyBoundsSeconds, protocolFaults } from './names.ts';
import { registerProcessMetrics } from './process.ts';

type Transport = Wire['transport'];
type BlockStatus = SubmitOutcome['status'];

const transports: readonly Transport[] = ['tcp', 'tls', 'websocket'];
const blockStatuses: readonly BlockStatus[] = ['accepted', 'orphaned', 'rejected', 'unknown'];

/**
 * Everything that Prometheus sees. Feeding it is adding to plain numbers; prom-client comes in at a scrape. No label
 * ever holds anything that a miner can choose: a pool that is flooded with names must not be flooded with series.
 */
export interface Metrics {
  /** Counts one submission with its verdict. Called on the share path. */
  share(share: JudgedShare): void;
  /** One group commit of the share log. */
  commit(durationMs: number): void;
  /** A block of this start has this status; `before` is the one that it had, undefined for a new block. */
  block(status: BlockStatus, before?: BlockStatus): void;
  opened(transport: Transport): void;
  closed(transport: Transport): void;
  /** To be written at will. */
  readonly gauges: Record<keyof typeof gaugeNames, number>;
  /** To be added to. */
  readonly counters: Record<keyof typeof counterNames, number>;
  /** Stratum messages that were no valid request, by kind; to be written at will. */
  readonly protocolErrors: Record<(typeof protocolFaults)[number], number>;
  /** Called before each scrape, so that gauges that are counted elsewhere can be written then. */
  onScrape(refresh: () => void): void;
  /** Submissions since the start, by verdict. */
  shares(): Readonly<Record<Verdict, number>>;
  /** Open connections, by transport. */
  connections(): Readonly<Record<Transport, number>>;
  /** Blocks since the start, each once, by the status that they have now. */
  blocks(): Readonly<Record<BlockStatus, number>>;
  /** What the share path and the connections of this process have come to, as plain data. */
  tally(): GatewayTally;
  /** Adds what a gateway in another process has come to since its tally `before`. */
  absorb(now: GatewayTally, before: GatewayTally | undefined): void;
  /** The text format of Prometheus, version 0.0.4. */
  text(): Promise<string>;
}

/** Counted where miners are connected. */
export interface GatewayTally {
  readonly shares: Readonly<Record<Verdict, number>>;
  readonly acceptedDifficulty: number;
  readonly containedErrors: number;
  readonly open: Readonly<Record<Transport, number>>;
  readonly everOpened: Readonly<Record<Transport, number>>;
  readonly verdictSeconds: RawHistogram;
  readonly commitSeconds: RawHistogram;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  const gauges = zeros(Object.keys(gaugeNames) as (keyof typeof gaugeNames)[]);
  const counters = zeros(Object.keys(counterNames) as (keyof typeof counterNames)[]);
  const shares = zeros(verdicts);
  const open = zeros(transports);
  const everOpened = zeros(transports);
  const blocks = zeros(blockStatuses);
  const blocksFound = zeros(blockStatuses);
  const protocolErrors = zeros(protocolFaults);
  const verdictSeconds = new FixedHistogram(latencyBoundsSeconds);
  const commitSeconds = new FixedHistogram(latencyBoundsSeconds);
  const refreshes: (() => void)[] = [];

  for (const [key, [name, help]] of Object.entries(gaugeNames)) registerGauge(registry, name, help, gauges, key);
  for (const [key, [name, help]] of Object.entries(counterNames)) registerCounter(registry, name, help, counters, key);
  registerLabelled(registry, 'sluice_shares_total', 'Submissions by verdict', 'verdict', shares);
  registerLabelled(
    registry,
    'sluice_connections_opened_total',
    'Stratum connections since the start',
    'transport',
    everOpened,
  );
  registerLabelled(registry, 'sluice_protocol_errors_total', 'Invalid requests', 'kind', protocolErrors);
  registerLabelled(
    registry,
    'sluice_blocks_total',
    'Block candidates found since the start, each once, by the first answer of the nodes',
    'status',
    blocksFound,
  );
  registerLabelled(
    registry,
    'sluice_blocks',
    'Block candidates found since the start, each once, by the status that they have now',
    'status',
    blocks,
    'gauge',
  );
  registerLabelled(registry, 'sluice_connections', 'Open Stratum connections', 'transport', open, 'gauge');
  registerHistogram(
    registry,
    'sluice_share_verdict_seconds',
    "From a submission's arrival to its verdict",
    verdictSeconds,
  );
  registerHistogram(registry, 'sluice_share_log_commit_seconds', 'Group commit of the share log', commitSeconds);
  registerProcessMetrics(registry);

  return {
    share(share) {
      shares[share.verdict]++;
      if (share.verdict === 'accepted') counters.acceptedDifficulty += share.terms?.difficulty ?? 0;
      verdictSeconds.observe(share.latencyUs / 1e6);
    },
    commit: (durationMs) => commitSeconds.observe(durationMs / 1e3),
    block(status, before) {
      blocks[status]++;
      if (before === undefined) blocksFound[status]++;
      else blocks[before]--;
    },
    opened(transport) {
      open[transport]++;
      everOpened[transport]++;
    },
    closed: (transport) => void open[transport]--,
    gauges,
    counters,
    protocolErrors,
    onScrape: (refresh) => void refreshes.push(refresh),
    shares: () => ({ ...shares }),
    connections: () => ({ ...open }),
    blocks: () => ({ ...blocks }),
    tally: () => ({
      shares: { ...shares },
      acceptedDifficulty: counters.acceptedDifficulty,
      containedErrors: counters.containedErrors,
      open: { ...open },
      everOpened: { ...everOpened },
      verdictSeconds: verdictSeconds.raw(),
      commitSeconds: commitSeconds.raw(),
    }),
    absorb(now, before) {
      addSince(shares, now.shares, before?.shares);
      addSince(open, now.open, before?.open);
      addSince(everOpened, now.everOpened, before?.everOpened);
      counters.acceptedDifficulty += now.acceptedDifficulty - (before?.acceptedDifficulty ?? 0);
      counters.containedErrors += now.containedErrors - (before?.containedErrors ?? 0);
      verdictSeconds.merge(now.verdictSeconds, before?.verdictSeconds);
      commitSeconds.merge(now.commitSeconds, before?.commitSeconds);
    },
    async text() {
      for (const refresh of refreshes) refresh();
      return registry.metrics();
    },
  };
}

function addSince<K extends string>(
  to: Record<K, number>,
  now: Readonly<Record<K, number>>,
  before: Readonly<Record<K, number>> | undefined,
): void {
  for (const key of Object.keys(now) as K[]) to[key] += now[key] - (before?.[key] ?? 0);
}

function zeros<K extends string>(keys: readonly K[]): Record<K, number> {
  return Object.fromEntries(keys.map((key) => [key, 0])) as Record<K, number>;
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

function registerCounter(
  registry: Registry,
  name: string,
  help: string,
  values: Record<string, number>,
  key: string,
): void {
  new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      this.reset();
      this.inc(values[key] ?? 0);
    },
  });
}

function registerLabelled(
  registry: Registry,
  name: string,
  help: string,
  label: string,
  values: Readonly<Record<string, number>>,
  kind: 'counter' | 'gauge' = 'counter',
): void {
  new (kind === 'gauge' ? Gauge : Counter)<string>({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      this.reset();
      for (const [key, value] of Object.entries(values)) this.inc({ [label]: key }, value);
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
