import { createInterface } from 'node:readline';
import type { Clock } from '#base/domain/ports';
import { limits } from '#base/limits';
import { Places } from '#base/std/places';
import { NotRunningError, QueryError, requestQuery } from '#books/analytics/query-client';
import { Unavailable } from '../sources.ts';
import { SharedAnswers } from './shared-answers.ts';

/** A row as JSONEachRow has it: 64-bit integers and larger are asked for as text. */
export type HistoryRow = Readonly<Record<string, string | number | boolean | null>>;

export interface HistoryOptions {
  /** The data folder, on whose socket the analytics process answers. */
  readonly folder: string;
}

/** An SQL text literal. Hex digits, so that nothing in the text is SQL. */
export function sqlText(text: string): string {
  return `unhex('${Buffer.from(text).toString('hex')}')`;
}

/** An SQL point of time, ms since 1970. */
export function sqlTime(ms: number): string {
  return `fromUnixTimestamp64Milli(${Math.trunc(ms)}, 'UTC')`;
}

/**
 * Asks ClickHouse what was. The pool's process has no part in it: the analytics process has a socket of its own. At most
 * `historyQueriesMax` statements run at a time and each has `historyMsMax`; what takes longer is ended in the engine. An answer is
 * given to all who ask the same while it is fresh.
 */
export class History {
  readonly #folder: string;
  readonly #answers: SharedAnswers<readonly HistoryRow[]>;
  readonly #waiting: (() => void)[] = [];
  readonly #places = new Places(limits.historyQueriesMax, {
    startNext: () => {
      const next = this.#waiting.shift();
      next?.();
      return next !== undefined;
    },
  });

  constructor({ folder }: HistoryOptions, { clock }: { readonly clock: Clock }) {
    this.#folder = folder;
    this.#answers = new SharedAnswers({ answersMax: limits.historyAnswersMax }, { clock });
  }

  /** Rejects with Unavailable if ClickHouse does not answer, or not in time. `freshMs`: how old an answer may be. */
  ask(sql: string, freshMs: number): Promise<readonly HistoryRow[]> {
    return this.#answers.get(sql, freshMs, () => this.#inTurn(sql));
  }

  async #inTurn(sql: string): Promise<readonly HistoryRow[]> {
    if (!this.#places.take()) {
      if (this.#waiting.length >= limits.historyWaitingMax) throw new Unavailable('too many questions about history');
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    try {
      return await rowsOf(this.#folder, sql);
    } catch (error) {
      if (error instanceof Unavailable) throw error;
      if (error instanceof NotRunningError) throw new Unavailable('analytics: ClickHouse is not running');
      // The engine's own words may quote the statement.
      if (error instanceof QueryError) throw new Unavailable(`analytics: ${reasonOf(error)}`);
      throw error;
    } finally {
      this.#places.give();
    }
  }
}

/** The reason in one line, without what ClickHouse says of its version and of the place in the statement. */
function reasonOf({ message }: QueryError): string {
  return /off|does not answer|too many/.test(message) ? message.slice(0, 200) : 'ClickHouse can not answer now';
}

async function rowsOf(folder: string, sql: string): Promise<HistoryRow[]> {
  // It closes the connection, which ends the query in the engine.
  const signal = AbortSignal.timeout(limits.historyMsMax);
  try {
    const result = await requestQuery(folder, sql, 'JSONEachRow', { signal });
    const rows: HistoryRow[] = [];
    for await (const line of createInterface({ input: result })) {
      if (line !== '') rows.push(JSON.parse(line) as HistoryRow);
      if (rows.length > limits.historyRowsMax) throw new Unavailable('analytics: the answer is too long; ask for less');
    }
    // The lines end quietly if the result fails half-way.
    if (result.errored) throw result.errored;
    return rows;
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new Unavailable(`analytics: no answer within ${limits.historyMsMax / 1000} s; ask for less`);
  }
}
