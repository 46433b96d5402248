import { expect } from 'vitest';
import type { PoolFolder } from '../support/pool-process.ts';
import type { Reply, Solution, StratumClient } from '../support/stratum-client.ts';

/** What the clients of a test were answered: the other side of the book that the tables must match. */
export class Tally {
  /** Replies by verdict: `accepted` or the reject reason. */
  readonly replies = new Map<string, number>();
  /** Identities of the shares that were acknowledged with `true`. */
  readonly acknowledged = new Set<string>();

  async submit(client: StratumClient, solution: Solution): Promise<Reply> {
    const reply = await client.submit(solution);
    // A reply that never came because the connection closed is none.
    if (reply.error?.[0] === -1) return reply;
    const verdict = reply.result === true ? 'accepted' : (reply['reject-reason'] ?? `error ${reply.error?.[0]}`);
    this.replies.set(verdict, (this.replies.get(verdict) ?? 0) + 1);
    if (verdict === 'accepted') this.acknowledged.add(identity(client, solution));
    return reply;
  }
}

/** A share's identity as the tables can tell it. */
function identity(client: StratumClient, { params }: Solution): string {
  const [, jobId, extranonce2, ntime, nonce, bits] = params;
  const job = client.jobs.find((work) => work.jobId === jobId);
  if (!job) throw new Error('a share of a job that never came');
  const mask = client.versionMask;
  const version = bits === undefined ? job.version : (job.version & ~mask) | (Number.parseInt(bits, 16) & mask);
  const numbers = [Number.parseInt(ntime, 16), Number.parseInt(nonce, 16), version >>> 0];
  // A private variant of a job (after a retarget) is the same work: its id starts with the job's.
  return [jobId.slice(0, 10), client.extranonce1, extranonce2, ...numbers].join(' ');
}

interface ShareRow {
  readonly verdict: string;
  readonly identity: string;
}

/** Behind the id of the wire, `job_id` has digits of the pool's start. */
const identityColumns =
  "concat(left(job_id, 10), ' ', extranonce1, ' ', extranonce2, ' ', ntime, ' ', nonce, ' ', version)";

/** Rows by verdict. */
export async function rowsByVerdict(folder: PoolFolder): Promise<Map<string, number>> {
  const rows = await folder.sql<{ verdict: string; rows: number }>(
    'SELECT verdict, toUInt32(count()) AS rows FROM sluice.shares GROUP BY verdict',
  );
  return new Map(rows.map((row) => [row.verdict, Number(row.rows)]));
}

/** Every share that was acknowledged stands in the table exactly once, and nothing was credited twice. */
export async function expectEachAcknowledgedOnce(folder: PoolFolder, tally: Tally): Promise<void> {
  const rows = await folder.sql<ShareRow>(
    `SELECT verdict, ${identityColumns} AS identity FROM sluice.shares WHERE verdict = 'accepted'`,
  );
  const credited = new Set(rows.map((row) => row.identity));
  expect(credited.size, 'a share was credited twice').toBe(rows.length);
  const lost = [...tally.acknowledged].filter((share) => !credited.has(share));
  expect(lost, 'an acknowledged share is not in the table').toEqual([]);
}
