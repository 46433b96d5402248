import { expect, it } from 'vitest';
import { OutageWatch } from '#pool/outage';

function watched() {
  const said: string[] = [];
  let nowMs = 0;
  let causes: string[] = [];
  const watch = new OutageWatch(
    { tellMs: 3000, letGoMs: 10_000 },
    {
      clock: { monotonicMs: () => nowMs },
      causes: () => causes,
      began: (why) => said.push(`began: ${why.join()}`),
      lasts: (why) => said.push(`lasts: ${why.join()}`),
      over: () => said.push('over'),
    },
  );
  return {
    said,
    is(...now: string[]): void {
      causes = now;
    },
    after(seconds: number): void {
      for (let second = 0; second < seconds; second += 1) {
        nowMs += 1000;
        watch.tick();
      }
    },
  };
}

it('says nothing of an outage that is short', () => {
  const { said, is, after } = watched();
  after(5);
  is('a blink');
  after(3);
  is();
  after(5);
  expect(said).toEqual([]);
});

it('tells of an outage, that it lasts, and of its end, once each', () => {
  const { said, is, after } = watched();
  is('no node');
  after(4);
  expect(said).toEqual(['began: no node']);
  is('no node', 'no disk');
  after(6);
  expect(said).toEqual(['began: no node']);
  after(30);
  expect(said).toEqual(['began: no node', 'lasts: no node,no disk']);
  is();
  after(10);
  expect(said).toEqual(['began: no node', 'lasts: no node,no disk', 'over']);
  is('no node again');
  after(4);
  expect(said.at(-1)).toBe('began: no node again');
});
