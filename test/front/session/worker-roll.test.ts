import { describe, expect, it } from 'vitest';
import type { Worker } from '#base/domain/share';
import { limits } from '#base/limits';
import { MinerBook } from '#front/session/workers/miner-book';
import { WorkerCounts } from '#front/session/workers/worker-counts';
import { WorkerRoll } from '#front/session/workers/worker-roll';
import { Client, ManualClock, makeBench } from './support.ts';

const worker = (rig: string): Worker => ({ name: `me.${rig}`, account: 'me', rig });

function setup(authorizedWorkers = 0) {
  const { counters } = makeBench().registry;
  const workerCounts = new WorkerCounts();
  const books = { counters: { ...counters, authorizedWorkers }, miners: new MinerBook({ clock: new ManualClock() }) };
  const context = { ...books, workerCounts };
  return { context, workerCounts, roll: (ip: string) => new WorkerRoll(ip, 12, context) };
}

describe('the workers of a connection', () => {
  it('are one at least, even if other connections have used up the limit', () => {
    const { roll, context } = setup(limits.workersPerGatewayMax);
    const late = roll('192.0.2.9');
    expect(late.takes('me.1')).toBe(true);
    late.add(worker('1'));
    expect([late.takes('me.1'), late.takes('me.2')]).toEqual([true, false]);
    context.counters.authorizedWorkers = 1;
    expect(late.takes('me.2')).toBe(true);
  });

  it('are no more than their host may have over all its connections, and are free again when they go', () => {
    const { roll, workerCounts } = setup();
    workerCounts.add('192.0.2.1', limits.workersPerAddressMax - 2);
    const [one, two, other] = [roll('192.0.2.1'), roll('192.0.2.1'), roll('192.0.2.2')];
    for (const each of [one, two, other]) each.add(worker('1'));
    expect([one, two, other].map((each) => each.takes('me.2'))).toEqual([false, false, true]);
    expect(roll('192.0.2.1').takes('me.1')).toBe(true);
    two.dismiss();
    expect(one.takes('me.2')).toBe(true);
  });

  it('count for an IPv6 /64', () => {
    const { roll, workerCounts } = setup();
    workerCounts.add('2001:db8::/64', limits.workersPerAddressMax - 1);
    const farm = roll('2001:db8::1');
    farm.add(worker('1'));
    expect([farm.takes('me.2'), workerCounts.size]).toEqual([false, 1]);
    farm.dismiss();
    workerCounts.add('2001:db8::/64', 1 - limits.workersPerAddressMax);
    expect(workerCounts.size).toBe(0);
  });

  it('of one address are refused beyond a share of all, and a newcomer is not', () => {
    const { registry, stratum } = makeBench();
    for (let connection = 0; connection < 2; connection += 1) {
      const farm = new Client(stratum, '192.0.2.1');
      for (let rig = 0; rig < limits.workersPerSessionMax; rig += 1) farm.call('mining.authorize', [`farm.${rig}`]);
    }
    expect(registry.counters.authorizedWorkers).toBe(limits.workersPerAddressMax);
    const more = new Client(stratum, '192.0.2.1');
    expect(more.call('mining.authorize', ['farm.a'])).toMatchObject([{ result: true }]);
    expect(more.call('mining.authorize', ['farm.b'])).toMatchObject([{ error: [20, 'Too many workers', null] }]);
    const newcomer = new Client(stratum, '192.0.2.2');
    for (const name of ['new.a', 'new.b']) {
      expect(newcomer.call('mining.authorize', [name])).toMatchObject([{ result: true }]);
    }
  });
});
