import { audit } from '#audit/audit';
import { LedgerSide } from '#audit/ledger-side';
import { Tables } from '#audit/tables';
import { readLedger } from '#books/ledger/ledger-db';
import { openAuditLog } from './audit-log.ts';
import { type BenchContext, runBenchmark } from './run/benchmark.ts';
import { closeAtEnd } from './run/closing.ts';
import type { Size } from './run/options.ts';

/** Shares a second that an audit must do. */
const BAR = 200_000;
const plans: Readonly<Record<Size, { readonly rounds: number; readonly shares: number }>> = {
  quick: { rounds: 1, shares: 300_000 },
  normal: { rounds: 3, shares: 1_000_000 },
  full: { rounds: 5, shares: 4_000_000 },
};

interface Shape {
  readonly label: string;
  readonly branches: number;
}

/** Each share has an extranonce2 of its own, so its whole merkle branch is hashed. */
const shapes: readonly Shape[] = [
  { label: 'some thousand transactions (12 branches)', branches: 12 },
  { label: 'no transactions', branches: 0 },
];

await runBenchmark({
  name: 'audit',
  question: 'How many shares a second does an audit compute again?',
  excludes: 'to start ClickHouse and ship the share log to it',
  columns: [
    { name: 'sharesPerSecond', title: 'shares/s', digits: 0 },
    { name: 'cpuMicrosPerShare', title: 'CPU µs/share', digits: 2 },
  ],
  steps: ({ size }) => shapes.length * (plans[size].rounds + 1),
  async run(context) {
    for (const shape of shapes) await measure(context, shape);
    const least = Math.min(
      ...shapes.map(({ label }) => context.samples.median(label, 'audit', 'sharesPerSecond') ?? 0),
    );
    context.note(
      `bar: an audit does ≥ ${BAR.toLocaleString('en')} shares a second: ${Math.round(least).toLocaleString('en')}`,
    );
  },
});

async function measure({ size, samples, progress }: BenchContext, { label, branches }: Shape): Promise<void> {
  const { rounds, shares } = plans[size];
  progress.step(`making shares: ${label}`);
  const log = await openAuditLog(shares, branches);
  closeAtEnd({ close: async () => {}, abandon: () => log.close() });
  const tables = await Tables.open({ folder: log.folder }, () => {});
  // Ships the log, and warms up.
  await tables.jobCounts({});
  const ledger = readLedger(log.folder);
  for (let round = 0; round < rounds; round += 1) {
    progress.step(`auditing: ${label}`);
    const [startedMs, cpuBefore] = [performance.now(), process.cpuUsage()];
    const report = await audit(
      {},
      { tables, ledger: (differences) => new LedgerSide(ledger, differences), progress: () => {} },
    );
    const { user, system } = process.cpuUsage(cpuBefore);
    const seconds = (performance.now() - startedMs) / 1000;
    const [first] = report.differences;
    if (first !== undefined || report.hashed !== shares) throw new Error(first?.detail ?? 'not every share was hashed');
    samples.add(label, 'audit', { sharesPerSecond: shares / seconds, cpuMicrosPerShare: (user + system) / shares });
  }
  ledger.close();
  await tables.close();
}
