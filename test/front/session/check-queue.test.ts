import { expect, it } from 'vitest';
import { limits } from '#base/limits';
import { QueueMeter } from '#base/std/queue-meter';
import { CheckQueue } from '#front/session/login/check-queue';

it('the queue of password checks counts waiting, served and dropped checks', async () => {
  let nowMs = 0;
  const meter = new QueueMeter({ monotonicMs: () => nowMs });
  const queue = new CheckQueue(meter);
  const ends: (() => void)[] = [];
  const check = (): Promise<void> => new Promise((resolve) => ends.push(resolve));
  const outcomes: Promise<unknown>[] = [];
  const ask = (address: string): void =>
    void outcomes.push(queue.run(address, check).catch((error: Error) => error.message));
  for (let at = 0; at < limits.passwordChecksMax; at += 1) ask(`10.0.${at}.1`);
  expect(meter.counts).toMatchObject({ depth: 0, served: limits.passwordChecksMax });
  // A queue full of one subnet's checks: the next one of that subnet is refused, and one of another takes a place.
  for (let at = 0; at < limits.passwordQueueMax; at += 1) ask(`10.1.0.${at % 250}`);
  expect(meter.counts).toMatchObject({ depth: limits.passwordQueueMax, dropped: 0 });
  ask('10.1.0.251');
  expect(meter.counts).toMatchObject({ depth: limits.passwordQueueMax, dropped: 1 });
  ask('10.2.0.1');
  expect(meter.counts).toMatchObject({ depth: limits.passwordQueueMax, dropped: 2 });
  nowMs = 7;
  ends[0]?.();
  await outcomes[0];
  expect(meter.counts).toEqual({
    depth: limits.passwordQueueMax - 1,
    served: limits.passwordChecksMax + 1,
    dropped: 2,
    waitedMs: 7,
  });
  for (let at = 1; at < ends.length; at += 1) {
    ends[at]?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect((await Promise.all(outcomes)).filter((outcome) => outcome === 'too many checks wait')).toHaveLength(2);
  expect(meter.counts).toMatchObject({ depth: 0, served: limits.passwordChecksMax + limits.passwordQueueMax });
});
