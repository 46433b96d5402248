import { describe, expect, it } from 'vitest';
import { TokenBucket } from '#base/domain/token-bucket';
import { Admission, type AdmissionLimits } from '#front/net/door/admission';
import { ManualClock } from './manual-clock.ts';

const plenty = { perSecond: 1e6, burst: 1e6 };
const limits: AdmissionLimits = {
  connections: 100,
  connectionsHere: 100,
  connectionsPerAddress: 100,
  connectionsPerSubnet: 100,
  handshakes: plenty,
  handshakesPerAddress: plenty,
  handshakesPerSubnet: plenty,
};

function setup(changes: Partial<AdmissionLimits>) {
  const clock = new ManualClock();
  const admission = new Admission({ ...limits, ...changes }, { clock, shared: false });
  const enter = (address: string, exempt = false) => admission.enter(address, exempt) ?? 'in';
  return { clock, admission, enter };
}

describe('a token bucket', () => {
  it('gives its burst at once and its rate from then on', () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 3 }, 0);
    expect([1, 2, 3, 4].map(() => bucket.take(1, 0))).toEqual([true, true, true, false]);
    expect(bucket.take(1, 99)).toBe(false);
    expect(bucket.take(1, 100)).toBe(true);
    expect(bucket.full(399)).toBe(false);
    expect(bucket.full(401)).toBe(true);
    // It does not grow beyond its burst, and a clock that stands still or goes back gives nothing.
    expect([1, 2, 3, 4].map(() => bucket.take(1, 1e9))).toEqual([true, true, true, false]);
    expect(bucket.take(1, 0)).toBe(false);
  });

  it('says how long a debt takes', () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 5 }, 0);
    expect(bucket.spend(5, 0)).toBe(0);
    expect(bucket.spend(2, 0)).toBe(200);
    expect(bucket.spend(0, 150)).toBe(50);
    expect(bucket.spend(0, 200)).toBe(0);
  });
});

describe('admission', () => {
  it('takes no more connections than the process has descriptors for', () => {
    const { admission, enter } = setup({ connectionsHere: 2 });
    expect(enter('192.0.2.1')).toBe('in');
    expect(enter('198.51.100.1', true)).toBe('in');
    expect(enter('203.0.113.1', true)).toBe('connections');
    admission.leave('192.0.2.1');
    expect(enter('203.0.113.1')).toBe('in');
  });

  it('counts open connections of an address, of its neighbours and of all', () => {
    const { admission, enter } = setup({ connections: 6, connectionsPerSubnet: 4, connectionsPerAddress: 2 });
    expect(['192.0.2.1', '192.0.2.1', '192.0.2.1'].map((a) => enter(a))).toEqual(['in', 'in', 'connections']);
    expect(['192.0.2.2', '192.0.2.3', '192.0.2.4'].map((a) => enter(a))).toEqual(['in', 'in', 'connections']);
    expect(['198.51.100.1', '203.0.113.1', '10.0.0.1'].map((a) => enter(a))).toEqual(['in', 'in', 'connections']);
    admission.leave('192.0.2.1');
    expect(enter('192.0.2.1')).toBe('in');
    expect(admission.open).toBe(6);
  });

  it('takes an IPv6 /64 for one address and a /48 for its neighbours', () => {
    const { enter } = setup({ connectionsPerSubnet: 2, connectionsPerAddress: 1 });
    expect(enter('2001:db8:1:1::1')).toBe('in');
    expect(enter('2001:db8:1:1:ffff::2')).toBe('connections');
    expect(enter('2001:db8:1:2::1')).toBe('in');
    expect(enter('2001:db8:1:3::1')).toBe('connections');
    expect(enter('2001:db8:2::1')).toBe('in');
  });

  it('limits the rate of new connections, and lets a farm come back at once', () => {
    const { clock, admission, enter } = setup({ handshakesPerAddress: { perSecond: 10, burst: 20 } });
    const again = () => {
      const result = enter('192.0.2.1');
      if (result === 'in') admission.leave('192.0.2.1');
      return result;
    };
    expect(Array.from({ length: 20 }, again)).toEqual(new Array(20).fill('in'));
    expect(again()).toBe('handshakes');
    clock.advance(100);
    expect([again(), again()]).toEqual(['in', 'handshakes']);
    expect(enter('192.0.2.2')).toBe('in');
  });

  it('does not let a flood from one address use up what others need', () => {
    const { enter } = setup({
      handshakes: { perSecond: 1, burst: 10 },
      handshakesPerAddress: { perSecond: 1, burst: 2 },
    });
    for (let i = 0; i < 1000; i += 1) enter('192.0.2.1');
    expect(['198.51.100.1', '198.51.100.2', '203.0.113.1'].map((a) => enter(a))).toEqual(['in', 'in', 'in']);
  });

  it('exempts from all but the total', () => {
    const none = { perSecond: 1, burst: 0 };
    const { enter } = setup({ connections: 2, connectionsPerAddress: 0, handshakes: none, handshakesPerAddress: none });
    expect(enter('127.0.0.1')).toBe('connections');
    expect(['127.0.0.1', '127.0.0.1', '127.0.0.1'].map((a) => enter(a, true))).toEqual(['in', 'in', 'connections']);
  });

  it('forgets addresses without connections', () => {
    const { clock, admission, enter } = setup({ handshakesPerAddress: { perSecond: 1, burst: 2 } });
    for (let i = 0; i < 50; i += 1) {
      enter(`10.0.${i}.1`);
      if (i > 0) admission.leave(`10.0.${i}.1`);
    }
    admission.sweep();
    expect(admission.remembered).toBe(100);
    clock.advance(5000);
    admission.sweep();
    // One address and its subnet: the one that stayed.
    expect(admission.remembered).toBe(2);
    expect(admission.open).toBe(1);
  });
});

describe('admission in several gateways', () => {
  /** Gateways of one pool, as far as admission goes; `tell` is what happens every TELL_MS. */
  function gateways(count: number, changes: Partial<AdmissionLimits>) {
    const clock = new ManualClock();
    const all = Array.from({ length: count }, () => new Admission({ ...limits, ...changes }, { clock, shared: true }));
    const tell = (): void => {
      const told = all.map((admission) => admission.news());
      for (const [from, news] of told.entries())
        for (const [to, admission] of all.entries()) if (to !== from) admission.hear(news);
    };
    const enter = (gateway: number, address: string) => all[gateway]?.enter(address, false) ?? 'in';
    return { clock, all, tell, enter };
  }

  it('counts what all of them have open: of an address, of its neighbours, and of all', () => {
    const { tell, enter, all } = gateways(2, { connections: 6, connectionsPerSubnet: 4, connectionsPerAddress: 2 });
    const open = (gateway: number, address: string) => {
      const result = enter(gateway, address);
      tell();
      return result;
    };
    expect([0, 1, 0, 1].map((gateway) => open(gateway, '192.0.2.1'))).toEqual([
      'in',
      'in',
      'connections',
      'connections',
    ]);
    expect([1, 1, 0].map((gateway) => open(gateway, `192.0.2.${2 + gateway}`))).toEqual(['in', 'in', 'connections']);
    expect(['198.51.100.1', '203.0.113.1', '10.0.0.1'].map((a) => open(0, a))).toEqual(['in', 'in', 'connections']);
    all[1]?.leave('192.0.2.1');
    expect(enter(0, '192.0.2.1')).toBe('connections');
    tell();
    expect(enter(0, '192.0.2.1')).toBe('in');
  });

  it('takes an IPv6 /64 for one address in all of them', () => {
    const { tell, enter } = gateways(2, { connectionsPerSubnet: 2, connectionsPerAddress: 1 });
    expect(enter(0, '2001:db8:1:1::1')).toBe('in');
    tell();
    expect(enter(1, '2001:db8:1:1:ffff::2')).toBe('connections');
    expect(enter(1, '2001:db8:1:2::1')).toBe('in');
    tell();
    expect(enter(0, '2001:db8:1:3::1')).toBe('connections');
  });

  it('lets in too many only between two tellings, and no more than each would have alone', () => {
    const { tell, enter } = gateways(3, { connectionsPerAddress: 5 });
    const flood = (): number =>
      [0, 1, 2].flatMap((g) => Array.from({ length: 20 }, () => enter(g, '192.0.2.1'))).filter((r) => r === 'in')
        .length;
    expect(flood()).toBe(15);
    tell();
    expect(flood()).toBe(0);
  });

  it('spends one rate of new connections', () => {
    const { clock, tell, enter, all } = gateways(2, { handshakesPerAddress: { perSecond: 10, burst: 20 } });
    let entered = 0;
    for (let i = 0; i < 100; i += 1) {
      if (enter(i % 2, '192.0.2.1') !== 'in') continue;
      entered += 1;
      all[i % 2]?.leave('192.0.2.1');
      tell();
    }
    expect(entered).toBe(20);
    clock.advance(500);
    tell();
    // What one spends the other has no more.
    expect(
      [0, 1, 0, 1, 0, 1].map((g) => {
        const result = enter(g, '192.0.2.1');
        tell();
        return result;
      }),
    ).toEqual(['in', 'in', 'in', 'in', 'in', 'handshakes']);
  });

  it('reports nothing if nothing has changed, and forgets addresses without connections', () => {
    const { clock, tell, all, enter } = gateways(2, { handshakesPerAddress: { perSecond: 1, burst: 2 } });
    for (let i = 0; i < 50; i += 1) enter(0, `10.0.${i}.1`);
    const news = all[0]?.news() ?? [];
    expect(news).toHaveLength(50);
    all[1]?.hear(news);
    expect(all[0]?.news()).toEqual([]);
    for (let i = 0; i < 50; i += 1) all[0]?.leave(`10.0.${i}.1`);
    expect(all.map(({ remembered }) => remembered)).toEqual([100, 100]);
    tell();
    clock.advance(60_000);
    for (const admission of all) admission.sweep();
    expect(all.map(({ remembered }) => remembered)).toEqual([0, 0]);
  });
});
