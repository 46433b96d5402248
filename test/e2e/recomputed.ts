/**
 * Credits computed from the rows of ClickHouse alone, as PAYMENTS.md and the guides have it. Shares no code with src/, so that
 * the two can not agree on the same mistake.
 */

/** Accepted shares of one job and account, summed by SQL. */
export interface WorkRow {
  readonly job_id: string;
  readonly account: string;
  readonly work: string;
  readonly shares: string;
}

export interface BlockRow {
  readonly hash: string;
  readonly height: number;
  readonly job_id: string;
  readonly account: string;
  readonly reward_sats: string;
}

/** SQL of the sums. */
export const workQuery = `SELECT job_id, account, toString(sum(work)) AS work, toString(count()) AS shares
  FROM shares WHERE verdict = 'accepted' GROUP BY job_id, account ORDER BY job_id, account`;

/** SQL of the blocks that the chain has. */
export const blockQuery = `SELECT hash, height, job_id, account, toString(reward_sats) AS reward_sats
  FROM blocks WHERE status IN ('accepted', 'mature') ORDER BY height`;

const UNIT = 2n ** 64n;
/** Expected hashes of a block on regtest. */
const NETWORK_WORK = 2n;

const inBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Largest remainder, ties in the order given. */
function divided(total: bigint, weights: readonly bigint[]): bigint[] {
  const sum = weights.reduce((all, weight) => all + weight, 0n);
  const parts = weights.map((weight) => (total * weight) / sum);
  const order = weights
    .map((weight, at) => ({ at, remainder: (total * weight) % sum }))
    .sort((a, b) => (a.remainder < b.remainder ? 1 : a.remainder > b.remainder ? -1 : a.at - b.at));
  const left = total - parts.reduce((all, part) => all + part, 0n);
  for (const { at } of order.slice(0, Number(left))) parts[at] = (parts[at] ?? 0n) + 1n;
  return parts;
}

/** Weights of the accounts to credits of a reward, in byte order of account. */
function credited(rewardSats: bigint, weights: ReadonlyMap<string, bigint>, feePercent: bigint): Map<string, bigint> {
  const accounts = [...weights.keys()].sort(inBytes);
  const fee = (rewardSats * feePercent) / 100n;
  const parts = divided(
    rewardSats - fee,
    accounts.map((account) => weights.get(account) ?? 0n),
  );
  return new Map(accounts.map((account, at) => [account, parts[at] ?? 0n]));
}

function slicesUpTo(work: readonly WorkRow[], jobId: string): readonly (readonly WorkRow[])[] {
  const byJob = new Map<string, WorkRow[]>();
  for (const row of work) if (row.job_id <= jobId) byJob.set(row.job_id, [...(byJob.get(row.job_id) ?? []), row]);
  return [...byJob].sort(([a], [b]) => (a < b ? 1 : -1)).map(([, rows]) => rows);
}

type Recompute = (
  block: BlockRow,
  tables: { work: readonly WorkRow[]; blocks: readonly BlockRow[] },
) => Map<string, bigint>;

/** The credits of a block, by scheme. */
export function recomputed(scheme: 'pplns' | 'prop' | 'solo', feePercent: bigint, windowBlocks: bigint): Recompute {
  return (block, { work, blocks }) => {
    const weights = new Map<string, bigint>();
    const add = (account: string, weight: bigint): void => {
      weights.set(account, (weights.get(account) ?? 0n) + weight);
    };
    if (scheme === 'solo') add(block.account, 1n);
    if (scheme === 'prop') {
      const before = blocks.filter(({ height }) => height < block.height).at(-1)?.job_id ?? '';
      for (const row of work) {
        if (row.job_id === block.job_id || (row.job_id > before && row.job_id < block.job_id)) {
          add(row.account, BigInt(row.work));
        }
      }
    }
    if (scheme === 'prop' && weights.size === 0) {
      // Its own share was lost in a kill, and nobody else has one: the newest slice before it is its round.
      for (const row of slicesUpTo(work, block.job_id)[0] ?? []) add(row.account, BigInt(row.work));
    }
    let room = windowBlocks * UNIT;
    for (const rows of scheme === 'pplns' ? slicesUpTo(work, block.job_id) : []) {
      const sorted = [...rows].sort((a, b) => inBytes(a.account, b.account));
      const whole = sorted.map((row) => (BigInt(row.work) * UNIT) / NETWORK_WORK);
      const all = whole.reduce((sum, weight) => sum + weight, 0n);
      const parts = all > room ? divided(room, whole) : whole;
      for (const [at, { account }] of sorted.entries()) add(account, parts[at] ?? 0n);
      room -= all > room ? room : all;
      if (room === 0n) break;
    }
    return credited(BigInt(block.reward_sats), weights, feePercent);
  };
}

/** What is paid for all sealed shares under PPS, by account: a block a share at most; fractions of a satoshi are carried. */
export function recomputedPps(
  work: readonly WorkRow[],
  subsidyOf: (jobId: string) => bigint,
  feePercent: bigint,
): Map<string, bigint> {
  const due = new Map<string, bigint>();
  for (const { job_id, account, work: hashes, shares } of work) {
    const most = BigInt(shares) * NETWORK_WORK;
    const paid = BigInt(hashes) < most ? BigInt(hashes) : most;
    const gross = (paid * subsidyOf(job_id) * UNIT) / NETWORK_WORK;
    due.set(account, (due.get(account) ?? 0n) + gross - (gross * feePercent) / 100n);
  }
  return new Map([...due].map(([account, sats]) => [account, sats / UNIT]));
}
