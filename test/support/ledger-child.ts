import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { readLedger } from '#books/ledger/ledger-db';
import type { PoolFolder } from './pool-process.ts';

/** The ledger's process of a pool; undefined while there is none. */
export function ledgerPid(poolPid: number): number | undefined {
  const children = readFileSync(`/proc/${poolPid}/task/${poolPid}/children`, 'utf8').trim().split(/\s+/);
  const isLedger = (pid: string): boolean => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('ledger-child');
    } catch {
      return false;
    }
  };
  const pid = children.find(isLedger);
  return pid === undefined ? undefined : Number(pid);
}

/** What the ledger has of each job and account: a line `job account work shares` each, sorted. */
export function ledgerLines(folder: PoolFolder): string[] {
  const database = readLedger(join(folder.path, 'data'));
  try {
    const rows = database.prepare('SELECT job_id, account, work, shares FROM slices').all() as {
      job_id: string;
      account: string;
      work: string;
      shares: bigint;
    }[];
    return rows.map(({ job_id, account, work, shares }) => `${job_id} ${account} ${work} ${shares}`).sort();
  } finally {
    database.close();
  }
}

/** The ledger and ClickHouse, which have read the same log, agree to the unit. Returns how many shares the ledger has. */
export async function expectLedgerAgrees(folder: PoolFolder): Promise<number> {
  const rows = await folder.sql<{ line: string }>(
    `SELECT concat(job_id, ' ', account, ' ', toString(sum(work)), ' ', toString(count())) AS line
     FROM sluice.shares WHERE verdict = 'accepted' GROUP BY job_id, account`,
  );
  const lines = ledgerLines(folder);
  expect(lines).toEqual(rows.map(({ line }) => line).sort());
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}
