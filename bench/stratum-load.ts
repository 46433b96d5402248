import type { BenchContext, Benchmark } from './run/benchmark.ts';
import { besideServers } from './run/beside.ts';
import { type Loaded, type LoadOptions, type LoadResult, load, loadDrawn } from './run/load.ts';
import type { Size } from './run/options.ts';
import { hasGateways, type PoolServer, startPool } from './run/pool.ts';
import type { Server } from './run/server.ts';

/** A number of connections, and how many submits each has under way. */
interface Workload {
  readonly connections: number;
  readonly inFlight: number;
}

const deep: Workload = { connections: 64, inFlight: 8 };
const singles: Workload = { connections: 64, inFlight: 1 };
const workloads: readonly Workload[] = [deep, singles, { connections: 1000, inFlight: 1 }];
/** As many as a full block has: twelve merkle branches. */
const FULL_BLOCK_TRANSACTIONS = 4000;
/** Also measured at a rate that every pool can keep, shares a second. */
const RATE = 5000;
const halfLabel = 'half of sluice’s 64 × 1 rate';
const plans: Readonly<Record<Size, { readonly rounds: number; readonly seconds: number }>> = {
  quick: { rounds: 1, seconds: 1.5 },
  normal: { rounds: 3, seconds: 3 },
  full: { rounds: 5, seconds: 8 },
};
/** Connections of the run at a fixed rate have room for so many shares of a pool that stalls. */
const RATE_IN_FLIGHT = 64;
const WARM_UP_SECONDS = 1;
/** A miner's share rate at the default target. */
const SHARES_PER_MINUTE = 12;

export interface Field {
  readonly transport: LoadOptions['transport'];
  /** The ceilings; the first is what ratios are to. */
  readonly ceilings: () => Promise<readonly Server[]>;
}

const columns: Benchmark['columns'] = [
  { name: 'acceptedPerSecond', title: 'accepted/s', digits: 0 },
  { name: 'ofCeiling', title: 'of echo', digits: 2 },
  { name: 'ofBeside', title: 'of beside', digits: 2, optional: true },
  { name: 'cpuMicrosPerShare', title: 'CPU µs/share', digits: 1 },
  { name: 'cpuOfBeside', title: 'CPU of beside', digits: 2, optional: true },
  { name: 'p50Ms', title: 'p50 ms', digits: 2, bare: true },
  { name: 'p99Ms', title: 'p99 ms', digits: 2 },
];

/** Sluice under valid shares over one transport, compared with echo servers, in turns within each round. */
export function stratumBenchmark(name: string, question: string, field: Field): Benchmark {
  return {
    name,
    question,
    excludes: 'mining (the difficulty is so low that any nonce is a share), the network, the load generator’s own CPU',
    columns,
    takesBeside: true,
    steps: ({ size }) => 1 + plans[size].rounds * (workloads.length + (size === 'quick' ? 1 : 2)),
    run: (context) => run(context, field),
  };
}

async function run(context: BenchContext, { transport, ceilings }: Field): Promise<void> {
  const { size, samples, progress, note } = context;
  const others = besideServers(context.beside, transport);
  const { rounds, seconds } = plans[size];
  progress.step('starting');
  // Blocks are empty, as for other pools that are measured in the same rounds.
  const pools = [await startPool({ name: 'sluice', transactions: 0 })];
  if (hasGateways() && (size !== 'quick' || transport === 'tcp'))
    pools.push(await startPool({ name: 'sluice, 2 gateways', transactions: 0, gateways: 2 }));
  const full = await startPool({ name: 'sluice, full blocks', transactions: FULL_BLOCK_TRANSACTIONS });
  const echoes = await ceilings();
  // The same pool over TCP, to compare the transports.
  const overTcp: Server[] = pools
    .slice(0, transport === 'tcp' ? 0 : 1)
    .map((pool) => ({ ...pool, name: `${pool.name}, over TCP`, transport: 'tcp' }));
  const servers: Server[] = [...pools, ...overTcp, ...others, ...echoes];
  const deepServers: Server[] = [...pools, full, ...overTcp, ...others, ...echoes];
  for (const server of deepServers) {
    await load(server, { transport, connections: 64, inFlight: 8, seconds: WARM_UP_SECONDS });
  }
  for (let round = 0; round < rounds; round += 1) {
    let half = 0;
    for (const workload of workloads) {
      const label = `${workload.connections} × ${workload.inFlight}`;
      progress.step(`round ${round + 1}: ${label} in flight`);
      const measured = workload === deep ? deepServers : servers;
      const results = await inTurn(measured, round, (server) => loadDrawn(server, { transport, ...workload, seconds }));
      const resultOf = (server: Server | undefined) => server && results.get(server)?.result;
      for (const [server, { result, drawn }] of results) {
        samples.add(
          label,
          server.name,
          { ...result, ...ratios(result, resultOf(echoes[0]), resultOf(others[0])) },
          drawn,
        );
        // At a fixed rate each segment has one share, as miners send them, so the rate is half of the 64 × 1 rate.
        if (server === pools[0] && workload === singles) half = result.acceptedPerSecond / 2;
      }
    }
    const rates = size === 'quick' ? [half] : [RATE, half];
    for (const rate of rates) {
      const label = rate === half ? halfLabel : `${RATE.toLocaleString('en')} shares/s`;
      progress.step(`round ${round + 1}: ${label}`);
      const options = { transport, connections: 64, inFlight: RATE_IN_FLIGHT, seconds, rate };
      const results = await inTurn(servers, round, (server) => loadDrawn(server, options));
      const beside = others[0] && results.get(others[0])?.result;
      for (const [server, { result, drawn }] of results) {
        samples.add(label, server.name, { ...result, ...cpuRatio(result, beside) }, drawn);
      }
    }
  }
  await checkRows([...pools, full]);
  note(`Every share was answered as accepted, counted, and is a row in ClickHouse.`);
  const perSecond = samples.median('64 × 8', 'sluice', 'acceptedPerSecond') ?? 0;
  const miners = Math.floor((perSecond * 60) / SHARES_PER_MINUTE / 1000) * 1000;
  note(`At ${SHARES_PER_MINUTE} shares a minute that is the work of ${miners.toLocaleString('en')} miners.`);
  for (const { name } of others) note(`Of the shares given to ${name} only its replies are known.`);
  if (others[0]) note(`“of beside” is the ratio to ${others[0].name} within the round.`);
}

/** The closed-loop rate of each server, as a ratio to the first echo server and to the first other pool, if there is one. */
function ratios(result: LoadResult, ceiling: LoadResult | undefined, beside: LoadResult | undefined) {
  const { acceptedPerSecond } = result;
  return {
    ...(ceiling && { ofCeiling: acceptedPerSecond / ceiling.acceptedPerSecond }),
    ...(beside && { ofBeside: acceptedPerSecond / beside.acceptedPerSecond }),
    ...cpuRatio(result, beside),
  };
}

function cpuRatio({ cpuMicrosPerShare }: LoadResult, beside: LoadResult | undefined) {
  return beside && { cpuOfBeside: cpuMicrosPerShare / beside.cpuMicrosPerShare };
}

/** One after the other; each round begins with another, so that none always comes first. */
async function inTurn(
  servers: readonly Server[],
  round: number,
  measure: (server: Server) => Promise<Loaded>,
): Promise<Map<Server, Loaded>> {
  // In the order of display, independent of the order of measurement.
  const measured = new Map<Server, Loaded>();
  const first = round % servers.length;
  for (const server of [...servers.slice(first), ...servers.slice(0, first)])
    measured.set(server, await measure(server));
  return new Map([...measured].sort(([a], [b]) => servers.indexOf(a) - servers.indexOf(b)));
}

async function checkRows(pools: readonly PoolServer[]): Promise<void> {
  for (const pool of pools) {
    const [accepted, rows] = [await pool.accepted(), await pool.acceptedRows()];
    if (accepted !== rows) throw new Error(`${pool.name}: ${accepted} accepted shares, ${rows} rows in ClickHouse`);
  }
}
