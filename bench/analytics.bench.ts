import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { openChdb } from '#books/analytics/chdb-warehouse';
import { migrate, schemaVersion } from '#books/analytics/schema/migrate';
import type { Warehouse } from '#books/analytics/warehouse';
import { shareColumns } from '#shares/sharelog/rows/rows';
import { questions } from './analytics-questions.ts';
import { type GeneratedShares, insertJobs, insertShares, shareEveryMs, sharesSelect } from './generated-shares.ts';
import { type BenchContext, runBenchmark } from './run/benchmark.ts';
import { closeAtEnd } from './run/closing.ts';
import type { Size } from './run/options.ts';

/** Bytes of a row on the disk; ms of a question on rollups, and on ten million rows; rows/s of the insert. */
const BARS = { bytes: 40, rollupsMs: 100, rowsMs: 1000, rowsPerSecond: 300_000 };
const sizes: Readonly<Record<Size, readonly number[]>> = {
  quick: [1_000_000],
  normal: [1_000_000, 10_000_000],
  full: [1_000_000, 10_000_000, 100_000_000],
};
/** Of a shipment at most (limits.shipmentRowsMax), and how many are timed. */
const SHIPMENT_ROWS = 200_000;
const SHIPMENTS = 5;
/** Rows that one statement makes. */
const FILL_ROWS = 1_000_000;
const WORKERS = 200;
const START_MS = Date.UTC(2026, 0, 1);
const ROUNDS = 3;

await runBenchmark({
  name: 'analytics',
  question:
    'How fast do shares go into the embedded ClickHouse, how large are they, and how soon are questions answered?',
  excludes: 'the share log, the gate and the socket; the first run of each question, which reads the disk',
  columns: [
    { name: 'rowsPerSecond', title: 'rows/s in', digits: 0, optional: true },
    { name: 'bytesPerRow', title: 'bytes/row', digits: 1, optional: true },
    { name: 'milliseconds', title: 'ms', digits: 0, optional: true },
  ],
  steps: ({ size }) =>
    SHIPMENTS + sizes[size].reduce((sum, rows) => sum + Math.ceil(rows / FILL_ROWS) + questions.length, 0),
  run: measure,
});
// The engine's threads would hold up the process.
setImmediate(() => process.exit());

async function measure(context: BenchContext): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  closeAtEnd({
    close: async () => {},
    abandon: () => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }),
  });
  const warehouse = await openChdb(folder);
  await migrate(warehouse, await schemaVersion(warehouse));
  let rows = await ship(context, warehouse);
  for (const size of sizes[context.size]) {
    rows = await fill(context, warehouse, rows, size);
    await ask(context, warehouse, size);
  }
}

function shares(from: number, count: number): GeneratedShares {
  return { from, count, startMs: START_MS, workers: WORKERS };
}

/** Inserts shipments as the shipper does; returns the rows that are in. */
async function ship({ samples, progress, note }: BenchContext, warehouse: Warehouse): Promise<number> {
  const names = shareColumns.map(([name]) => name).join(', ');
  let rows = 0;
  for (let shipment = 0; shipment < SHIPMENTS; shipment += 1) {
    progress.step('a shipment');
    // These coinbases pay the pool: they all end in the coinb2 of their job.
    const made = `SELECT *, '' AS coinb2 FROM (${sharesSelect(shares(rows, SHIPMENT_ROWS))})`;
    const part = await buffer(
      await warehouse.query(
        { sql: `SELECT ${names} FROM (${made})`, format: 'RowBinary' },
        new AbortController().signal,
      ),
    );
    const begun = performance.now();
    await warehouse.insert({ table: 'shares', columns: shareColumns, token: `bench/${shipment}`, parts: [part] });
    const seconds = (performance.now() - begun) / 1000;
    rows += SHIPMENT_ROWS;
    // The first one warms up.
    if (shipment > 0) samples.add('shipments of 200,000 rows', 'in', { rowsPerSecond: SHIPMENT_ROWS / seconds });
  }
  const median = samples.median('shipments of 200,000 rows', 'in', 'rowsPerSecond') ?? 0;
  note(`bar: ≥ ${BARS.rowsPerSecond.toLocaleString('en')} rows/s in: ${Math.round(median).toLocaleString('en')}`);
  return rows;
}

/** Makes the rows that are missing, and the jobs of all; returns the rows that are in. */
async function fill(context: BenchContext, warehouse: Warehouse, there: number, size: number): Promise<number> {
  const { samples, progress, note } = context;
  const label = `${size.toLocaleString('en')} rows`;
  for (let from = there; from < size; from += FILL_ROWS) {
    progress.step(`${label}: making them`);
    await warehouse.command(
      insertShares(warehouse.database, shares(from, Math.min(FILL_ROWS, size - from)), 'insert_deduplicate = 0'),
    );
  }
  await warehouse.command(`TRUNCATE TABLE ${warehouse.database}.jobs`);
  await warehouse.command(insertJobs(warehouse.database, START_MS, START_MS + size * shareEveryMs(WORKERS)));
  const [[bytes] = []] = await warehouse.rows(
    `SELECT sum(bytes_on_disk) / sum(rows) FROM system.parts WHERE active AND database = '${warehouse.database}' AND table = 'shares'`,
  );
  samples.add(label, 'shares on the disk', { bytesPerRow: Number(bytes) });
  note(`bar: ≤ ${BARS.bytes} bytes a row at ${label}: ${Number(bytes).toFixed(1)}`);
  return Math.max(there, size);
}

async function ask({ samples, progress, note }: BenchContext, warehouse: Warehouse, size: number): Promise<void> {
  const label = `${size.toLocaleString('en')} rows`;
  const slowest = { rollups: 0, rows: 0 };
  for (const { label: question, reads, sql } of questions) {
    progress.step(`${label}: ${question}`);
    const inDatabase = sql.replaceAll(/\bFROM (?=[a-z])/g, `FROM ${warehouse.database}.`);
    for (let round = -1; round < ROUNDS; round += 1) {
      const begun = performance.now();
      await warehouse.rows(inDatabase);
      if (round >= 0) samples.add(label, `${reads}: ${question}`, { milliseconds: performance.now() - begun });
    }
    const median = samples.median(label, `${reads}: ${question}`, 'milliseconds') ?? 0;
    slowest[reads] = Math.max(slowest[reads], median);
  }
  note(`bar: ≤ ${BARS.rollupsMs} ms on rollups at ${label}: ${Math.round(slowest.rollups)} the slowest`);
  const bar = size <= 10_000_000 ? `bar: ≤ ${BARS.rowsMs} ms on rows at ${label}` : `on rows at ${label}`;
  note(`${bar}: ${Math.round(slowest.rows)} the slowest`);
}
