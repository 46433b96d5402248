import { describe, expect, it } from 'vitest';
import { penalties, rejectReasons, type Verdict } from '#base/domain/verdict';
import { limits } from '#base/limits';
import { Bans } from '#front/net/door/bans';
import { MEMORY_MS } from '#front/net/door/conduct';
import { DOOR_TICK_MS, Door } from '#front/net/door/door';
import { type DoorSettings, doorOptions, ranges } from '#front/net/door/door-options';
import type { Visit } from '#front/net/door/visit';
import { judgedShare } from '../../shares/sharelog/fixtures.ts';
import { recordedLogger } from '../../support/recorded-logger.ts';
import { doorSettings } from './door-settings.ts';
import { ManualClock } from './manual-clock.ts';

/** A connection with a session behind it, as the door sees them. */
class Guest {
  closed = false;
  heldMs = 0;
  readonly expelled: string[] = [];
  visit: Visit | undefined;

  constructor(door: Door, address: string) {
    this.visit = door.enter(address, this);
  }

  expel(name: string): void {
    this.expelled.push(name);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.leave('dismissed');
  }

  leave(how: 'went' | 'dismissed'): void {
    this.visit?.leave(how);
  }

  hold(ms: number): void {
    this.heldMs = Math.max(this.heldMs, ms);
  }

  /** Logs in; false if the worker is kept out. */
  login(name = 'rig'): boolean {
    this.visit?.received(2, 200);
    return this.visit?.admits(name) ?? false;
  }

  share(verdict: Verdict, count = 1, name?: string): void {
    const worker = name === undefined ? undefined : { name, account: name, rig: '' };
    for (let i = 0; i < count; i += 1) {
      if (!this.closed) this.visit?.received(1, 120);
      this.visit?.judged(judgedShare({ verdict, worker, share: { workerName: name ?? '' } }));
    }
  }
}

function setup(changes: { limits?: Partial<DoorSettings['limits']>; bans?: boolean; allow?: string[] } = {}) {
  const clock = new ManualClock();
  const logger = recordedLogger();
  const enabled = changes.bans ?? true;
  const bans = new Bans(
    { enabled, allow: ranges(changes.allow ?? []), deny: [], entriesMax: 1000 },
    { clock, changed: () => undefined, banned: (ban) => door.evict(ban) },
  );
  const options = doorOptions({ ...doorSettings(changes.limits), bans: { enabled } });
  const door: Door = new Door(options, { clock, logger, bans });
  const tick = (lateMs = 0): void => {
    clock.advance(DOOR_TICK_MS + lateMs);
    door.tick();
  };
  return {
    clock,
    logger,
    bans,
    door,
    tick,
    guest: (address: string) => new Guest(door, address),
    pass(ms: number): void {
      for (let passed = 0; passed < ms; passed += DOOR_TICK_MS) tick();
    },
  };
}

describe('bad shares', () => {
  it('ban an address, show out all its connections and keep it out until the ban is over', () => {
    const { guest, bans, clock, door, tick, logger } = setup();
    const [a, b, other] = [guest('192.0.2.1'), guest('192.0.2.1'), guest('192.0.2.2')];
    a.share('low-difficulty', limits.banPoints - 1);
    expect(a.closed).toBe(false);
    a.share('low-difficulty');
    expect([a.closed, b.closed, other.closed]).toEqual([true, true, false]);
    expect(guest('192.0.2.1').visit).toBeUndefined();
    expect(bans.list()).toMatchObject([{ address: '192.0.2.1', reason: 'bad shares', times: 1 }]);
    expect(door.counters).toMatchObject({ evicted: 2, banned: 1 });
    tick();
    expect(logger.lines.filter(({ message }) => message === 'banned')).toHaveLength(1);
    clock.advance(60_000);
    expect(guest('192.0.2.1').visit).toBeDefined();
  });

  it('are one line of log, however many addresses send them', () => {
    const { guest, logger, tick } = setup();
    for (let i = 1; i <= 200; i += 1) guest(`10.0.0.${i}`).share('malformed', 30);
    tick();
    expect(logger.lines).toHaveLength(1);
    expect(logger.lines[0]?.fields).toMatchObject({ address: '10.0.0.1', bans: 200 });
  });

  it('earn points by the verdict table', () => {
    const needed = (verdict: Verdict): number => {
      const miner = setup().guest('192.0.2.1');
      let count = 0;
      while (!miner.closed && count < 100_000) {
        miner.share(verdict);
        count += 1;
      }
      return count;
    };
    const byPenalty = { none: 100_000, late: 5000, 'bad-work': 100, abuse: 20 } as const;
    for (const reason of rejectReasons) {
      const penalty = penalties[reason];
      // Sums of 0.02 are a little off.
      expect(needed(reason) - byPenalty[penalty], reason).toBeLessThanOrEqual(penalty === 'late' ? 1 : 0);
      expect(needed(reason), reason).toBeGreaterThanOrEqual(byPenalty[penalty]);
    }
    expect(needed('accepted')).toBe(100_000);
  });

  it('among honest work do no harm: a share of bad below half is never banned', () => {
    const { guest, tick } = setup();
    const miner = guest('192.0.2.1');
    for (let second = 0; second < 1000; second += 1) {
      miner.share('accepted', 6);
      miner.share('low-difficulty', 2);
      miner.share('duplicate', 2);
      tick();
    }
    expect(miner.closed).toBe(false);
  });

  it('fade: a miner that is wrong now and then is never banned', () => {
    const { guest, pass } = setup();
    const miner = guest('192.0.2.1');
    for (let round = 0; round < 100; round += 1) {
      miner.share('low-difficulty', 15);
      pass(MEMORY_MS / 5);
    }
    expect(miner.closed).toBe(false);
  });

  it('of a farm proxy after a restart of the pool, thousands of them late, do no harm', () => {
    const { guest } = setup();
    const proxy = guest('192.0.2.1');
    proxy.share('job-not-found', 2000);
    proxy.share('unauthorized', 1000);
    proxy.share('stale', 1500);
    proxy.share('accepted', 1000);
    proxy.share('stale', 40_000);
    expect(proxy.closed).toBe(false);
  });

  it('from one miner behind a NAT cost that miner its connection and the others nothing', () => {
    const { guest, bans, door } = setup();
    const honest = Array.from({ length: 300 }, () => guest('192.0.2.1'));
    for (const miner of honest) miner.share('accepted', 60);
    const bad = guest('192.0.2.1');
    bad.share('low-difficulty', 100);
    expect(bad.closed).toBe(true);
    expect(honest.some(({ closed }) => closed)).toBe(false);
    expect(bans.list()).toEqual([]);
    expect(door.counters.misbehaved).toBe(1);
    expect(guest('192.0.2.1').visit).toBeDefined();
  });

  it('that are judged when the connection has gone count for the address', () => {
    const { guest, bans } = setup();
    const hit = guest('192.0.2.1');
    hit.share('accepted');
    hit.leave('went');
    hit.share('malformed', 25);
    expect(bans.refuses('192.0.2.1')).toBe(true);
  });

  it('have no consequence if bans are off, or for allowed addresses', () => {
    const off = setup({ bans: false }).guest('192.0.2.1');
    const allowed = setup({ allow: ['192.0.2.1'] }).guest('192.0.2.1');
    for (const miner of [off, allowed]) {
      miner.share('malformed', 10_000);
      expect(miner.closed).toBe(false);
    }
  });
});

describe('other misconduct', () => {
  it.each([
    ['junk', 100],
    ['foreign', 200],
    ['overlong', 100],
    ['bad-handshake', 200],
    ['slow-reader', 100],
    ['bad-login', 200],
  ] as const)('%s before a login bans an address with nobody else at %d', (offence, count) => {
    const { guest, bans } = setup();
    for (let i = 1; i <= count; i += 1) {
      expect(bans.list()).toEqual([]);
      const peer = guest('192.0.2.1');
      peer.visit?.received(1, 1);
      peer.visit?.offend(offence);
      peer.leave('went');
    }
    expect(bans.list()).toHaveLength(1);
  });

  it('is to say nothing: a hundred silent sockets ban an address, a health check every second does not', () => {
    const { guest, bans, pass } = setup();
    for (let i = 0; i < 100; i += 1) guest('192.0.2.1').close();
    expect(bans.list()).toMatchObject([{ address: '192.0.2.1', reason: 'silent connections' }]);
    for (let second = 0; second < 2000; second += 1) {
      guest('192.0.2.2').leave('went');
      pass(1000);
    }
    expect(bans.refuses('192.0.2.2')).toBe(false);
  });

  it('is to go in the middle of the first line, again and again', () => {
    const { guest, bans } = setup();
    for (let i = 0; i < 100; i += 1) {
      const peer = guest('192.0.2.1');
      peer.visit?.received(0, 20);
      peer.leave('went');
    }
    expect(bans.list()).toMatchObject([{ address: '192.0.2.1', reason: 'cut logins' }]);
  });

  it('earns no points once the pool closes', () => {
    const { guest, door, bans } = setup();
    const peers = Array.from({ length: 500 }, () => guest('192.0.2.1'));
    door.close();
    for (const peer of peers) peer.close();
    expect(bans.list()).toEqual([]);
  });
});

describe('an address with innocent neighbours', () => {
  const HOME = '192.0.2.1';
  function miner(all: ReturnType<typeof setup>, name: string, accepted: number): Guest {
    const guest = all.guest(HOME);
    expect(guest.login(name)).toBe(true);
    guest.share('accepted', accepted, name);
    return guest;
  }

  it('is not banned however often one worker comes back with bad shares, and that worker is kept out', () => {
    const all = setup();
    const honest = miner(all, 'good', 1);
    let refusals = 0;
    for (let round = 0; round < 300; round += 1) {
      const bad = all.guest(HOME);
      if (bad.login('bad')) bad.share('malformed', 100, 'bad');
      else refusals += 1;
      bad.leave('went');
      all.pass(1000);
      honest.share('accepted', round % 10 === 0 ? 1 : 0, 'good');
    }
    expect(all.bans.list()).toEqual([]);
    expect(honest.closed).toBe(false);
    expect(refusals).toBeGreaterThan(290);
    expect(all.door.counters).toMatchObject({ expelled: refusals, misbehaved: 300 - refusals });
  });

  it('lets a worker that was kept out try again after a minute, with few shares to lose', () => {
    const all = setup();
    miner(all, 'good', 60);
    miner(all, 'bad', 0).share('low-difficulty', limits.banPoints, 'bad');
    expect(all.guest(HOME).login('bad')).toBe(false);
    expect(all.guest(HOME).login('other')).toBe(true);
    all.pass(limits.keptOutMs + DOOR_TICK_MS);
    const again = all.guest(HOME);
    expect(again.login('bad')).toBe(true);
    expect(all.bans.list()).toEqual([]);
    again.share('low-difficulty', limits.probationPoints - 1, 'bad');
    expect(again.closed).toBe(false);
    // The points of its address have faded a little.
    again.share('low-difficulty', limits.probationPoints, 'bad');
    expect(again.closed).toBe(true);
  });

  it('lets in a bad device whose name healthy ones share, and closes it again', () => {
    const all = setup();
    const healthy = miner(all, 'same', 60);
    const bad = miner(all, 'same', 0);
    bad.share('low-difficulty', limits.banPoints, 'same');
    expect([bad.closed, healthy.closed, all.guest(HOME).login('same')]).toEqual([true, false, true]);
  });

  it('keeps them while no client has an accepted share yet, but not beside a flood', () => {
    const all = setup();
    const slow = miner(all, 'nerdminer', 0);
    miner(all, 'bad', 0).share('low-difficulty', limits.banPoints, 'bad');
    expect([all.bans.list(), slow.closed]).toEqual([[], false]);
    for (let worker = 0; all.bans.list().length === 0 && worker < 1000; worker += 1) {
      miner(all, `bad${worker}`, 0).share('low-difficulty', limits.banPoints, `bad${worker}`);
    }
    expect(all.bans.list()).toMatchObject([{ address: HOME, reason: 'bad shares' }]);
  });

  it('is not banned for what comes before a login, whatever it is and however much', () => {
    const all = setup();
    const idle = miner(all, 'nerdminer', 0);
    for (const offence of ['junk', 'foreign', 'overlong', 'bad-handshake', 'hung-up', 'silent', 'cut'] as const) {
      for (let i = 0; i < 500; i += 1) {
        const stranger = all.guest(HOME);
        stranger.visit?.offend(offence);
        stranger.visit?.offend('junk');
        stranger.leave('went');
      }
    }
    expect([all.bans.list(), idle.closed]).toEqual([[], false]);
  });

  it('is not banned while its only miner reconnects', () => {
    const all = setup();
    const honest = miner(all, 'good', 10);
    all.pass(limits.presenceMsMin);
    const knock = (count: number): void => {
      for (let i = 0; i < count; i += 1) {
        const stranger = all.guest(HOME);
        stranger.visit?.offend('foreign');
        stranger.leave('went');
      }
    };
    knock(400);
    honest.leave('went');
    all.pass(5000);
    knock(100);
    expect(all.bans.list()).toEqual([]);
    all.pass(limits.presenceMs);
    knock(400);
    expect(all.bans.list()).toMatchObject([{ reason: 'another protocol' }]);
  });

  it('delays new connections once it has the points of a ban, and no others', () => {
    const all = setup();
    miner(all, 'good', 60);
    expect(all.guest(HOME).visit?.slowedMs).toBe(0);
    miner(all, 'bad', 0).share('low-difficulty', limits.banPoints, 'bad');
    expect([all.guest(HOME).visit?.slowedMs, all.guest('192.0.2.2').visit?.slowedMs]).toEqual([limits.slowedMs, 0]);
    expect(all.door.counters.slowed).toBe(1);
    expect(limits.slowedMs).toBeLessThan(1000);
  });
});

describe('a connection of many workers', () => {
  it('loses a bad one, while the others go on', () => {
    const { guest, bans } = setup();
    const proxy = guest('192.0.2.1');
    for (const name of ['a', 'b', 'bad']) expect(proxy.login(name)).toBe(true);
    for (let round = 0; round < 100; round += 1) {
      proxy.share('low-difficulty', 10, 'bad');
      if (round % 10 === 0) proxy.share('accepted', 1, 'a');
      if (round % 10 === 5) proxy.share('accepted', 1, 'b');
      if (proxy.expelled.length > 0) break;
    }
    expect([proxy.expelled, proxy.closed, bans.list()]).toEqual([['bad'], false, []]);
    expect([proxy.visit?.admits('bad'), proxy.visit?.admits('new')]).toEqual([false, true]);
    // Its device goes on sending until it has heard.
    proxy.share('unauthorized', 5000, 'bad');
    expect(proxy.closed).toBe(false);
  });

  it('loses several that are bad together before it is closed', () => {
    const { guest } = setup();
    const proxy = guest('192.0.2.1');
    for (const name of ['a', 'bad1', 'bad2']) proxy.login(name);
    proxy.share('accepted', 5, 'a');
    for (let round = 0; round < limits.banPoints / 2; round += 1) {
      proxy.share('duplicate', 1, 'bad1');
      proxy.share('duplicate', 1, 'bad2');
    }
    expect([proxy.expelled, proxy.closed]).toEqual([['bad1', 'bad2'], false]);
  });

  it('is closed if none of its workers has accepted shares', () => {
    const { guest, bans } = setup();
    const proxy = guest('192.0.2.1');
    for (const name of ['a', 'b']) proxy.login(name);
    proxy.share('malformed', 20, 'a');
    expect([proxy.closed, bans.list().length]).toEqual([true, 1]);
  });
});

describe('a ban', () => {
  it('ends the points with it', () => {
    const { guest, bans, clock } = setup();
    const attacker = guest('192.0.2.1');
    attacker.share('low-difficulty', limits.banPoints);
    // What was under way comes out during the ban.
    attacker.share('low-difficulty', 5000);
    clock.advance(60_000);
    guest('192.0.2.1').share('low-difficulty', limits.banPoints - 1);
    expect(bans.list()).toEqual([]);
    guest('192.0.2.1').share('low-difficulty', 1);
    expect(bans.list()).toMatchObject([{ times: 2 }]);
  });

  it('for what came before a login lasts a minute, however often', () => {
    const { guest, bans, clock } = setup();
    for (let times = 0; times < 5; times += 1) {
      for (let i = 0; i < 2 * limits.banPoints; i += 1) guest('192.0.2.1').visit?.offend('foreign');
      expect(bans.list()).toMatchObject([{ untilMs: clock.nowMs() + 60_000, times: 1 }]);
      clock.advance(60_000);
    }
    guest('192.0.2.1').share('malformed', 20);
    expect(bans.list()).toMatchObject([{ untilMs: clock.nowMs() + 600_000, times: 2 }]);
  });
});

describe('when places run out', () => {
  it('connections that never had an accepted share give way, those of the fullest address first', () => {
    const { guest, pass, door } = setup({ limits: { connections: 40 } });
    const idle = Array.from({ length: 30 }, () => guest('10.0.0.1'));
    const nerd = guest('10.0.2.1');
    const working = Array.from({ length: 9 }, (_, i) => guest(`10.0.1.${i + 1}`));
    for (const peer of [...idle, nerd, ...working]) peer.login();
    for (const miner of working) miner.share('accepted', 1, 'rig');
    pass(limits.idlerMsMin);
    expect(idle.some(({ closed }) => closed)).toBe(false);
    for (let i = 0; i < 3; i += 1) expect(guest('10.0.9.9').visit).toBeUndefined();
    pass(DOOR_TICK_MS);
    expect(idle.map(({ closed }) => closed)).toEqual(idle.map((_, i) => i < 3));
    expect([nerd, ...working].some(({ closed }) => closed)).toBe(false);
    expect(door.counters.idle).toBe(3);
    expect(guest('10.0.9.9').visit).toBeDefined();
  });

  it('of one address or subnet, the idle ones there give way, and no others', () => {
    const { guest, pass } = setup({ limits: { connectionsPerAddress: 3, connectionsPerSubnet: 5 } });
    const elsewhere = guest('10.1.0.1');
    const crowd = ['10.0.0.1', '10.0.0.1', '10.0.0.1', '10.0.0.2', '10.0.0.2'].map(guest);
    pass(limits.strangerMsMin);
    expect(guest('10.0.0.1').visit).toBeUndefined();
    pass(DOOR_TICK_MS);
    expect(crowd.map(({ closed }) => closed)).toEqual([true, false, false, false, false]);
    expect(guest('10.0.0.3').visit).toBeDefined();
    expect(guest('10.0.0.3').visit).toBeUndefined();
    pass(DOOR_TICK_MS);
    expect(crowd.map(({ closed }) => closed)).toEqual([true, true, false, false, false]);
    expect(elsewhere.closed).toBe(false);
  });

  it('a new connection is not closed to make room', () => {
    const { guest, pass } = setup({ limits: { connections: 2 } });
    const [a, b] = [guest('10.0.0.1'), guest('10.0.0.2')];
    expect(guest('10.0.0.3').visit).toBeUndefined();
    pass(DOOR_TICK_MS);
    expect([a.closed, b.closed]).toEqual([false, false]);
  });
});

describe('traffic', () => {
  it('over the rate of a connection waits as long as it takes to be within it', () => {
    const { guest, clock } = setup({ limits: { lines: 100, bytes: 100_000, submits: 50 } });
    const miner = guest('192.0.2.1');
    miner.visit?.received(200, 1);
    expect(miner.heldMs).toBe(0);
    miner.visit?.received(50, 1);
    expect(miner.heldMs).toBe(500);
    clock.advance(10_000);
    miner.heldMs = 0;
    miner.visit?.received(1, 300_000);
    expect(miner.heldMs).toBe(1000);
    clock.advance(10_000);
    miner.heldMs = 0;
    // Shares are judged after they were read, and held against what is read next.
    miner.share('accepted', 101);
    expect(miner.heldMs).toBe(0);
    miner.visit?.received(0, 1);
    expect(miner.heldMs).toBe(20);
  });

  it('of many connections of an address is limited together', () => {
    const { guest } = setup({ limits: { lines: 100 } });
    const peers = Array.from({ length: 9 }, () => guest('192.0.2.1'));
    // Each within its own burst of 200; the address has four times that.
    for (const peer of peers) peer.visit?.received(100, 1);
    expect(peers.map(({ heldMs }) => heldMs > 0)).toEqual([...new Array(8).fill(false), true]);
    const other = guest('192.0.2.2');
    other.visit?.received(100, 1);
    expect(other.heldMs).toBe(0);
  });

  it('of a farm proxy with 10,000 workers at 12 shares a minute is within the defaults', () => {
    const { guest, pass } = setup({
      limits: {
        lines: limits.linesPerSecondMax,
        bytes: limits.bytesPerSecondMax,
        submits: limits.submitsPerSecondMax,
      },
    });
    const proxy = guest('192.0.2.1');
    for (let i = 0; i < 10_000; i += 1) proxy.visit?.received(1, 150);
    for (let second = 0; second < 60; second += 1) {
      proxy.share('accepted', 2000);
      pass(1000);
    }
    expect(proxy.heldMs).toBe(0);
  });

  it('counts a look-up as many lines, and an address gets no more than so many, over all its connections', () => {
    const { guest, clock } = setup({ limits: { lines: 1000 } });
    const [one, two, other] = [guest('192.0.2.1'), guest('192.0.2.1'), guest('192.0.2.2')];
    const lookUps = (miner: Guest, count: number): number =>
      Array.from({ length: count }, () => miner.visit?.affords()).filter((afforded) => afforded === true).length;
    expect(lookUps(one, limits.lookUpBurst - 10)).toBe(limits.lookUpBurst - 10);
    expect(lookUps(two, 20)).toBe(10);
    expect(lookUps(other, 20)).toBe(20);
    for (const miner of [one, two, other]) miner.visit?.received(20, 1000);
    expect(one.heldMs).toBeGreaterThan(90_000);
    expect([two.heldMs > 0, other.heldMs]).toEqual([true, 20]);
    // What was refused was not charged.
    other.heldMs = 0;
    clock.advance(10_000);
    other.visit?.received(2000, 1000);
    expect(other.heldMs).toBe(0);
    expect(lookUps(one, 10_000)).toBe(limits.lookUpBurst);
  });

  it('of exempt addresses is not limited', () => {
    const { guest } = setup({ limits: { lines: 1, bytes: 1, submits: 1, exempt: ['127.0.0.0/8'] } });
    const peer = guest('127.5.0.1');
    peer.visit?.received(1e9, 1e12);
    peer.share('accepted', 1000);
    for (let i = 0; i < 10_000; i += 1) expect(peer.visit?.affords()).toBe(true);
    peer.visit?.received(1, 1);
    expect(peer.heldMs).toBe(0);
  });
});

describe('the debt of an address', () => {
  const indebted = () => {
    const bench = setup();
    const guests = Array.from({ length: 8 }, () => bench.guest('192.0.2.1'));
    // Each is within its own limit; together they are over four times that.
    for (const guest of guests) guest.visit?.received(doorSettings().limits.lines * 2, 1000);
    return { ...bench, guests };
  };

  it('holds a neighbour that sends little for a bounded moment', () => {
    const { guest } = indebted();
    const neighbour = guest('192.0.2.1');
    for (let line = 0; line < 10; line += 1) neighbour.visit?.received(1, 100);
    expect(neighbour.heldMs).toBe(limits.neighbourHoldMs);
  });

  it('delays connections that send much until the address is within its rate', () => {
    const { guest } = indebted();
    const other = guest('192.0.2.1');
    other.visit?.received(limits.modestLineBurst + 1, 100);
    expect(other.heldMs).toBeGreaterThan(1000);
  });

  it('outlives the last connection', () => {
    const { guests, guest, pass } = indebted();
    for (const each of guests) each.leave('went');
    const next = guest('192.0.2.1');
    next.visit?.received(limits.modestLineBurst + 1, 100);
    expect(next.heldMs).toBeGreaterThan(1000);
    next.leave('went');
    pass(60_000);
    const later = guest('192.0.2.1');
    later.visit?.received(limits.modestLineBurst + 1, 100);
    expect(later.heldMs).toBe(0);
  });
});

describe('overload', () => {
  it('refuses new connections first, sheds the noisiest sessions then, and ends by itself', () => {
    const { guest, door, tick } = setup({ limits: { exempt: ['127.0.0.1'] } });
    const honest = Array.from({ length: 50 }, (_, i) => guest(`10.0.1.${i + 1}`));
    const proxy = guest('10.0.2.1');
    const noisy = Array.from({ length: 30 }, (_, i) => guest(`10.0.3.${i + 1}`));
    const work = (): void => {
      for (const miner of honest) miner.share('accepted', 1);
      proxy.share('accepted', 3000);
      for (const [i, peer] of noisy.entries()) if (!peer.closed) peer.visit?.received(100 + i, 10_000);
    };
    work();
    tick(limits.overloadLagMsMax + 1);
    expect(door.overloaded).toBe(false);
    work();
    tick(limits.overloadLagMsMax + 1);
    expect(door.overloaded).toBe(true);
    expect(guest('10.0.9.9').visit).toBeUndefined();
    expect(guest('127.0.0.1').visit).toBeDefined();
    // The loudest went first.
    expect(noisy.map(({ closed }) => closed)).toEqual(noisy.map((_, i) => i >= 30 - limits.shedSessionsMax));
    work();
    tick(limits.overloadLagMsMax + 1);
    expect(noisy.every(({ closed }) => closed)).toBe(true);
    expect([proxy, ...honest].some(({ closed }) => closed)).toBe(false);
    for (let i = 0; i < 4; i += 1) {
      expect(guest('10.0.9.9').visit).toBeUndefined();
      tick();
    }
    expect(door.overloaded).toBe(false);
    expect(guest('10.0.9.9').visit).toBeDefined();
    expect(door.counters).toMatchObject({ shed: 30, overloaded: 5, evicted: 0 });
  });

  it('is not a single late tick', () => {
    const { door, tick } = setup();
    for (let i = 0; i < 10; i += 1) tick(i % 2 === 0 ? 5000 : 0);
    expect(door.overloaded).toBe(false);
  });
});

describe('bans by operators', () => {
  it('close the connections of a range, except allowed addresses', () => {
    const { guest, bans } = setup({ allow: ['192.0.2.9'] });
    const peers = ['192.0.2.1', '192.0.2.9', '192.0.3.1', '2001:db8::1'].map(guest);
    bans.add('192.0.2.0/24', 60_000, 'by hand');
    expect(peers.map(({ closed }) => closed)).toEqual([true, false, false, false]);
    bans.add('2001:db8::/32', 60_000, 'by hand');
    expect(peers.map(({ closed }) => closed)).toEqual([true, false, false, true]);
  });
});
