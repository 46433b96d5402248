import { availableParallelism } from 'node:os';
import type { Readable } from 'node:stream';
import { fromHex, toDisplayHash } from '#base/bitcoin/bytes';
import { difficultyOfHash } from '#base/bitcoin/target';
import { limits } from '#base/limits';
import { loadKernel } from '#shares/kernel/kernel';
import type { Row } from '#shares/sharelog/rows/row-reader';
import { type KernelThread, startKernelThread } from '#shares/verify/kernel-thread';
import { type AuditedJob, auditJob, withCoinbase } from './audited-job.ts';
import { type Difference, Differences } from './differences.ts';
import { groupsOf, type JobCount, type JobGroup } from './job-groups.ts';
import type { LedgerSide, TableBlock } from './ledger-side.ts';
import { ShareAudit } from './share-audit.ts';
import { inlineHasher, ShareHasher } from './share-hasher.ts';
import type { AuditRange, SliceRow, Tables } from './tables.ts';

/** So many shares are hashed sooner than a thread has started. */
const INLINE_SHARES_MAX = 20_000;

/** What an audit looked at, and what it found. */
export interface AuditReport {
  readonly jobs: number;
  /** Rows of `shares` that name one of the jobs. */
  readonly shares: number;
  /** Of these, hashed again. */
  readonly hashed: number;
  readonly blocks: number;
  /** Of all kinds; `differences` has the first of each. */
  readonly differencesTotal: number;
  readonly differences: readonly Difference[];
  /** What could not be looked at, and why. */
  readonly skipped: readonly string[];
}

export interface AuditModules {
  readonly tables: Tables;
  /** Undefined if there is no ledger. */
  readonly ledger: ((differences: Differences) => LedgerSide) | undefined;
  /** Shares that were read, of all. */
  readonly progress: (done: number, all: number) => void;
}

/**
 * Computes hashes, verdicts, slices, rewards and books again from ClickHouse's tables and the ledger alone. Rejects with a
 * QueryError if the tables can not be read.
 */
export async function audit(range: AuditRange, { tables, ledger, progress }: AuditModules): Promise<AuditReport> {
  const differences = new Differences();
  // Before anything is asked of the tables: they have whatever the ledger has at this moment.
  const side = ledger?.(differences);
  for (const text of await tables.sharesWithoutJob(range, limits.auditDifferencesMax)) {
    differences.add('share', `${text}, which is not in the table jobs`);
  }
  const counts = await tables.jobCounts(range);
  const all = counts.reduce((sum, { shares }) => sum + shares, 0);
  const code = loadKernel();
  const threads = Array.from({ length: threadsFor(all) }, () => startKernelThread(code));
  const pass = new Pass({ tables, side, differences, threads });
  try {
    let done = 0;
    for await (const { group, shares } of withShares(groupsOf(withoutTwins(counts, differences)), tables)) {
      await pass.group(group, shares, (hashed) => progress(Math.min(done + hashed, all), all));
      done += group.shares;
      progress(done, all);
    }
  } finally {
    await Promise.all(threads.map((thread) => thread.close()));
  }
  side?.finish(range);
  return {
    jobs: counts.length,
    shares: all,
    hashed: pass.hashed,
    blocks: pass.blocks,
    differencesTotal: differences.total,
    differences: differences.list,
    skipped: side?.skipped ?? ['there is no ledger: slices, rewards and books were not compared'],
  };
}

/** A group with the stream of its shares, if it has any. */
interface GroupShares {
  readonly group: JobGroup;
  readonly shares: Readable | undefined;
}

/** Has ClickHouse sort the shares of the next group while those of this one are hashed. */
async function* withShares(groups: Iterable<JobGroup>, tables: Tables): AsyncGenerator<GroupShares> {
  const ask = (group: JobGroup): Promise<GroupShares> => {
    const asked = (group.shares > 0 ? tables.shares(group) : Promise.resolve(undefined)).then((shares) => ({
      group,
      shares,
    }));
    // Told when its turn comes; until then nobody waits for it.
    asked.catch(() => {});
    return asked;
  };
  let current: Promise<GroupShares> | undefined;
  try {
    for (const group of groups) {
      const next = ask(group);
      const before = current;
      current = next;
      if (before !== undefined) yield await before;
    }
    if (current !== undefined) yield await current;
    current = undefined;
  } finally {
    // Left early: what was asked ahead is not read.
    (await current?.catch(() => undefined))?.shares?.destroy();
  }
}

/** One for each core, and one whose results are being judged; none if there is little to do. */
function threadsFor(shares: number): number {
  return shares < INLINE_SHARES_MAX ? 0 : Math.min(availableParallelism() + 1, limits.auditThreadsMax);
}

function withoutTwins(counts: readonly JobCount[], differences: Differences): JobCount[] {
  return counts.filter(({ jobId }, at) => {
    const isTwin = counts[at - 1]?.jobId === jobId;
    if (isTwin) differences.add('job', `job ${jobId} is in the table twice`);
    return !isTwin;
  });
}

interface PassModules {
  readonly tables: Tables;
  readonly side: LedgerSide | undefined;
  readonly differences: Differences;
  /** Hashes in this thread if there are none. */
  readonly threads: readonly KernelThread[];
}

/** The audit of one group of jobs after the other. */
class Pass {
  readonly #tables: Tables;
  readonly #side: LedgerSide | undefined;
  readonly #differences: Differences;
  readonly #inline = inlineHasher();
  readonly #hashers: readonly [ShareHasher, ...ShareHasher[]];
  hashed = 0;
  blocks = 0;

  constructor({ tables, side, differences, threads }: PassModules) {
    const [first, ...others] = threads.map(({ memory, run }) => new ShareHasher(memory, run));
    this.#hashers = [first ?? this.#inline, ...others];
    this.#tables = tables;
    this.#side = side;
    this.#differences = differences;
  }

  async group(group: JobGroup, stream: Readable | undefined, progress: (hashed: number) => void): Promise<void> {
    const rows = await this.#tables.jobs(group);
    const jobs = new Map(rows.map((row) => [String(row['job_id']), auditJob(row, this.#differences)]));
    if (stream !== undefined) {
      await this.#coinbases(group, jobs);
      await this.#shares(group, stream, jobs, progress);
    }
    if (this.#side !== undefined) await this.#slices(group, jobs, this.#side);
    for (const row of await this.#tables.blocks(group)) await this.#block(row, jobs.get(String(row['job_id'])));
  }

  async #coinbases(group: JobGroup, jobs: ReadonlyMap<string, AuditedJob>): Promise<void> {
    for (const row of await this.#tables.coinbases(group)) {
      const job = jobs.get(String(row['job_id']));
      const made = job && withCoinbase(job, String(row['coinb2']), this.#differences);
      if (made !== undefined) job?.ownCoinbases.set(row['coinbase'] as bigint, made);
    }
  }

  async #shares(
    group: JobGroup,
    stream: Readable,
    jobs: ReadonlyMap<string, AuditedJob>,
    progress: (hashed: number) => void,
  ): Promise<void> {
    const shares = new ShareAudit(this.#hashers, (jobId) => jobs.get(jobId), this.#differences);
    for await (const chunk of stream) {
      await shares.feed(chunk as Uint8Array);
      progress(shares.shares);
    }
    await shares.end();
    // A running pool may have got more since they were counted.
    if (shares.shares < group.hashed) {
      const detail = `${group.hashed} shares of the jobs from ${group.firstId} to ${group.lastId} were counted, and ${shares.shares} could be hashed`;
      this.#differences.add('share', detail);
    }
    this.hashed += shares.shares;
  }

  async #slices(group: JobGroup, jobs: ReadonlyMap<string, AuditedJob>, side: LedgerSide): Promise<void> {
    const byJob = new Map<string, SliceRow[]>();
    for (const row of group.shares > 0 ? await this.#tables.slices(group) : []) {
      const rows = byJob.get(row.jobId);
      if (rows === undefined) byJob.set(row.jobId, [row]);
      else rows.push(row);
    }
    for (const job of jobs.values()) side.job(job, byJob.get(job.jobId) ?? []);
  }

  async #block(row: Row, job: AuditedJob | undefined): Promise<void> {
    this.blocks += 1;
    const hash = String(row['hash']);
    if (job === undefined) return;
    const block: Omit<TableBlock, 'coinbase'> = {
      ...{ hash, jobId: job.jobId, account: String(row['account']), height: Number(row['height']) },
      rewardSats: row['reward_sats'] as bigint,
    };
    this.#differences.compare('block', `the height of block ${hash}`, block.height, job.height);
    this.#differences.compare('block', `the reward of block ${hash}`, block.rewardSats, job.rewardSats);
    const coinbase = await this.#blockHeader(row, job);
    this.#side?.block({ ...block, coinbase });
  }

  /** Hashes a block's header again. Returns its coinbase, hex; undefined if the row does not name its share. */
  async #blockHeader(row: Row, job: AuditedJob): Promise<string | undefined> {
    const hash = String(row['hash']);
    const coinb2 = String(row['coinb2']);
    const kernelJob = coinb2 === '' ? job.kernelJob : withCoinbase(job, coinb2, this.#differences);
    const extranonce1 = fromHex(String(row['extranonce1']), 4);
    const extranonce2 = fromHex(String(row['extranonce2']), 8);
    // A block that a version before schema 3 found names no share.
    if (kernelJob === undefined || row['extranonce1'] === '') return undefined;
    const variant = Number(row['job_variant']);
    if (extranonce1 === undefined || extranonce2 === undefined || variant > 0xffff) {
      this.#differences.add('block', `block ${hash}: its extranonces or its variant are not those of a header`);
      return undefined;
    }
    const prefix = Buffer.concat([Uint8Array.of(variant >>> 8, variant & 0xff), extranonce1]);
    const header = { version: Number(row['version']), ntime: Number(row['ntime']), nonce: Number(row['nonce']) };
    const index = this.#inline.put(kernelJob, prefix, extranonce2, header, new Uint8Array(32)) ?? 0;
    await this.#inline.run();
    const computed = this.#inline.hash(index);
    this.#differences.compare('block', `the hash of block ${hash}`, hash, toDisplayHash(computed));
    const achieved = difficultyOfHash(computed);
    this.#differences.compare(
      'block',
      `the share difficulty of block ${hash}`,
      Number(row['share_difficulty']),
      achieved,
    );
    return Buffer.concat([kernelJob.coinb1, prefix, extranonce2, kernelJob.coinb2]).toString('hex');
  }
}
