import { spawn } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Child, goneOf, SupervisedChild } from '#base/std/supervised-child';

const OPTIONS = { restart: { msMin: 100, msMax: 1000 }, hungSecondsMax: 5 };

/** A child that ends when the test says so. */
class ManualChild implements Child {
  readonly pid = 1;
  killed = false;
  end: (reason: string) => void = () => {};
  readonly gone = new Promise<string>((resolve) => {
    this.end = resolve;
  });

  kill(): void {
    this.killed = true;
    this.end('SIGKILL');
  }
}

function setup(start: (count: number) => ManualChild = () => new ManualChild()) {
  const children: ManualChild[] = [];
  const told: string[] = [];
  let ticks = 0;
  const supervised = new SupervisedChild<ManualChild>(OPTIONS, {
    start() {
      const child = start(children.length);
      children.push(child);
      return child;
    },
    ended: (reason) => void told.push(`ended: ${reason}`),
    hangs: () => void told.push('hangs'),
    tick: () => void ticks++,
  });
  return { supervised, children, told, ticks: () => ticks };
}

describe('a supervised child', () => {
  beforeEach(
    () =>
      void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] }),
  );
  afterEach(() => void vi.useRealTimers());

  it('is started again when it ends, later each time it dies young', async () => {
    const { supervised, children, told } = setup();
    supervised.start();
    expect(children).toHaveLength(1);
    for (const [index, waitMs] of [100, 200, 400, 800, 1000, 1000].entries()) {
      children[index]?.end('exit code 1');
      await vi.advanceTimersByTimeAsync(waitMs - 1);
      expect(children).toHaveLength(index + 1);
      expect(supervised.child).toBeUndefined();
      await vi.advanceTimersByTimeAsync(1);
      expect(children).toHaveLength(index + 2);
      expect(supervised.child).toBe(children[index + 1]);
    }
    expect(supervised.restarts).toBe(6);
    expect(told).toEqual(Array.from({ length: 6 }, () => 'ended: exit code 1'));
  });

  it('is started soon again after it has lived long, or was said to work', async () => {
    const { supervised, children } = setup();
    supervised.start();
    const die = async (waitMs: number) => {
      const count = children.length;
      children.at(-1)?.end('x');
      await vi.advanceTimersByTimeAsync(waitMs - 1);
      expect(children).toHaveLength(count);
      await vi.advanceTimersByTimeAsync(1);
      expect(children).toHaveLength(count + 1);
    };
    await die(100);
    await die(200);
    const beating = setInterval(() => supervised.heard(), 1000);
    await vi.advanceTimersByTimeAsync(60_000);
    clearInterval(beating);
    await die(100);
    await die(200);
    supervised.works();
    await die(100);
  });

  it('is killed when it is silent for too long, and not while it is heard of', async () => {
    const { supervised, children, told, ticks } = setup();
    supervised.start();
    for (let second = 0; second < 20; second += 1) {
      await vi.advanceTimersByTimeAsync(1000);
      supervised.heard();
    }
    expect(told).toEqual([]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(supervised.silentSeconds).toBe(5);
    expect(children[0]?.killed).toBe(false);
    await vi.advanceTimersByTimeAsync(1000);
    expect(children[0]?.killed).toBe(true);
    expect(told).toEqual(['hangs', 'ended: SIGKILL']);
    expect(ticks()).toBe(26);
  });

  it('counts silence from its own start', async () => {
    const { supervised, children, told } = setup();
    supervised.start();
    await vi.advanceTimersByTimeAsync(4000);
    children[0]?.end('x');
    await vi.advanceTimersByTimeAsync(100);
    await vi.advanceTimersByTimeAsync(4900);
    expect(told).toEqual(['ended: x']);
  });

  it('that can not be started is tried again', async () => {
    const { supervised, children, told } = setup((count) => {
      if (count === 0 && told.length < 2) throw new Error('no more processes');
      return new ManualChild();
    });
    supervised.start();
    await vi.advanceTimersByTimeAsync(300);
    expect(told).toEqual(['ended: no more processes', 'ended: no more processes']);
    expect(children).toHaveLength(1);
  });

  it('has no successor after close', async () => {
    const ending = setup();
    ending.supervised.start();
    expect(ending.supervised.close()).toBe(ending.children[0]);
    ending.children[0]?.end('x');
    const waiting = setup();
    waiting.supervised.start();
    waiting.children[0]?.end('x');
    await vi.advanceTimersByTimeAsync(50);
    expect(waiting.supervised.close()).toBeUndefined();
    await vi.advanceTimersByTimeAsync(120_000);
    expect([ending.children, waiting.children].map(({ length }) => length)).toEqual([1, 1]);
    expect(ending.told).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('the end of a process', () => {
  it('has its reason', async () => {
    await expect(goneOf(spawn(process.execPath, ['-e', 'process.exit(3)']))).resolves.toBe('exit code 3');
    const killed = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    const gone = goneOf(killed);
    killed.kill('SIGKILL');
    await expect(gone).resolves.toBe('SIGKILL');
    await expect(goneOf(spawn('/no/such/program'))).resolves.toContain('ENOENT');
  });
});
