import { describe, expect, it } from 'vitest';
import { type Turn, Turns } from '#books/analytics/turns';

function setup() {
  const time = { ms: 0 };
  const turns = new Turns({ turnsMax: 1, ownersMax: 3 }, { monotonicMs: () => time.ms });
  const begun: string[] = [];
  const start = (name: string, work: (turn: Turn) => Promise<void>, signal = new AbortController().signal) =>
    turns.run(signal, (turn) => {
      begun.push(name);
      return work(turn);
    });
  return { time, turns, begun, start };
}

/** A promise, and what resolves it. */
function gate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open = (): void => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('turns', () => {
  it('are had one after another, and counted', async () => {
    const { time, turns, begun, start } = setup();
    const [a, b] = [gate(), gate()];
    const all = [start('a', () => a.passed), start('b', () => b.passed), start('c', async () => {})];
    expect(await start('d', async () => {})).toBe(false);
    expect(begun).toEqual(['a']);
    expect(turns.counts).toEqual({ depth: 2, served: 1, dropped: 1, waitedMs: 0 });
    time.ms = 50;
    a.open();
    await settle();
    expect(begun).toEqual(['a', 'b']);
    b.open();
    expect(await Promise.all(all)).toEqual([true, true, true]);
    expect(turns.counts).toEqual({ depth: 0, served: 3, dropped: 1, waitedMs: 100 });
  });

  it('go to another while one is paused, and come back', async () => {
    const { turns, begun, start } = setup();
    const [reader, b] = [gate(), gate()];
    const first = start('a', async (turn) => {
      await turn.pausedFor(reader.passed);
      begun.push('a again');
    });
    const second = start('b', () => b.passed);
    await settle();
    expect(begun).toEqual(['a', 'b']);
    reader.open();
    await settle();
    expect(begun).toEqual(['a', 'b']);
    b.open();
    await Promise.all([first, second]);
    expect(begun).toEqual(['a', 'b', 'a again']);
    expect(turns.counts.depth).toBe(0);
  });

  it('are lost by who gives up before, and by nobody else', async () => {
    const { turns, begun, start } = setup();
    const a = gate();
    const leaving = new AbortController();
    const first = start('a', () => a.passed);
    const second = start('b', async () => {}, leaving.signal);
    const third = start('c', async () => {});
    leaving.abort(new Error('gone'));
    await expect(second).rejects.toThrow('gone');
    expect(turns.counts).toMatchObject({ depth: 1, dropped: 1 });
    a.open();
    await Promise.all([first, third]);
    expect(begun).toEqual(['a', 'c']);
  });
});
