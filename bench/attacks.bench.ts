import { setTimeout as sleep } from 'node:timers/promises';
import { Attack, type AttackOptions, CostlyRequests, connectTimesMs, quantile } from './attack-load.ts';
import { BadNeighbours } from './bad-neighbours.ts';
import { Bursts } from './bursts.ts';
import { type BenchContext, runBenchmark } from './run/benchmark.ts';
import { connectionsPossible } from './run/files.ts';
import { IdleConnections, load } from './run/load.ts';
import type { Size } from './run/options.ts';
import { type PoolServer, startPool } from './run/pool.ts';

interface Plan {
  readonly seconds: number;
  readonly connects: number;
  readonly jobs: number;
  readonly dripping: number;
  readonly silent: number;
  readonly slow: number;
}

const plans: Readonly<Record<Size, Plan>> = {
  quick: { seconds: 10, connects: 200, jobs: 5, dripping: 10_000, silent: 5000, slow: 1000 },
  normal: { seconds: 15, connects: 1000, jobs: 15, dripping: 10_000, silent: 20_000, slow: 5000 },
  full: { seconds: 30, connects: 3000, jobs: 40, dripping: 10_000, silent: 20_000, slow: 5000 },
};

/** Addresses that an attack comes from. */
const ADDRESSES = 100;
const FLOOD_PER_SECOND = 100_000;
const CUTS_PER_SECOND = 2000;
/** Honest miners: their shares a second in total, and the maximum of pending shares per miner. */
const HONEST = { transport: 'tcp', connections: 64, inFlight: 16, rate: 500 } as const;
const HONEST_LISTENERS = 1000;
const SETTLE_MS = 2000;
/** Logins beside bad neighbours: each may have to wait a quarter of a second. */
const LOGINS = 20;
/** Addresses that ask over HTTP, each the next as soon as it has an answer. */
const ASKING = 16;
/** Attackers that send frames or requests as fast as their sockets permit. */
const BLASTING = 8;

type Scenario = (pool: PoolServer, plan: Plan, context: BenchContext) => Promise<void>;

const scenarios: readonly Scenario[] = [
  shareFlood,
  dripFeed,
  silentSockets,
  slowReaders,
  handshakeCuts,
  burstsElsewhere,
  burstsBeside,
  badNeighbours,
  pingFrames,
  pipelinedRequests,
  costlyRequests,
];

await runBenchmark({
  name: 'attacks',
  question: 'What do honest miners notice while others attack, from a hundred addresses?',
  excludes:
    'the network. Attackers, honest miners and pool share the cores. Limits and bans are the defaults, and hold for the honest too',
  columns: [
    { name: 'p50Ms', title: 'honest p50 ms', digits: 2 },
    { name: 'p99Ms', title: 'honest p99 ms', digits: 2 },
    { name: 'attacksPerSecond', title: 'attacks/s', digits: 0 },
    { name: 'kibPerPeer', title: 'KiB/peer', digits: 1 },
    { name: 'open', title: 'still open', digits: 0 },
  ],
  steps: () => scenarios.length,
  async run(context) {
    for (const scenario of scenarios) {
      context.progress.step(scenario.name);
      const refreshSeconds = scenario === slowReaders ? 1 : 600;
      const pool = await startPool({ name: 'sluice', guarded: true, refreshSeconds });
      await scenario(pool, plans[context.size], context);
      await pool.close();
    }
  },
});

/** A line under the table: the bar, and the result. */
function bar({ note }: BenchContext, promise: string, value: number, most: number): void {
  const figure = value.toLocaleString('en', { maximumFractionDigits: 1 });
  note(`bar: ${promise}: ${figure}${value <= most ? '' : ' (MISSED)'}`);
}

/** No honest share may be lost either: `load` throws then. */
async function shareFlood(pool: PoolServer, { seconds }: Plan, context: BenchContext): Promise<void> {
  const { samples } = context;
  const workload = `share flood: ${FLOOD_PER_SECOND} bad submits/s wanted, beside ${HONEST.rate} honest`;
  const alone = await load(pool, { ...HONEST, seconds });
  samples.add(workload, 'without', { p50Ms: alone.p50Ms, p99Ms: alone.p99Ms });
  const options = { kind: 'flood', peers: ADDRESSES, addresses: ADDRESSES, rate: FLOOD_PER_SECOND } as const;
  const attacking = Attack.begin(pool, { ...options, secondsMax: seconds * 10 });
  const beside = await load(pool, { ...HONEST, seconds });
  const { submits, closed, seconds: lasted, open } = await (await attacking).end();
  samples.add(workload, 'with', { p50Ms: beside.p50Ms, p99Ms: beside.p99Ms, attacksPerSecond: submits / lasted, open });
  samples.add('  connections of the banned that were ended', 'with', { attacksPerSecond: closed / lasted });
  bar(context, 'share flood, honest p99 ≤ 50 ms, no honest share lost', beside.p99Ms, 50);
}

async function dripFeed(pool: PoolServer, { dripping, connects }: Plan, context: BenchContext): Promise<void> {
  const { samples } = context;
  const peers = connectionsPossible(dripping);
  const workload = `drip feed: ${peers} peers, each 8,000 bytes into a line; honest: until there is work`;
  const alone = await connectTimesMs(pool, connects);
  samples.add(workload, 'without', { p50Ms: quantile(alone, 0.5), p99Ms: quantile(alone, 0.99) });
  await sleep(SETTLE_MS);
  const before = pool.tree().rssBytes;
  const attack = await Attack.begin(pool, { kind: 'drip', peers, addresses: ADDRESSES, secondsMax: 60 });
  await sleep(SETTLE_MS);
  const kibPerPeer = (pool.tree().rssBytes - before) / peers / 1024;
  const beside = await connectTimesMs(pool, connects);
  const { open } = await attack.end();
  const times = { p50Ms: quantile(beside, 0.5), p99Ms: quantile(beside, 0.99) };
  samples.add(workload, 'with', { kibPerPeer, open, ...times });
  bar(context, 'drip feed, KiB of resident memory a peer ≤ 16', kibPerPeer, 16);
}

/** Silence ends after 15 s; the attackers come back then. */
async function silentSockets(pool: PoolServer, plan: Plan, context: BenchContext): Promise<void> {
  const peers = connectionsPossible(plan.silent);
  const workload = `silent sockets: ${peers}; honest: until there is work`;
  const p99Ms = await connectsBeside(pool, plan, context, workload, { kind: 'silent', peers });
  bar(context, `silent sockets, honest connect to work p99 < 1,000 ms beside ${peers}`, p99Ms, 1000);
}

async function handshakeCuts(pool: PoolServer, plan: Plan, context: BenchContext): Promise<void> {
  const workload = `logins cut at every byte, ${CUTS_PER_SECOND}/s wanted; honest: until there is work`;
  const p99Ms = await connectsBeside(pool, plan, context, workload, { kind: 'cut', peers: 64, rate: CUTS_PER_SECOND });
  bar(context, 'handshake cuts, every next client served, p99 < 1,000 ms', p99Ms, 1000);
}

/** Returns the p99 during the attack. Throws if an honest client is refused. */
async function connectsBeside(
  pool: PoolServer,
  { connects }: Plan,
  { samples }: BenchContext,
  workload: string,
  attacking: Pick<AttackOptions, 'kind' | 'peers' | 'rate'>,
): Promise<number> {
  const alone = await connectTimesMs(pool, connects);
  samples.add(workload, 'without', { p50Ms: quantile(alone, 0.5), p99Ms: quantile(alone, 0.99) });
  const attack = await Attack.begin(pool, { ...attacking, addresses: ADDRESSES, secondsMax: 120 });
  const beside = await connectTimesMs(pool, connects);
  const { open, cuts, seconds } = await attack.end();
  const attacks = attacking.kind === 'cut' ? { attacksPerSecond: cuts / seconds } : { open };
  const p99Ms = quantile(beside, 0.99);
  samples.add(workload, 'with', { p50Ms: quantile(beside, 0.5), p99Ms, ...attacks });
  return p99Ms;
}

async function slowReaders(pool: PoolServer, { slow, jobs }: Plan, context: BenchContext): Promise<void> {
  const { samples } = context;
  const peers = connectionsPossible(slow);
  const workload = `slow readers: ${peers} with a closed window; honest: first → last of ${HONEST_LISTENERS}, ${jobs} jobs`;
  const times = async (): Promise<{ p50Ms: number; p99Ms: number }> => {
    const honest = await IdleConnections.open(pool, HONEST_LISTENERS);
    await honest.firstToLastMs();
    const all: number[] = [];
    for (let job = 0; job < jobs; job += 1) all.push(await honest.firstToLastMs());
    await honest.close();
    return { p50Ms: quantile(all, 0.5), p99Ms: quantile(all, 0.99) };
  };
  const readers = await IdleConnections.open(pool, peers);
  const beside = await times();
  samples.add(workload, 'beside as many who read', beside);
  await readers.close();
  const attack = await Attack.begin(pool, { kind: 'slow', peers, addresses: ADDRESSES, secondsMax: 300 });
  const values = await times();
  const { open } = await attack.end();
  samples.add(workload, 'with', { ...values, open });
  bar(
    context,
    'slow readers, notify p99 of the others ≤ 1.1 × beside as many who read',
    values.p99Ms / beside.p99Ms,
    1.1,
  );
}

async function burstsElsewhere(pool: PoolServer, plan: Plan, context: BenchContext): Promise<void> {
  await sharesBeside(pool, plan, context, 'bursts of 1000 connections at another address', 50, async () => {
    const bursts = new Bursts(pool, '127.7.0.1');
    return () => bursts.end();
  });
}

/** The address owes then, and each of the honest is held for a quarter of a second. */
async function burstsBeside(pool: PoolServer, plan: Plan, context: BenchContext): Promise<void> {
  await sharesBeside(pool, plan, context, 'bursts of 1000 connections at the same address', 1000, async () => {
    const bursts = new Bursts(pool, '127.0.0.1');
    return () => bursts.end();
  });
}

/** At the very address of the honest: none of them may be closed, refused or kept waiting; `load` throws if a share is lost. */
async function badNeighbours(pool: PoolServer, { seconds }: Plan, context: BenchContext): Promise<void> {
  const { samples } = context;
  const workload = `bad neighbours at the same address: browser, monitor, TLS, SSH, V2, bad firmware; ${HONEST.rate} honest shares/s`;
  const logins = '  honest: until there is work';
  const alone = await load(pool, { ...HONEST, seconds });
  samples.add(workload, 'without', { p50Ms: alone.p50Ms, p99Ms: alone.p99Ms });
  const before = await connectTimesMs(pool, LOGINS);
  const neighbours = new BadNeighbours(pool);
  const beganMs = performance.now();
  const running = Promise.all([
    load(pool, { ...HONEST, seconds }),
    sleep(SETTLE_MS).then(() => connectTimesMs(pool, LOGINS)),
  ]);
  const [beside, times] = await running.finally(() => neighbours.end());
  const connections = await neighbours.end();
  const lastedSeconds = (performance.now() - beganMs) / 1000;
  const p99Ms = quantile(times, 0.99);
  samples.add(workload, 'with', {
    p50Ms: beside.p50Ms,
    p99Ms: beside.p99Ms,
    attacksPerSecond: connections / lastedSeconds,
  });
  samples.add(logins, 'without', { p50Ms: quantile(before, 0.5), p99Ms: quantile(before, 0.99) });
  samples.add(logins, 'with', { p50Ms: quantile(times, 0.5), p99Ms });
  bar(context, 'bad neighbours, honest p99 ≤ 50 ms, no honest share lost', beside.p99Ms, 50);
  bar(context, 'bad neighbours, honest connect to work at the same address p99 < 1,000 ms', p99Ms, 1000);
}

/** WebSocket pings: none of them is a message, and each is answered. */
async function pingFrames(pool: PoolServer, plan: Plan, context: BenchContext): Promise<void> {
  await sharesBeside(pool, plan, context, 'WebSocket pings, as many as the sockets take', 50, async () => {
    const options = { kind: 'frames', peers: BLASTING, addresses: BLASTING, port: pool.websocketPort } as const;
    const attack = await Attack.begin(pool, { ...options, secondsMax: plan.seconds * 10 });
    return async () => (await attack.end()).submits;
  });
}

/** HTTP requests that do not wait for their answers, and answers that are never read. */
async function pipelinedRequests(pool: PoolServer, plan: Plan, context: BenchContext): Promise<void> {
  await sharesBeside(pool, plan, context, 'pipelined HTTP requests, as many as the sockets take', 50, async () => {
    const options = { kind: 'pipeline', peers: BLASTING, addresses: BLASTING, port: pool.httpPort } as const;
    const attack = await Attack.begin(pool, { ...options, secondsMax: plan.seconds * 10 });
    return async () => (await attack.end()).submits;
  });
}

/** Each is answered as often as an address may ask, and closed then. */
async function costlyRequests(pool: PoolServer, plan: Plan, context: BenchContext): Promise<void> {
  await sharesBeside(pool, plan, context, `the costliest HTTP requests, from ${ASKING} addresses`, 50, async () => {
    const asking = new CostlyRequests(pool.httpPort, ASKING);
    return () => asking.end();
  });
}

/** `begin` starts an attack and returns a function that ends it and gives the number of attacks. */
async function sharesBeside(
  pool: PoolServer,
  { seconds }: Plan,
  context: BenchContext,
  what: string,
  p99MsMax: number,
  begin: () => Promise<() => Promise<number>>,
): Promise<void> {
  const workload = `${what}; ${HONEST.rate} honest shares/s`;
  const alone = await load(pool, { ...HONEST, seconds });
  context.samples.add(workload, 'without', { p50Ms: alone.p50Ms, p99Ms: alone.p99Ms });
  const began = performance.now();
  const end = await begin();
  const beside = await load(pool, { ...HONEST, seconds });
  const attacks = await end();
  const attacksPerSecond = (attacks * 1000) / (performance.now() - began);
  context.samples.add(workload, 'with', { p50Ms: beside.p50Ms, p99Ms: beside.p99Ms, attacksPerSecond });
  bar(
    context,
    `${what}, honest p99 ≤ ${p99MsMax.toLocaleString('en')} ms, no honest share lost`,
    beside.p99Ms,
    p99MsMax,
  );
}
