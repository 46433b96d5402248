import { jobId, jobRowId } from '#base/domain/ids';
import type { Job } from '#base/domain/job';
import type { JudgedShare } from '#base/domain/share';
import type { LedgerDatabase } from '#books/ledger/ledger-db';
import { openLedger } from '#books/ledger/ledger-db';
import { SealedSlices } from '#books/ledger/slices/sealed-slices';
import { SliceStore } from '#books/ledger/slices/slice-store';
import { Taker, type TakerModules } from '#books/ledger/slices/taker';
import { LogReaders } from '#shares/sharelog/consumers/log-readers';
import { job, judgedShare, terms } from '../../../shares/sharelog/fixtures.ts';

/** The ledger of a data folder, with what it has told the log. */
export interface TestLedger {
  readonly taker: Taker;
  readonly database: LedgerDatabase;
  readonly slices: SealedSlices;
  readonly delivered: Map<string, number>;
  /** Takes all that is there. */
  all(): void;
  close(): void;
}

export function openTestLedger(
  folder: string,
  modules: Partial<TakerModules> = {},
  bounds: { readonly rowsMax?: number } = {},
): TestLedger {
  const ledger = openLedger(folder);
  const { database } = ledger;
  const readers = new LogReaders(folder);
  const delivered = new Map<string, number>();
  const store = new SliceStore(database);
  const taker = new Taker(
    { network: 'regtest', ...bounds },
    { readers, store, delivered: (journal, seq) => void delivered.set(journal, seq), ...modules },
  );
  return {
    taker,
    database,
    slices: new SealedSlices(database),
    delivered,
    all() {
      while (taker.step());
    },
    close() {
      readers.close();
      ledger.close();
    },
  };
}

export function jobOf(serial: number, bootId = 'b007b007'): Job {
  return { ...job, serial, id: jobId(serial), rowId: jobRowId(serial, bootId) };
}

export function shareOf(of: Job, account: string, work = terms.work, more: Partial<JudgedShare> = {}): JudgedShare {
  return judgedShare({ job: of, worker: { name: account, account, rig: '' }, terms: { ...terms, work }, ...more });
}

/** What the ledger has of each job and account: work and shares. */
export function contents(database: LedgerDatabase): Record<string, [work: bigint, shares: number]> {
  const rows = database.prepare('SELECT job_id, account, work, shares FROM slices').all() as {
    job_id: string;
    account: string;
    work: string;
    shares: bigint;
  }[];
  return Object.fromEntries(
    rows.map(({ job_id, account, work, shares }) => [`${job_id} ${account}`, [BigInt(work), Number(shares)]]),
  );
}
