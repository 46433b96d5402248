import { describe, expect, it } from 'vitest';
import { COMMIT_INTERVAL_MS, COMMIT_ROWS_ENOUGH } from '#shares/sharelog/journal/commit-cadence';
import { CommitWindow } from '#shares/sharelog/journal/commit-window';
import { OpenBatch, sizeOf } from '#shares/sharelog/journal/open-batch';
import { headOf } from '#shares/sharelog/rows/block-rows';
import { BufferPool } from '#shares/sharelog/segments/buffer-pool';
import { foundBlock, job, judgedShare } from './fixtures.ts';

/** How long the disk of these tests takes for a commit, ms. */
const DISK_MS = 0.15;

/** Time that passes only when it is told to, and what is to happen in it. */
class Time {
  nowMs = 1000;
  #events: { readonly atMs: number; readonly call: () => void }[] = [];

  after(ms: number, call: () => void): () => void {
    const event = { atMs: this.nowMs + ms, call };
    this.#events.push(event);
    return () => {
      this.#events = this.#events.filter((other) => other !== event);
    };
  }

  pass(ms: number): void {
    const endMs = this.nowMs + ms;
    for (;;) {
      const [next] = this.#events.toSorted((a, b) => a.atMs - b.atMs);
      if (next === undefined || next.atMs > endMs) break;
      this.#events = this.#events.filter((other) => other !== next);
      this.nowMs = next.atMs;
      next.call();
    }
    this.nowMs = endMs;
  }
}

/** A window over a disk that answers each commit after `diskMs`. */
function windowOf(diskMs = DISK_MS) {
  const time = new Time();
  const open = new OpenBatch(
    { node: 'n', bounds: { rowsMax: 1000, bytesMax: 1e6 }, clock: { nowMs: () => 0 } },
    new BufferPool(4, 1e6),
  );
  const posts: { readonly atMs: number; readonly rows: number }[] = [];
  const waitsMs: number[] = [];
  const window = new CommitWindow(
    { commitBytesMax: 1e6 },
    {
      clock: { monotonicMs: () => time.nowMs },
      timers: time,
      open,
      post(batches) {
        posts.push({ atMs: time.nowMs, rows: sizeOf(batches).rows });
        time.after(diskMs, () => window.durable());
      },
    },
  );
  const share = (overrides: Parameters<typeof judgedShare>[0] = {}): void => {
    const fromMs = time.nowMs;
    open.share(judgedShare(overrides));
    window.commit(() => waitsMs.push(time.nowMs - fromMs));
  };
  /** Shares at a steady rate. */
  const stream = (perSecond: number, ms: number): void => {
    for (let each = 0; each < (ms * perSecond) / 1000; each += 1) {
      share();
      time.pass(1000 / perSecond);
    }
  };
  return { time, window, open, posts, waitsMs, share, stream };
}

describe('the commit cadence', () => {
  it('posts a lone share at once', () => {
    const { posts, waitsMs, stream } = windowOf();
    stream(800, 500);
    expect(posts).toHaveLength(400);
    expect(Math.max(...waitsMs)).toBeCloseTo(DISK_MS);
  });

  it('gathers shares that arrive steadily, none for longer than the interval', () => {
    const { time, posts, waitsMs, stream } = windowOf();
    stream(5000, 1000);
    time.pass(COMMIT_INTERVAL_MS);
    expect(waitsMs).toHaveLength(5000);
    expect(posts.length).toBeLessThan(600);
    expect(Math.max(...waitsMs)).toBeLessThanOrEqual(COMMIT_INTERVAL_MS + DISK_MS + 0.001);
  });

  it('posts a large enough batch at once', () => {
    const { posts, stream } = windowOf(1);
    stream(50_000, 200);
    // As many commits as the disk can take.
    expect(posts.length).toBeGreaterThan(190);
    for (const { rows } of posts.slice(10, -1)) expect(rows).toBeGreaterThanOrEqual(COMMIT_ROWS_ENOUGH);
  });

  it('forgets a rate that is over', () => {
    const { time, posts, share, stream } = windowOf();
    stream(5000, 200);
    time.pass(100);
    const before = posts.length;
    share();
    time.pass(0.5);
    share();
    expect(posts.length).toBe(before + 2);
  });

  it('holds nothing for a few clients that each wait for their reply, and gathers again when shares arrive steadily', () => {
    const { time, posts, stream, open, window } = windowOf();
    const endMs = time.nowMs + 900;
    let answered = 0;
    const client = (): void => {
      open.share(judgedShare());
      window.commit(() => {
        answered += 1;
        if (time.nowMs < endMs) time.after(0.05, client);
      });
    };
    for (let each = 0; each < 4; each += 1) client();
    time.pass(1000);
    // Held all the time they would get 1,800 answers: four in each interval.
    expect(answered).toBeGreaterThan(10_000);
    stream(5000, 1000);
    const before = posts.length;
    stream(5000, 1000);
    expect(posts.length - before).toBeLessThan(600);
  });

  it('posts held rows when their time is over', () => {
    const { time, window, stream } = windowOf();
    stream(5000, 100.4);
    expect(window.waiting).toBeGreaterThan(0);
    time.pass(COMMIT_INTERVAL_MS + DISK_MS);
    expect(window.waiting).toBe(0);
  });

  it.each(['a block’s share', 'a block', 'a job'])('does not hold %s', (what) => {
    const { time, window, open, posts, share, stream } = windowOf();
    stream(5000, 100.4);
    // Held, with the disk at rest.
    expect(window.waiting).toBeGreaterThan(0);
    const before = posts.length;
    if (what === 'a block’s share') share({ block: true });
    else {
      if (what === 'a job') open.job(job);
      else open.block(headOf(foundBlock()), { status: 'accepted' });
      window.commit(() => {});
    }
    expect(posts.slice(before)).toMatchObject([{ atMs: time.nowMs }]);
    time.pass(DISK_MS);
    expect(window.waiting).toBe(0);
    // The next share is like any other.
    share();
    expect(posts.length).toBe(before + 1);
  });

  it('posts held rows when the journal closes', async () => {
    const { time, window, stream } = windowOf();
    stream(5000, 100.4);
    expect(window.waiting).toBeGreaterThan(0);
    const drained = window.drain(1000);
    time.pass(DISK_MS);
    expect(await drained).toBe(true);
    expect(window.pending.rows).toBe(0);
  });
});
