import { expect, it } from 'vitest';
import type { NodeStatus } from '../../src/domain/ports.ts';
import { OutageWatch } from '../../src/node/outage.ts';

it('tells of an outage once it has lasted, and of its end', () => {
  const said: string[] = [];
  let status: NodeStatus = { ready: true };
  let nowMs = 0;
  const watch = new OutageWatch(
    { graceMs: 3000 },
    {
      clock: { monotonicMs: () => nowMs },
      status: () => status,
      began: (reason) => said.push(reason),
      over: () => said.push('over'),
    },
  );
  const after = (seconds: number): void => {
    for (let second = 0; second < seconds; second += 1) {
      nowMs += 1000;
      watch.tick();
    }
  };
  after(5);
  status = { ready: false, reason: 'a blink' };
  after(3);
  status = { ready: true };
  after(5);
  expect(said).toEqual([]);
  status = { ready: false, reason: 'gone' };
  after(3);
  expect(said).toEqual([]);
  after(10);
  expect(said).toEqual(['gone']);
  status = { ready: true };
  after(10);
  expect(said).toEqual(['gone', 'over']);
});
