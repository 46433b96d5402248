import { blocksBefore } from '#books/ledger/read/block-questions';
import type { Context } from '../v1/context.ts';
import { type HistoryRow, sqlText, sqlTime } from '../v1/history.ts';

/** Of a share at difficulty 1. */
export const HASHES_PER_DIFFICULTY = 2 ** 32;
const FRESH_MS = 5_000;

/** Windows as ckpool names them, seconds. */
export const WINDOWS = {
  '1m': 60,
  '5m': 300,
  '15m': 900,
  '1hr': 3_600,
  '6hr': 21_600,
  '1d': 86_400,
  '7d': 604_800,
} as const;
export type Window = keyof typeof WINDOWS;

/** What ClickHouse knows of somebody. */
export interface Figures {
  /** Accepted work in each window, ending now. */
  readonly work: Readonly<Record<Window, number>>;
  /** Accepted shares in each window. */
  readonly shares: Readonly<Record<Window, number>>;
  readonly totalWork: number;
  /** Since the pool's newest block, or for a week if that was longer ago; by minutes. */
  readonly workOfRound: number;
  /** Undefined if there was no share. */
  readonly firstMs: number | undefined;
  readonly lastMs: number | undefined;
  readonly bestEver: number;
  /** Since the pool's newest block. */
  readonly bestOfRound: number;
}

/** The moment that questions are about: the same for some seconds, so that who asks the same gets one answer. */
export function momentMs({ clock }: Pick<Context, 'clock'>): number {
  return Math.ceil(clock.nowMs() / FRESH_MS) * FRESH_MS;
}

/** When the newest block of the pool was found; 0 if there is none. */
export async function roundBeginMs({ books }: Pick<Context, 'books'>): Promise<number> {
  const [newest] = await books.ask(['newest block'], (database) =>
    blocksBefore(database, { before: undefined, count: 1 }),
  );
  return newest?.foundMs ?? 0;
}

type Sources = Pick<Context, 'history' | 'books' | 'clock'>;

/** The figures of the pool. */
export async function poolFigures(sources: Sources): Promise<Figures> {
  const rows = await ask(sources, "''", "account != ''");
  return figuresOf(rows.get(''));
}

/** The figures of an account by worker; empty if nobody ever mined for it. */
export async function workerFigures(sources: Sources, account: string): Promise<ReadonlyMap<string, Figures>> {
  const rows = await ask(sources, 'worker', `account = ${sqlText(account)}`);
  return new Map([...rows].map(([worker, row]) => [worker, figuresOf(row)]));
}

/** Figures of several as one. */
export function sumOf(all: Iterable<Figures>): Figures {
  return [...all].reduce(
    (a, b) => ({
      work: added(a.work, b.work),
      shares: added(a.shares, b.shares),
      totalWork: a.totalWork + b.totalWork,
      workOfRound: a.workOfRound + b.workOfRound,
      firstMs: least(a.firstMs, b.firstMs),
      lastMs: Math.max(a.lastMs ?? 0, b.lastMs ?? 0) || undefined,
      bestEver: Math.max(a.bestEver, b.bestEver),
      bestOfRound: Math.max(a.bestOfRound, b.bestOfRound),
    }),
    figuresOf(undefined),
  );
}

function added(a: Figures['work'], b: Figures['work']): Figures['work'] {
  return eachWindow((window) => a[window] + b[window]);
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

function eachWindow(figure: (window: Window) => number): Readonly<Record<Window, number>> {
  const names = Object.keys(WINDOWS) as Window[];
  return Object.fromEntries(names.map((name) => [name, figure(name)])) as Record<Window, number>;
}

/** Up to an hour from the shares themselves, what is longer from the rollups of minutes and hours. */
async function ask(sources: Sources, by: string, where: string): Promise<Map<string, HistoryRow>> {
  const { history } = sources;
  const nowMs = momentMs(sources);
  const since = (seconds: number): string => `time > ${sqlTime(nowMs - seconds * 1000)}`;
  const sums = (names: readonly Window[], shares: (when: string) => string): string =>
    names
      .map((name) => [name, since(WINDOWS[name])] as const)
      .map(([name, when]) => `sumIf(work, ${when}) AS w${name}, ${shares(when)} AS s${name}`)
      .join(', ');
  const counted = (when: string): string => `countIf(${when})`;
  const summed = (when: string): string => `sumIf(accepted, ${when})`;
  const begin = await roundBeginMs(sources);
  const [recent, minutes, hours] = await Promise.all([
    history.ask(
      `SELECT ${by} AS name, ${sums(['1m', '5m', '15m', '1hr'], counted)},
         toString(toUnixTimestamp64Milli(max(time))) AS last_ms
       FROM shares WHERE ${where} AND verdict = 'accepted' AND ${since(WINDOWS['1hr'])} GROUP BY name LIMIT 2000`,
      FRESH_MS,
    ),
    history.ask(
      `SELECT ${by} AS name, ${sums(['6hr', '1d'], summed)},
         maxIf(best_difficulty, time >= toStartOfMinute(${sqlTime(begin)})) AS best_of_round,
         sumIf(work, time >= toStartOfMinute(${sqlTime(begin)})) AS work_of_round
       FROM hashrate_1m WHERE ${where} AND time > least(${sqlTime(nowMs - WINDOWS['1d'] * 1000)}, ${sqlTime(begin)})
         AND time > ${sqlTime(nowMs - WINDOWS['7d'] * 1000)} GROUP BY name LIMIT 2000`,
      FRESH_MS,
    ),
    history.ask(
      `SELECT ${by} AS name, ${sums(['7d'], summed)}, sum(work) AS total_work,
         max(best_difficulty) AS best_ever, toString(min(toUnixTimestamp(time))) AS first_s,
         toString(maxIf(toUnixTimestamp(time), accepted > 0)) AS last_s
       FROM hashrate_1h WHERE ${where} GROUP BY name LIMIT 2000`,
      FRESH_MS,
    ),
  ]);
  const merged = new Map<string, HistoryRow>();
  for (const row of [...hours, ...minutes, ...recent]) {
    const name = String(row['name']);
    merged.set(name, { ...merged.get(name), ...row });
  }
  return merged;
}

function figuresOf(row: HistoryRow | undefined): Figures {
  const number = (name: string): number => Number(row?.[name] ?? 0);
  const lastMs = number('last_ms') || number('last_s') * 1000;
  return {
    work: eachWindow((name) => number(`w${name}`)),
    shares: eachWindow((name) => number(`s${name}`)),
    totalWork: number('total_work'),
    workOfRound: number('work_of_round'),
    firstMs: row === undefined ? undefined : number('first_s') * 1000 || undefined,
    lastMs: lastMs || undefined,
    bestEver: number('best_ever'),
    bestOfRound: number('best_of_round'),
  };
}

/** Hashes a second over a window. */
export function rateOf({ work }: Figures, window: Window): number {
  return work[window] / WINDOWS[window];
}

/** Session numbers as hex digits: programs of other pools take them for texts. */
export function sessionText(session: string): string {
  return BigInt(session).toString(16).padStart(8, '0');
}

/** The rate of difficulty-1 shares that a work is. */
export function difficultyOf(work: number): number {
  return work / HASHES_PER_DIFFICULTY;
}
