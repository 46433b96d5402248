import { randomUUID } from 'node:crypto';
import type { Happening } from '#base/domain/happening';
import type { Clock } from '#base/domain/ports';
import { insertSettings, quoted, type Warehouse } from './warehouse.ts';

/** Happenings that wait, in the pool and in its child each: some minutes of a flood, and no more memory than a few MB. */
const WAITING_MAX = 10_000;

/** A queue of happenings. What does not fit is counted, and the count comes out as an event. */
export class HappeningQueue {
  readonly #clock: Pick<Clock, 'nowMs'>;
  #rows: Happening[] = [];
  #dropped = 0;

  constructor(clock: Pick<Clock, 'nowMs'>) {
    this.#clock = clock;
  }

  put(happening: Happening): void {
    if (this.#rows.length < WAITING_MAX) this.#rows.push(happening);
    else this.#dropped += 1;
  }

  /** All that wait, oldest first. */
  take(): Happening[] {
    const rows = this.#rows;
    if (this.#dropped > 0) {
      const told = { subject: 'events', detail: 'more happened than could be kept', count: this.#dropped };
      rows.push({ table: 'events', timeMs: this.#clock.nowMs(), kind: 'dropped', ...told });
    }
    this.#rows = [];
    this.#dropped = 0;
    return rows;
  }
}

/** The columns of a row, beside `node`, and its values. */
function rowOf(happening: Happening): readonly (readonly [column: string, value: string])[] {
  const time = `'${new Date(happening.timeMs).toISOString().replace('T', ' ').slice(0, -1)}'`;
  if (happening.table === 'events') {
    const { kind, subject, detail, count } = happening;
    const texts = { kind, subject, detail };
    return [
      ['time', time],
      ...Object.entries(texts).map(([name, text]) => [name, quoted(text)] as const),
      ['count', `${count}`],
    ];
  }
  const { jobId, height, transactions, bytes, feesSats, fetchMs, announceMs } = happening;
  const numbers = { height, transactions, bytes, fees_sats: feesSats, fetch_ms: fetchMs, announce_ms: announceMs };
  return [
    ['time', time],
    ['job_id', quoted(jobId)],
    ...Object.entries(numbers).map(([name, number]) => [name, String(number)] as const),
  ];
}

/**
 * Writes happenings into their tables, those of a table together and each once: a batch is tried under its token until it is in.
 * They are only in memory before: a child that is killed loses what it has not written.
 */
export class HappeningWriter {
  readonly #node: string;
  readonly #warehouse: Warehouse;
  readonly #queue: HappeningQueue;
  /** The statements of the batch under way. */
  #batch: string[] = [];

  constructor(node: string, warehouse: Warehouse, clock: Pick<Clock, 'nowMs'>) {
    this.#node = node;
    this.#warehouse = warehouse;
    this.#queue = new HappeningQueue(clock);
  }

  add(happenings: readonly Happening[]): void {
    for (const happening of happenings) this.#queue.put(happening);
  }

  /** Writes all that wait; rejects if ClickHouse does not take them, and they wait on. */
  async flush(): Promise<void> {
    if (this.#batch.length === 0) this.#batch = this.#statements(this.#queue.take());
    while (this.#batch[0] !== undefined) {
      await this.#warehouse.command(this.#batch[0]);
      this.#batch.shift();
    }
  }

  #statements(happenings: readonly Happening[]): string[] {
    return (['templates', 'events'] as const).flatMap((table) => {
      const rows = happenings.filter((happening) => happening.table === table).map(rowOf);
      const [first] = rows;
      if (first === undefined) return [];
      const values = rows.map((row) => `(${[quoted(this.#node), ...row.map(([, value]) => value)].join(', ')})`);
      return [
        `INSERT INTO ${this.#warehouse.database}.${table} (${['node', ...first.map(([column]) => column)].join(', ')})
         SETTINGS ${insertSettings(`${table}/${randomUUID()}`)} VALUES ${values.join(', ')}`,
      ];
    });
  }
}
