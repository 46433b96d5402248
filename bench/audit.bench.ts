import { audit } from '#audit/audit';
import { LedgerSide } from '#audit/ledger-side';
import { Tables } from '#audit/tables';
import { readLedger } from '#books/ledger/ledger-db';
import { openAuditLog } from './audit-log.ts';
import { runBenchmark } from './run/benchmark.ts';
import { closeAtEnd } from './run/closing.ts';
import type { Size } from './run/options.ts';

/** Shares a second that an audit must do. */
const BAR = 200_000;
const plans: Readonly<Record<Size, { readonly rounds: number; readonly shares: number }>> = {
  quick: { rounds: 1, shares: 300_000 },
  normal: { rounds: 3, shares: 1_000_000 },
  full: { rounds: 5, shares: 4_000_000 },
};

await runBenchmark({
  name: 'audit',
  question: 'How many shares a second does an audit compute again?',
  excludes: 'to start ClickHouse and ship the share log to it',
  columns: [
    { name: 'sharesPerSecond', title: 'shares/s', digits: 0 },
    { name: 'cpuMicrosPerShare', title: 'CPU µs/share', digits: 2 },
  ],
  steps: ({ size }) => plans[size].rounds + 1,
  async run({ size, samples, progress, note }) {
    const { rounds, shares } = plans[size];
    progress.step('making shares');
    const log = await openAuditLog(shares);
    closeAtEnd({ close: async () => {}, abandon: () => log.close() });
    const tables = await Tables.open({ folder: log.folder }, () => {});
    // Ships the log, and warms up.
    await tables.jobCounts({});
    const ledger = readLedger(log.folder);
    for (let round = 0; round < rounds; round += 1) {
      progress.step('auditing');
      const [startedMs, cpuBefore] = [performance.now(), process.cpuUsage()];
      const report = await audit(
        {},
        { tables, ledger: (differences) => new LedgerSide(ledger, differences), progress: () => {} },
      );
      const { user, system } = process.cpuUsage(cpuBefore);
      const seconds = (performance.now() - startedMs) / 1000;
      const [first] = report.differences;
      if (first !== undefined || report.hashed !== shares)
        throw new Error(first?.detail ?? 'not every share was hashed');
      samples.add('64 accounts', 'audit', {
        sharesPerSecond: shares / seconds,
        cpuMicrosPerShare: (user + system) / shares,
      });
    }
    ledger.close();
    await tables.close();
    const median = samples.median('64 accounts', 'audit', 'sharesPerSecond') ?? 0;
    note(
      `bar: an audit does ≥ ${BAR.toLocaleString('en')} shares a second: ${Math.round(median).toLocaleString('en')}`,
    );
  },
});
