import { describe, expect, it } from 'vitest';
import type { GatewayProcess } from '#cluster/gateway-process';
import type { ToGateway } from '#cluster/messages';
import { Relay } from '#cluster/relay';
import type { Member } from '#cluster/supervisor';
import { Deliveries } from '#shares/sharelog/consumers/deliveries';
import { recordedContainment } from '../support/containment.ts';
import { makeJob } from '../support/front.ts';
import { recordedLogger } from '../support/recorded-logger.ts';

function setup(solved: () => Promise<void> = async () => {}) {
  const sent: [slot: number, message: ToGateway][] = [];
  const punished: string[] = [];
  const { contain, lines } = recordedContainment();
  const members: Member[] = [];
  const member = (slot: number): Member => {
    const process: GatewayProcess = {
      pid: 1,
      gone: new Promise(() => {}),
      kill: () => {},
      onMessage: () => () => {},
      send: (message) => void sent.push([slot, message]),
    };
    return { slot, process };
  };
  const relay = new Relay({
    contain,
    logger: recordedLogger(),
    members: () => members,
    bans: {
      punish: (address) => {
        punished.push(address);
        return undefined;
      },
    },
    deliveries: new Deliveries(),
    solved,
    wantsJob: () => {},
  });
  const join = (slot: number): Member => {
    const joined = member(slot);
    members.push(joined);
    relay.joined(joined);
    return joined;
  };
  const typesTo = (slot: number): string[] => sent.flatMap(([to, { type }]) => (to === slot ? [type] : []));
  return { relay, sent, punished, members, join, typesTo, contained: lines };
}
const settle = () => new Promise((resolve) => setImmediate(resolve));
const solution = { serial: 1 } as never;

describe('the relay between pool and gateways', () => {
  it('sends a new gateway the current job, or the reason why there is none', async () => {
    const { relay, join, typesTo } = setup();
    join(0);
    expect(typesTo(0)).toEqual(['crowd']);
    relay.announce(makeJob(1, 1), Promise.resolve());
    await settle();
    expect(typesTo(0)).toEqual(['crowd', 'job', 'kept']);
    join(1);
    await settle();
    expect(typesTo(1)).toEqual(['crowd', 'job', 'kept']);
    relay.pause({ type: 'let-go', reason: 'no node' });
    join(2);
    expect(typesTo(2)).toEqual(['crowd', 'let-go']);
  });

  it('knows the oldest job that a gateway can have which joins now', () => {
    const { relay } = setup();
    expect([relay.oldestSerial, relay.newestSerial]).toEqual([0, -1]);
    const job = makeJob(1, 1);
    relay.announce(job, Promise.resolve());
    expect([relay.oldestSerial, relay.newestSerial]).toEqual([job.serial, job.serial]);
    relay.pause({ type: 'pause', reason: 'no node' });
    // The job before the pause is never sent again.
    expect([relay.oldestSerial, relay.newestSerial]).toEqual([job.serial + 1, job.serial]);
  });

  it('reports new connections to the others, and subtracts those of an ended gateway', () => {
    const { relay, sent, members, join } = setup();
    const [one] = [join(0), join(1)];
    sent.length = 0;
    relay.heard(one, { type: 'crowd', changes: [['192.0.2.1', 2, 2]] });
    expect(sent).toEqual([[1, { type: 'crowd', changes: [['192.0.2.1', 2, 2]] }]]);
    members.shift();
    relay.left(one);
    expect(sent.at(-1)).toEqual([1, { type: 'crowd', changes: [['192.0.2.1', -2, 0]] }]);
    // What it said last comes too late.
    relay.heard(one, { type: 'crowd', changes: [['192.0.2.1', 1, 1]] });
    expect(sent).toHaveLength(2);
    join(2);
    expect(sent.at(-1)).toEqual([2, { type: 'crowd', changes: [] }]);
  });

  it('says that blocks are kept when all of them are, and also if one was none', async () => {
    const keeps: (() => void)[] = [];
    const { relay, join, typesTo } = setup(() => new Promise((resolve) => keeps.push(resolve)));
    relay.heard(join(0), { type: 'solved', what: 'blocks 1', solutions: [solution, solution] });
    keeps[1]?.();
    await settle();
    expect(typesTo(0)).not.toContain('kept');
    keeps[0]?.();
    await settle();
    expect(typesTo(0)).toContain('kept');
    const throwing = setup(() => {
      throw new Error('no such job');
    });
    throwing.relay.heard(throwing.join(0), { type: 'solved', what: 'blocks 1', solutions: [solution] });
    await settle();
    expect(throwing.typesTo(0)).toContain('kept');
    expect(throwing.contained).toHaveLength(1);
  });

  it('has misconduct held against its address', () => {
    const { relay, join, punished } = setup();
    relay.heard(join(0), { type: 'misconduct', address: '192.0.2.9', reason: 'x', brief: false });
    expect(punished).toEqual(['192.0.2.9']);
  });
});
