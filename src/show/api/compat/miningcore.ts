import { z } from 'zod';
import { limits } from '#base/limits';
import { balanceOf, balanceOfAll, paidSince } from '#books/ledger/read/account-questions';
import { type BlockSummary, blockCounts, blocksBefore } from '#books/ledger/read/block-questions';
import { payoutsOf } from '#books/ledger/read/payout-questions';
import { problem } from '../problem.ts';
import type { Context } from '../v1/context.ts';
import { type Endpoint, endpoint, OtherAnswer } from '../v1/endpoint.ts';
import { sqlTime } from '../v1/history.ts';
import { count, hash, iso, noParams, time } from '../v1/shapes.ts';
import { unknownAddress } from '../v1/unknown-address.ts';
import { momentMs, poolFigures, rateOf, roundBeginMs, sumOf, WINDOWS, workerFigures } from './figures.ts';

/** The one pool that there is. */
const POOL_ID = 'sluice';
const SATS_PER_COIN = 1e8;
const TOP_MINERS = 15;
const BLOCKS_MAX = 100;
const DAY_MS = 86_400_000;
const HASHES_PER_DIFFICULTY = 2 ** 32;
const SCHEMES = { pplns: 'PPLNS', prop: 'PROP', pps: 'PPS', fpps: 'FPPS', solo: 'SOLO' } as const;
const CHAIN_NAMES = { main: 'Main', testnet4: 'Testnet4', signet: 'Signet', regtest: 'Regtest' } as const;

const poolId = z.string().refine((id) => id === POOL_ID, `the pool’s id is ${POOL_ID}`);
const coins = z.number().nonnegative();
const minerRow = z.strictObject({ miner: z.string(), hashrate: z.number(), sharesPerSecond: z.number() });
const effort = z.number().nonnegative().nullable();
const poolShape = z.strictObject({
  id: z.literal(POOL_ID),
  coin: z.strictObject({
    type: z.string(),
    name: z.string(),
    symbol: z.string(),
    website: z.string(),
    family: z.string(),
    algorithm: z.string(),
    canonicalName: z.string(),
  }),
  ports: z.record(z.string(), z.strictObject({ listenAddress: z.string(), difficulty: z.number(), tls: z.boolean() })),
  paymentProcessing: z.strictObject({ enabled: z.boolean(), minimumPayment: coins, payoutScheme: z.string() }),
  poolFeePercent: z.number(),
  address: z.string(),
  addressInfoLink: z.null(),
  poolStats: z.strictObject({
    lastPoolBlockTime: time.nullable(),
    connectedMiners: count,
    poolHashrate: z.number(),
    sharesPerSecond: z.number(),
  }),
  networkStats: z.strictObject({
    networkType: z.string(),
    networkHashrate: z.null(),
    networkDifficulty: z.number(),
    blockHeight: count,
    connectedPeers: z.null(),
    rewardType: z.string(),
  }),
  topMiners: z.array(minerRow),
  totalPaid: coins,
  totalBlocks: count,
  lastPoolBlockTime: time.nullable(),
  poolEffort: effort,
});
const blockShape = z.strictObject({
  poolId: z.literal(POOL_ID),
  blockHeight: count,
  networkDifficulty: z.number().nullable(),
  status: z.enum(['pending', 'confirmed', 'orphaned']),
  type: z.literal('block'),
  confirmationProgress: z.number().min(0).max(1),
  effort,
  transactionConfirmationData: hash,
  reward: coins,
  infoLink: z.null(),
  hash,
  miner: z.string(),
  source: z.string(),
  created: time,
});
const performance = z.strictObject({
  created: time,
  workers: z.record(z.string(), z.strictObject({ hashrate: z.number(), sharesPerSecond: z.number() })),
});

/** A decimal of coins, as this shape has them; the API's own figures are satoshis. */
const coinsOf = (sats: bigint): number => Number(sats) / SATS_PER_COIN;

const common = { group: 'compatible', query: z.object({}), freshSeconds: 5 } as const;

/** The shapes of Miningcore. */
export function miningcore(context: Context): readonly Endpoint[] {
  const list = endpoint({
    ...common,
    path: '/api/pools',
    summary: 'The pool as Miningcore shows it',
    description: 'Rates in H/s over ten minutes, amounts in coins. What the pool does not ask its node for is null.',
    params: noParams,
    response: z.strictObject({ pools: z.array(poolShape) }),
    cost: 2 * limits.apiHistoryCost,
    async answer() {
      const shown = await poolOf(context);
      return shown instanceof OtherAnswer ? shown : { pools: [shown] };
    },
  });
  const one = endpoint({
    ...common,
    path: '/api/pools/{id}',
    summary: 'One pool as Miningcore shows it',
    description: `As in /api/pools; the pool’s id is ${POOL_ID}.`,
    params: z.strictObject({ id: poolId }),
    response: z.strictObject({ pool: poolShape }),
    cost: 2 * limits.apiHistoryCost,
    async answer() {
      const shown = await poolOf(context);
      return shown instanceof OtherAnswer ? shown : { pool: shown };
    },
  });
  return [list, one, blocks(context), miner(context)];
}

async function poolOf(context: Context) {
  const { books, terms, network, pool } = context;
  const [now, figures, top, begin, paid, counts] = await Promise.all([
    pool(),
    poolFigures(context),
    topMiners(context),
    roundBeginMs(context),
    books.ask(['balances'], balanceOfAll),
    books.ask(['block counts'], blockCounts),
  ]);
  if (now.job === null || now.hashrate === null) {
    return new OtherAnswer(problem('503 Service Unavailable', now.hashrateReason ?? 'there is no work yet'));
  }
  const { networkDifficulty, height } = now.job;
  const last = begin === 0 ? null : iso(begin);
  return {
    id: POOL_ID,
    coin: {
      type: 'BTC',
      name: 'Bitcoin',
      symbol: 'BTC',
      website: 'https://bitcoin.org',
      family: 'bitcoin',
      algorithm: 'SHA256D',
      canonicalName: 'Bitcoin',
    },
    ports: Object.fromEntries(
      terms.ports.map(({ port, tls }) => [
        String(port),
        { listenAddress: '*', difficulty: terms.startDifficulty, tls },
      ]),
    ),
    paymentProcessing: {
      enabled: terms.isScheduled,
      minimumPayment: coinsOf(BigInt(terms.minimumSats)),
      payoutScheme: SCHEMES[terms.scheme],
    },
    poolFeePercent: terms.feePercent,
    address: terms.address,
    addressInfoLink: null,
    poolStats: {
      lastPoolBlockTime: last,
      connectedMiners: now.workers,
      poolHashrate: now.hashrate['10m'],
      sharesPerSecond: figures.shares['5m'] / WINDOWS['5m'],
    },
    networkStats: {
      networkType: CHAIN_NAMES[network],
      networkHashrate: null,
      networkDifficulty,
      blockHeight: height,
      connectedPeers: null,
      rewardType: 'POW',
    },
    topMiners: top,
    totalPaid: coinsOf(paid.paidSats),
    totalBlocks: counts.found + counts.confirmed + counts.mature,
    lastPoolBlockTime: last,
    poolEffort: await effortSince(context, begin, networkDifficulty),
  } as const;
}

async function topMiners(context: Context) {
  const nowMs = momentMs(context);
  const rows = await context.history.ask(
    `SELECT account, sum(work) AS done, sum(accepted) AS taken FROM hashrate_1m
     WHERE time > ${sqlTime(nowMs - 3_600_000)} AND account != '' GROUP BY account HAVING done > 0
     ORDER BY done DESC, account LIMIT ${TOP_MINERS}`,
    5_000,
  );
  return rows.map((row) => ({
    miner: String(row['account']),
    hashrate: Number(row['done']) / 3_600,
    sharesPerSecond: Number(row['taken']) / 3_600,
  }));
}

/** The work of the round that goes on now, as a part of what a block takes on average. By minutes. */
async function effortSince({ history }: Context, beginMs: number, networkDifficulty: number): Promise<number | null> {
  const [row] = await history.ask(`SELECT sum(work) AS done FROM hashrate_1m WHERE time > ${sqlTime(beginMs)}`, 5_000);
  return row === undefined ? null : Number(row['done']) / (networkDifficulty * HASHES_PER_DIFFICULTY);
}

function blocks({ books, terms }: Context): Endpoint {
  return endpoint({
    ...common,
    path: '/api/pools/{id}/blocks',
    summary: 'Blocks as Miningcore shows them',
    description: `The newest ${BLOCKS_MAX}, highest first. The effort of each is null here: /api/v1/rounds has it.`,
    params: z.strictObject({ id: poolId }),
    response: z.array(blockShape),
    cost: 1,
    async answer() {
      const page = { before: undefined, count: BLOCKS_MAX };
      const rows = await books.ask(['blocks', page], (database) => ({
        rows: blocksBefore(database, page),
        counts: blockCounts(database),
      }));
      return rows.rows.map((block) => blockOf(block, terms.confirmations));
    },
  });
}

function blockOf(block: BlockSummary, confirmations: number) {
  const statuses = { found: 'pending', confirmed: 'pending', mature: 'confirmed', orphaned: 'orphaned' } as const;
  return {
    poolId: POOL_ID,
    blockHeight: block.height,
    networkDifficulty: block.networkWork === undefined ? null : Number(block.networkWork) / HASHES_PER_DIFFICULTY,
    status: statuses[block.status],
    type: 'block',
    confirmationProgress: block.status === 'mature' ? 1 : Math.min(1, block.confirmations / confirmations),
    effort: null,
    transactionConfirmationData: block.hash,
    reward: coinsOf(block.rewardSats),
    infoLink: null,
    hash: block.hash,
    miner: block.finder,
    source: '',
    created: iso(block.foundMs),
  } as const;
}

function miner(context: Context): Endpoint {
  const { books, accountOf, clock } = context;
  return endpoint({
    ...common,
    path: '/api/pools/{id}/miners/{address}',
    summary: 'A miner as Miningcore shows it',
    description:
      'Amounts in coins; pendingBalance is owed and payable, pendingShares the miner’s accepted difficulty since the pool’s newest block, by minutes.',
    params: z.strictObject({ id: poolId, address: z.string().min(1).max(limits.apiNameCharsMax) }),
    response: z.strictObject({
      pendingShares: z.number(),
      pendingBalance: coins,
      totalPaid: coins,
      todayPaid: coins,
      lastPayment: time.nullable(),
      lastPaymentLink: z.null(),
      performance: performance.nullable(),
      performanceSamples: z.array(performance),
    }),
    cost: 2 * limits.apiHistoryCost,
    async answer({ params: { address } }) {
      const account = accountOf(address);
      if (account === undefined) return unknownAddress();
      const todayMs = Math.floor(clock.nowMs() / DAY_MS) * DAY_MS;
      const [workers, owed] = await Promise.all([
        workerFigures(context, account),
        books.ask(['miningcore', account, todayMs], (database) => ({
          balance: balanceOf(database, account),
          today: paidSince(database, account, todayMs),
          last: payoutsOf(database, account, { before: undefined, count: 1 })[0],
        })),
      ]);
      const { balance, today, last } = owed;
      const now = {
        created: iso(momentMs(context)),
        workers: Object.fromEntries(
          [...workers].map(([name, figures]) => [
            name,
            { hashrate: rateOf(figures, '15m'), sharesPerSecond: figures.shares['15m'] / WINDOWS['15m'] },
          ]),
        ),
      };
      return {
        pendingShares: sumOf(workers.values()).workOfRound / HASHES_PER_DIFFICULTY,
        pendingBalance: coinsOf(balance.payableSats),
        totalPaid: coinsOf(balance.paidSats),
        todayPaid: coinsOf(today),
        lastPayment: last === undefined ? null : iso(last.changedMs),
        lastPaymentLink: null,
        performance: workers.size === 0 ? null : now,
        performanceSamples: workers.size === 0 ? [] : [now],
      };
    },
  });
}
