import { describe, expect, it } from 'vitest';
import { createMetrics } from '#base/telemetry/metrics';
import { Aggregate } from '#cluster/aggregate';
import type { ToGateway } from '#cluster/messages';
import type { Member } from '#cluster/supervisor';
import { NO_STATUS } from '#gateway/status';
import type { ShareLogStatus } from '#shares/sharelog/share-log';

/** A gateway's own counts, and what it reports of them. */
function gateway(slot: number) {
  const sent: ToGateway[] = [];
  const metrics = createMetrics();
  const member = { slot, process: { send: (message: ToGateway) => void sent.push(message) } } as unknown as Member;
  const door = { ...NO_STATUS.door };
  const report = () => ({
    type: 'report' as const,
    status: { ...NO_STATUS, sessions: 5, door: { ...door } },
    tally: metrics.tally(),
    journal: { keptRows: slot } as ShareLogStatus,
  });
  return { member, metrics, door, report, sent };
}

describe('what all gateways come to', () => {
  it('is the sum of their last reports, and the counters of those that are gone', () => {
    const metrics = createMetrics();
    const members: Member[] = [];
    let difficulty = 0;
    const worked = (more: number): void => {
      difficulty += more;
    };
    const aggregate = new Aggregate({ metrics, members: () => members, worked });
    const [one, other] = [gateway(0), gateway(1)];
    members.push(one.member, other.member);
    for (const { member, metrics: own, door, report } of [one, other]) {
      own.opened('tcp');
      own.counts.gateway.acceptedDifficulty += 8;
      door.banned += 1;
      aggregate.heard(member, report());
      own.counts.gateway.acceptedDifficulty += 4;
      door.banned += 1;
      aggregate.heard(member, report());
    }
    expect(difficulty).toBe(24);
    expect(metrics.counts.gateway.acceptedDifficulty).toBe(24);
    expect(metrics.connections().tcp).toBe(2);
    expect(aggregate.status()).toMatchObject({ sessions: 10, door: { banned: 4 } });
    expect(aggregate.journals()).toEqual([{ keptRows: 0 }, { keptRows: 1 }]);

    members.shift();
    aggregate.left(one.member);
    expect(metrics.connections().tcp).toBe(1);
    expect(metrics.counts.gateway.everOpened.tcp).toBe(2);
    expect(metrics.counts.gateway.acceptedDifficulty).toBe(24);
    expect(aggregate.status()).toMatchObject({ sessions: 5, door: { banned: 4 } });
    expect(aggregate.journals()).toEqual([{ keptRows: 1 }]);
    // Once: what is gone is not taken off again.
    aggregate.left(one.member);
    expect(metrics.connections().tcp).toBe(1);
    expect(aggregate.status().door.banned).toBe(4);
  });

  it.each([true, false])(
    'has what a gateway says last, though that comes after its end (after another: %s)',
    (reported) => {
      const metrics = createMetrics();
      const members: Member[] = [];
      const aggregate = new Aggregate({ metrics, members: () => members, worked: () => {} });
      const one = gateway(0);
      members.push(one.member);
      one.metrics.opened('tcp');
      one.metrics.counts.gateway.acceptedDifficulty += 8;
      if (reported) aggregate.heard(one.member, one.report());
      members.pop();
      aggregate.left(one.member);
      one.metrics.counts.gateway.acceptedDifficulty += 1;
      for (let twice = 0; twice < 2; twice += 1) aggregate.heard(one.member, one.report());
      expect(metrics.counts.gateway.acceptedDifficulty).toBe(9);
      expect(metrics.connections().tcp).toBe(0);
      expect(metrics.counts.gateway.everOpened.tcp).toBe(1);
    },
  );

  it('asks each running gateway about a miner, and no ended one', async () => {
    const members: Member[] = [];
    const aggregate = new Aggregate({ metrics: createMetrics(), members: () => members, worked: () => {} });
    const [one, other] = [gateway(0), gateway(1)];
    members.push(one.member, other.member);
    const view = aggregate.miner({ account: 'me', after: undefined, workersMax: 0 });
    const [asked] = one.sent;
    if (asked?.type === 'miner') aggregate.heard(one.member, { type: 'miner', id: asked.id, view: undefined });
    aggregate.left(other.member);
    expect(await view).toBeUndefined();
  });
});
