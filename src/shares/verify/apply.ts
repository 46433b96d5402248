import { workOf } from '#base/bitcoin/target';
import type { BoundedMap } from '#base/domain/bounded-map';
import type { Containment } from '#base/domain/contain';
import type { Job } from '#base/domain/job';
import type { Clock, ShareRecorder } from '#base/domain/ports';
import type { JudgedShare, Terms } from '#base/domain/share';
import { MEETS_NETWORK_TARGET, MEETS_SHARE_TARGET } from '#shares/kernel/memory';
import { judge } from './judge.ts';
import type { PendingShare } from './pending-share.ts';
import type { SeenHeaders } from './seen.ts';

/** Who else wants to know of a verdict: each is called once for each submission. */
export interface ApplyModules {
  readonly clock: Clock;
  readonly contain: Containment;
  readonly seen: SeenHeaders;
  readonly recorder: Pick<ShareRecorder, 'share' | 'commit'>;
  /** Counters and estimates. Must be cheap: it is on the share path. */
  readonly observe: (share: JudgedShare) => void;
  /** A block candidate: it goes to the node within this call. */
  readonly foundBlock: (share: JudgedShare) => void;
}

/**
 * The only place where a verdict has effects. Takes the shares of one batch in the order in which they came in, decides
 * what the hash left open, and hands the batch to the log; the submitters hear of it when it is on disk.
 * An unexpected error in what is done with one share ends the session that sent it, and no more.
 */
export function applyBatch(shares: readonly PendingShare[], modules: ApplyModules, settled: () => void): void {
  const now = modules.clock.monotonicMs();
  for (const share of shares) applyShare(share, modules, now);
  // What is judged when the log is closed is not answered.
  modules.contain.attempt('a commit', () =>
    modules.recorder.commit(() => {
      for (const share of shares) settle(share, modules.contain);
      settled();
    }),
  );
}

function applyShare(share: PendingShare, modules: ApplyModules, now: number): void {
  const { contain, seen, recorder, observe } = modules;
  try {
    if (!share.judged) judgeHashed(share, seen, now);
    if (share.block) applyBlock(share, modules);
    else if (!share.unwanted) recorder.share(share);
  } catch (error) {
    // Without a row it must not be acknowledged.
    share.judge('overloaded', now);
    fail('a verdict', error, share, contain);
  }
  try {
    observe(share);
  } catch (error) {
    fail('an observed verdict', error, share, contain);
  }
}

/**
 * Applies a share that is refused because too much is in flight: it gets no row, and its submitter hears of it without waiting
 * for the log. Unless it makes a block: then it has its row, which waits for the log with the rows before it. `recorded`: the
 * hashes of such blocks, so that one that is sent again and again fills no memory.
 */
export function applyRefused(share: PendingShare, recorded: BoundedMap<true>, modules: ApplyModules): void {
  share.block = (share.meets & MEETS_NETWORK_TARGET) !== 0;
  share.judge('overloaded', modules.clock.monotonicMs());
  const hash = `${share.hashHigh} ${share.hashLow}`;
  if (share.block && !recorded.has(hash)) {
    recorded.set(hash, true);
    modules.contain.attempt('a block', () => applyBlock(share, modules));
    modules.contain.attempt('a block', () => modules.recorder.commit(() => {}));
  }
  modules.observe(share);
}

/**
 * The row of the share comes first: rows of a block are committed as soon as they are there, and none may come to the disk
 * without its share. To write the row into memory takes 2 µs. The block goes to the node even if that fails.
 */
function applyBlock(share: PendingShare, { contain, recorder, foundBlock }: ApplyModules): void {
  try {
    recorder.share(share);
  } finally {
    contain.attempt('a block', () => foundBlock(share));
  }
}

/** Tells the submitter of a verdict, and ends its session if that fails. */
export function settle(share: JudgedShare, contain: Containment): void {
  try {
    share.submitter.settle(share);
  } catch (error) {
    fail('a reply to a share', error, share, contain);
  }
}

function fail(where: string, error: unknown, { submitter }: JudgedShare, contain: Containment): void {
  contain.caught(where, error);
  contain.attempt(where, () => submitter.close());
}

function judgeHashed(share: PendingShare, seen: SeenHeaders, nowMonotonicMs: number): void {
  const { job } = share;
  if (!job) throw new Error('apply: a hashed share without a job');
  const meetsNetwork = (share.meets & MEETS_NETWORK_TARGET) !== 0;
  if (share.refusal) {
    // A block earns the pool its reward, whatever its share is refused for. Its header is not remembered as credited.
    share.block = meetsNetwork;
    share.judge(share.refusal, nowMonotonicMs);
    return;
  }
  const known = seen.check(job, share.hashLow, share.hashHigh);
  const deserved = judge(share.meets, known);
  // Only what would be paid is refused as too much: what is wrong stays wrong, so that a flood of it is punished.
  const verdict = share.unwanted && deserved === 'accepted' && !meetsNetwork ? 'overloaded' : deserved;
  share.judge(verdict, nowMonotonicMs);
  // A block is a block even if its share can not be remembered, and so not credited.
  share.block = meetsNetwork && known !== 'known';
  if (verdict !== 'accepted') return;
  seen.add(job, share.hashLow, share.hashHigh);
  if ((share.meets & MEETS_SHARE_TARGET) === 0 && share.terms) share.terms = networkTerms(job, share.terms);
}

/**
 * What a block is credited that falls short of its share's difficulty: the network's. Whoever asks for shares that are
 * harder than blocks has shown a block's work, and no more.
 */
function networkTerms(job: Job, terms: Terms): Terms {
  const { networkDifficulty: difficulty, networkTarget: target } = job;
  return { ...terms, difficulty, target, work: workOf(difficulty) };
}
