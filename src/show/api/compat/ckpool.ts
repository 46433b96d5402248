import { z } from 'zod';
import { limits } from '#base/limits';
import { problem } from '../problem.ts';
import type { Context } from '../v1/context.ts';
import { type Endpoint, endpoint, OtherAnswer } from '../v1/endpoint.ts';
import { sqlTime } from '../v1/history.ts';
import { addressParams, count, noParams } from '../v1/shapes.ts';
import { unknownAddress } from '../v1/unknown-address.ts';
import {
  difficultyOf,
  type Figures,
  momentMs,
  poolFigures,
  rateOf,
  roundBeginMs,
  sumOf,
  WINDOWS,
  type Window,
  workerFigures,
} from './figures.ts';

const SIGNIFICANT = 3;
const SUFFIXES = ['', 'K', 'M', 'G', 'T', 'P', 'E', 'Z'] as const;

/** Hashes a second as ckpool writes them: three significant digits and a suffix of thousands. Below 1000: whole. */
export function suffixed(rate: number): string {
  let step = 0;
  let value = rate;
  while (value >= 1000 && step < SUFFIXES.length - 1) {
    value /= 1000;
    step += 1;
  }
  if (step === 0) return String(Math.floor(value));
  const decimals = Math.max(0, SIGNIFICANT - 1 - Math.floor(Math.log10(value)));
  return `${value.toFixed(decimals)}${SUFFIXES[step]}`;
}

const suffix = z.string().regex(/^\d+(?:\.\d+)?[KMGTPEZ]?$/);
const USER_WINDOWS = ['1m', '5m', '1hr', '1d', '7d'] as const satisfies readonly Window[];
const rates = {
  hashrate1m: suffix,
  hashrate5m: suffix,
  hashrate1hr: suffix,
  hashrate1d: suffix,
  hashrate7d: suffix,
};
const workerShape = z.strictObject({
  workername: z.string(),
  ...rates,
  lastshare: count,
  shares: count,
  bestshare: z.number(),
  bestever: count,
});

/** The shapes of ckpool: `/users/{address}` and `/pool/pool.status`. */
export function ckpool(context: Context): readonly Endpoint[] {
  return [user(context), status(context)];
}

function user(context: Context): Endpoint {
  const { accountOf, find } = context;
  return endpoint({
    path: '/users/{address}',
    group: 'compatible',
    summary: 'A miner as ckpool shows it',
    description:
      'Rates are texts with a suffix (H/s), times UNIX seconds, shares in units of difficulty 1. `bestshare` is since the pool’s newest block.',
    params: addressParams,
    query: z.object({}),
    response: z.strictObject({
      ...rates,
      lastshare: count,
      workers: count,
      shares: count,
      bestshare: z.number(),
      bestever: count,
      authorised: count,
      worker: z.array(workerShape),
    }),
    cost: 2 * limits.apiHistoryCost,
    freshSeconds: 5,
    async answer({ params: { address } }) {
      const account = accountOf(address);
      if (account === undefined) return unknownAddress();
      const [workers, now] = await Promise.all([
        workerFigures(context, account),
        find(address, { after: undefined, workersMax: 0 }),
      ]);
      if (workers.size === 0 && now.kind === 'nobody') {
        return new OtherAnswer(problem('404 Not Found', 'nobody has mined for this address'));
      }
      const all = sumOf(workers.values());
      const connected = now.kind === 'found' ? now.view.miner : undefined;
      return {
        ...ratesOf(all),
        lastshare: seconds(all.lastMs),
        workers: connected?.workers ?? 0,
        shares: Math.floor(difficultyOf(all.totalWork)),
        bestshare: all.bestOfRound,
        bestever: Math.floor(all.bestEver),
        authorised: seconds(connected?.sinceMs ?? all.firstMs),
        worker: [...workers]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, figures]) => ({
            workername: name === '' ? account : `${account}.${name}`,
            ...ratesOf(figures),
            lastshare: seconds(figures.lastMs),
            shares: Math.floor(difficultyOf(figures.totalWork)),
            bestshare: figures.bestOfRound,
            bestever: Math.floor(figures.bestEver),
          })),
      };
    },
  });
}

function ratesOf(figures: Figures) {
  const texts = USER_WINDOWS.map((window) => [`hashrate${window}`, suffixed(rateOf(figures, window))] as const);
  return Object.fromEntries(texts) as Record<`hashrate${(typeof USER_WINDOWS)[number]}`, string>;
}

function seconds(ms: number | undefined): number {
  return Math.floor((ms ?? 0) / 1000);
}

function status(context: Context): Endpoint {
  return endpoint({
    path: '/pool/pool.status',
    group: 'compatible',
    summary: 'The pool as ckpool shows it',
    description:
      'Three JSON objects, one a line. `diff` is what this round has worked, in % of the network’s difficulty; `accepted` and `rejected` are of this round, in units of difficulty 1.',
    params: noParams,
    query: z.object({}),
    response: z.string(),
    mediaType: 'text/plain',
    cost: 2 * limits.apiHistoryCost,
    freshSeconds: 5,
    answer: async () =>
      new OtherAnswer({
        status: '200 OK',
        type: 'text/plain; charset=utf-8',
        body: (await statusLines(context)).map((line) => `${JSON.stringify(line)}\n`).join(''),
        freshSeconds: 5,
      }),
  });
}

/** Who counts as idle: a worker without an accepted share for so long. */
const IDLE_S = 600;

async function statusLines(context: Context) {
  const { pool, clock } = context;
  const [figures, crowd, now] = await Promise.all([poolFigures(context), crowdOf(context), pool()]);
  const rate = (window: Window): string => suffixed(rateOf(figures, window));
  const perSecond = (window: Window): number => Number((figures.shares[window] / WINDOWS[window]).toPrecision(3));
  const difficulty = now.job?.networkDifficulty ?? Number.NaN;
  return [
    {
      runtime: now.uptimeSeconds,
      lastupdate: Math.floor(clock.nowMs() / 1000),
      Users: crowd.users,
      Workers: now.workers,
      Idle: Math.max(0, now.workers - crowd.busyWorkers),
      Disconnected: crowd.gone,
    },
    Object.fromEntries((Object.keys(WINDOWS) as Window[]).map((window) => [`hashrate${window}`, rate(window)])),
    {
      // NaN is null in JSON: there is no job.
      diff: Number(((crowd.accepted / difficulty) * 100).toFixed(1)),
      accepted: Math.floor(crowd.accepted),
      rejected: Math.floor(crowd.rejected),
      bestshare: Math.floor(figures.bestOfRound),
      SPS1m: perSecond('1m'),
      SPS5m: perSecond('5m'),
      SPS15m: perSecond('15m'),
      SPS1h: perSecond('1hr'),
    },
  ];
}

async function crowdOf(context: Context) {
  const nowMs = momentMs(context);
  const since = (secs: number): string => sqlTime(nowMs - secs * 1000);
  const begin = await roundBeginMs(context);
  const [[crowd], [round]] = await Promise.all([
    context.history.ask(
      `SELECT toString(uniqIf(account, time > ${since(3_600)})) AS users, toString(uniq(account)) AS week,
         toString(uniqIf((account, worker), time > ${since(IDLE_S)})) AS busy
       FROM hashrate_1m WHERE time > ${since(WINDOWS['7d'])} AND accepted > 0 AND account != ''`,
      5_000,
    ),
    context.history.ask(
      `SELECT sumIf(work, verdict = 'accepted') AS done, sumIf(work, verdict != 'accepted') AS refused
       FROM shares WHERE time > ${sqlTime(begin)}`,
      5_000,
    ),
  ]);
  const users = Number(crowd?.['users'] ?? 0);
  return {
    users,
    gone: Number(crowd?.['week'] ?? 0) - users,
    busyWorkers: Number(crowd?.['busy'] ?? 0),
    accepted: difficultyOf(Number(round?.['done'] ?? 0)),
    rejected: difficultyOf(Number(round?.['refused'] ?? 0)),
  };
}
