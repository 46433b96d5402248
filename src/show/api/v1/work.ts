import { z } from 'zod';
import { addressOfScript } from '#base/bitcoin/address';
import { fromHex, toHex } from '#base/bitcoin/bytes';
import { readCoinbase } from '#base/bitcoin/coinbase-reader';
import { blockSubsidySats } from '#base/bitcoin/subsidy';
import { EXTRANONCE1_BYTES, EXTRANONCE2_BYTES, VARIANT_BYTES } from '#base/domain/job';
import { limits } from '#base/limits';
import type { JobReport } from '../job-report.ts';
import { problem } from '../problem.ts';
import type { Context } from './context.ts';
import { type Endpoint, endpoint, OtherAnswer } from './endpoint.ts';
import { sqlTime } from './history.ts';
import { count, difficulty, hash, hexBytes, iso, limit, noParams, noQuery, range, sats, time } from './shapes.ts';
import { timeRange } from './time-range.ts';

const HOUR_MS = 3_600_000;
/** What is missing between coinb1 and coinb2. */
const HOLE_BYTES = VARIANT_BYTES + EXTRANONCE1_BYTES + EXTRANONCE2_BYTES;
/** OP_RETURN, a push of 36 bytes, and the commitment's header (BIP141). */
const COMMITMENT = '6a24aa21a9ed';
/** OP_RETURN. */
const DATA = '6a';
/** Consensus (BIP141). */
const BLOCK_WEIGHT_MAX = 4_000_000;
/** Header and count of transactions, without witness: four times their bytes. */
const WEIGHT_PER_BYTE = 4;
const HEADER_BYTES = 80;

const output = z.strictObject({
  sats,
  address: z.string().nullable(),
  kind: z.enum(['payment', 'witness-commitment', 'data']),
  script: hexBytes,
});

/** What miners work on. */
export function work({ network, job, history, clock }: Context): readonly Endpoint[] {
  const current = endpoint({
    path: '/api/v1/jobs/current',
    group: 'work',
    summary: 'The job that miners work on, with its coinbase decoded',
    description:
      'The coinbase is coinb1, the job’s variant (two bytes), extranonce1, extranonce2, coinb2; the three in the middle are zeros here. A miner that is paid by its coinbase may have another one.',
    params: noParams,
    query: noQuery,
    response: z.strictObject({
      id: z.string(),
      rowId: z.string().meta({ description: '`job_id` in the tables' }),
      height: count,
      created: time,
      ageSeconds: z.number(),
      cleanJobs: z.boolean(),
      previousHash: hash,
      version: z.string().regex(/^[0-9a-f]{8}$/),
      bits: z.string().regex(/^[0-9a-f]{8}$/),
      networkDifficulty: difficulty,
      minTime: count,
      curTime: count,
      rewardSats: sats,
      subsidySats: sats,
      feesSats: sats,
      transactions: count.meta({ description: 'Beside the coinbase' }),
      transactionsBytes: count,
      weight: count.nullable().meta({ description: 'Of the whole block; null if the node does not say it' }),
      weightMax: count,
      coinbase: z
        .strictObject({
          scriptSigText: z.string().meta({ description: 'Runs of printable ASCII in the scriptSig' }),
          outputs: z.array(output),
          totalSats: sats,
        })
        .nullable(),
      coinb1: hexBytes,
      coinb2: hexBytes,
      merkleBranch: z.array(hexBytes),
    }),
    cost: 1,
    freshSeconds: 1,
    async answer() {
      const report = await job();
      if (report === null) {
        return new OtherAnswer(problem('503 Service Unavailable', 'there is no work yet: the node gave no template'));
      }
      const { weight, createdMs, rewardSats, merkleBranch, ...rest } = report;
      const subsidySats = blockSubsidySats(report.height, network);
      return {
        ...rest,
        created: iso(createdMs),
        ageSeconds: Math.max(0, (clock.nowMs() - createdMs) / 1000),
        merkleBranch: [...merkleBranch],
        rewardSats,
        subsidySats: String(subsidySats),
        feesSats: String(BigInt(rewardSats) - subsidySats),
        weight: weight === null ? null : weight + ownWeight(report),
        weightMax: BLOCK_WEIGHT_MAX,
        coinbase: coinbaseOf(report, network),
      };
    },
  });
  const list = endpoint({
    path: '/api/v1/jobs',
    group: 'work',
    summary: 'Jobs that were made, newest first',
    description: 'One for each template that the pool gave out. Default: the last hour.',
    params: noParams,
    query: z.strictObject({ ...range, limit: limit(1000) }),
    response: z.strictObject({
      jobs: z.array(
        z.strictObject({
          rowId: z.string(),
          created: time,
          height: count,
          previousHash: hash,
          rewardSats: sats,
          transactions: count,
          networkDifficulty: difficulty,
          cleanJobs: z.boolean(),
        }),
      ),
    }),
    cost: limits.apiHistoryCost,
    freshSeconds: 5,
    async answer({ query }) {
      const nowMs = Math.ceil(clock.nowMs() / 5_000) * 5_000;
      const asked = timeRange(query, { nowMs, defaultMs: HOUR_MS, msMax: 31 * 24 * HOUR_MS });
      if (asked instanceof OtherAnswer) return asked;
      const rows = await history.ask(
        `SELECT job_id, toString(toUnixTimestamp64Milli(time)) AS made_ms, height, previous_hash,
           toString(reward_sats) AS reward, transactions, network_difficulty, clean FROM jobs
         WHERE time >= ${sqlTime(asked.fromMs)} AND time < ${sqlTime(asked.toMs)}
         ORDER BY time DESC, job_id DESC LIMIT ${query.limit}`,
        5_000,
      );
      return {
        jobs: rows.map((row) => ({
          rowId: String(row['job_id']),
          created: iso(Number(row['made_ms'])),
          height: Number(row['height']),
          previousHash: String(row['previous_hash']),
          rewardSats: String(row['reward']),
          transactions: Number(row['transactions']),
          networkDifficulty: Number(row['network_difficulty']),
          cleanJobs: row['clean'] === true,
        })),
      };
    },
  });
  return [current, list];
}

function coinbaseBytes({ coinb1, coinb2 }: JobReport): string {
  return coinb1 + '00'.repeat(HOLE_BYTES) + coinb2;
}

/** Of the header, the count of transactions and the coinbase with its witness (BIP141: marker, flag, and one item of 32 bytes). */
function ownWeight(report: JobReport): number {
  const count = report.transactions + 1;
  const countBytes = count < 0xfd ? 1 : 3;
  const coinbase = coinbaseBytes(report).length / 2;
  return (HEADER_BYTES + countBytes + coinbase) * WEIGHT_PER_BYTE + 2 + 34;
}

function coinbaseOf(report: JobReport, network: Context['network']) {
  const read = readCoinbase(fromHex(coinbaseBytes(report)) ?? new Uint8Array());
  if (read === undefined) return null;
  return {
    scriptSigText: printable(report.coinb1 + report.coinb2),
    outputs: read.outputs.map(({ script, sats: paid }) => {
      const hex = toHex(script);
      const kind = hex.startsWith(COMMITMENT) ? 'witness-commitment' : hex.startsWith(DATA) ? 'data' : 'payment';
      return { sats: String(paid), address: addressOfScript(script, network) ?? null, kind, script: hex } as const;
    }),
    totalSats: String(read.totalSats),
  };
}

/** Version, count of inputs, outpoint and the length of the scriptSig. */
const BEFORE_SCRIPT_BYTES = 4 + 1 + 36 + 1;

/** Runs of at least four printable characters in the scriptSig of a coinbase without its extranonces. */
function printable(hex: string): string {
  const bytes = fromHex(hex) ?? new Uint8Array();
  const length = (bytes[BEFORE_SCRIPT_BYTES - 1] ?? 0) - HOLE_BYTES;
  const script = Buffer.from(bytes.slice(BEFORE_SCRIPT_BYTES, BEFORE_SCRIPT_BYTES + length)).toString('latin1');
  return (script.match(/[ -~]{4,}/g) ?? []).join(' ');
}
