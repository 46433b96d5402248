import { expect, it } from 'vitest';
import { QueueMeter } from '#base/std/queue-meter';

it('a queue counts its depth, served and dropped entries, and their waits', () => {
  let nowMs = 1000;
  const meter = new QueueMeter({ monotonicMs: () => nowMs });
  expect(meter.counts).toEqual({ depth: 0, served: 0, dropped: 0, waitedMs: 0 });
  meter.pass();
  const [first, second] = [meter.enter(), meter.enter()];
  meter.enter();
  meter.refuse();
  expect(meter.counts).toEqual({ depth: 3, served: 1, dropped: 1, waitedMs: 0 });
  nowMs += 30;
  meter.serve(first);
  nowMs += 20;
  meter.serve(second);
  meter.giveUp();
  expect(meter.counts).toEqual({ depth: 0, served: 3, dropped: 2, waitedMs: 80 });
});
