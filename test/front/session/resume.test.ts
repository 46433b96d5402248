import { afterEach, describe, expect, it } from 'vitest';
import { limits } from '#base/limits';
import { closings } from '#front/session/closings';
import { Front, type Work } from '../../support/front.ts';
import { type Client, inShort, makeBench, makeJob } from './support.ts';

const AGENT = 'BFGMiner/5.5.0';

interface Seat {
  readonly id: string;
  readonly extranonce1: string;
}

function subscribe(client: Client, sessionId?: string): Seat {
  const [reply] = client.call('mining.subscribe', sessionId === undefined ? [AGENT] : [AGENT, sessionId]);
  const [topics = [], extranonce1 = ''] = (reply?.result ?? []) as [string[][]?, string?];
  return { id: topics[0]?.[1] ?? '', extranonce1 };
}

function login(client: Client, sessionId?: string): Seat {
  const seat = subscribe(client, sessionId);
  client.call('mining.authorize', ['someone.rig']);
  return seat;
}

const share = (job: string, nonce: number): string[] => [
  'someone.rig',
  job,
  '0000000000000001',
  '6553f164',
  nonce.toString(16),
];

describe('coming back', () => {
  it('gives back extranonce, difficulty and jobs, and the current job under an id of its own', () => {
    const { registry, connect, intake, clock } = makeBench();
    registry.broadcast(makeJob(1));
    const first = connect();
    const was = login(first);
    first.call('mining.suggest_difficulty', [5120]);
    first.handler.onClose();
    clock.ms += limits.resumeMsMax;
    const second = connect();
    expect(subscribe(second, was.id)).toEqual(was);
    const work = second.call('mining.authorize', ['someone.rig']);
    expect(inShort(work)).toEqual(['result true', 'difficulty 5120', 'job 00000000010003 clean']);
    // Firmware that starts extranonce2 over must not find its old headers again.
    expect(String(work[2]?.params?.[2]).slice(-4)).toBe('0003');
    expect([0, 1, 2, 3, 4].map((variant) => intake.promised(second, 1, variant)?.difficulty)).toEqual([
      undefined,
      1000,
      5120,
      5120,
      undefined,
    ]);
    expect(registry.counters.resumed).toBe(1);
    registry.broadcast(makeJob(2));
    expect(inShort(second.wire.take())).toEqual(['job 0000000002']);
  });

  it('works within its time, and only with the right id', () => {
    const { registry, connect, clock } = makeBench();
    registry.broadcast(makeJob(1));
    const leave = (): Seat => {
      const client = connect();
      const was = login(client);
      client.handler.onClose();
      return was;
    };
    const was = leave();
    const wrong = was.id.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'));
    expect(subscribe(connect(), wrong).extranonce1).not.toBe(was.extranonce1);
    expect(subscribe(connect(), was.id).extranonce1).toBe(was.extranonce1);
    const late = leave();
    clock.ms += limits.resumeMsMax + 1;
    registry.tick();
    expect(subscribe(connect(), late.id).extranonce1).not.toBe(late.extranonce1);
  });

  it('loses nothing when the new connection is cut before it authorises, or at any other time', () => {
    const { registry, connect, intake, clock } = makeBench();
    registry.broadcast(makeJob(1));
    const first = connect();
    const was = login(first, undefined);
    first.handler.onClose();
    for (let time = 0; time < 3; time += 1) {
      clock.ms += limits.resumeMsMax - 1;
      registry.tick();
      const cut = connect();
      expect(subscribe(cut, was.id)).toEqual(was);
      if (time === 1) {
        // It is closed for not authorising.
        clock.ms += limits.authorizeMsMax + 1;
        registry.tick();
        expect(cut.wire.closes).toBe(1);
      }
      cut.handler.onClose();
    }
    const back = connect();
    expect(login(back, was.id)).toEqual(was);
    back.call('mining.submit', share('00000000010001', 1));
    expect(intake.held[0]?.terms?.difficulty).toBe(1000);
  });

  it('is a new session if there was no work yet', () => {
    const { connect } = makeBench();
    const first = connect();
    const was = login(first);
    first.handler.onClose();
    expect(login(connect(), was.id).id).not.toBe(was.id);
  });

  it('gives another extranonce if no more terms fit the session', () => {
    const { registry, connect, intake, clock } = makeBench({ jobsMax: 2 });
    registry.broadcast(makeJob(1));
    const first = connect();
    const was = login(first);
    for (let wish = 2; wish <= limits.termsPerSessionMax; wish += 1) {
      clock.ms += 2000;
      first.call('mining.suggest_difficulty', [2 + (wish % 2)]);
    }
    first.handler.onClose();
    // Otherwise job 1 could be had at a difficulty chosen after seeing its hashes.
    const second = connect();
    second.call('mining.suggest_difficulty', [80]);
    const seat = login(second, was.id);
    expect(seat.extranonce1).not.toBe(was.extranonce1);
    expect(seat.id).not.toBe(was.id);
    const variants = Array.from({ length: limits.termsPerSessionMax + 2 }, (_, variant) => variant);
    expect(variants.map((variant) => intake.promised(second, 1, variant)?.difficulty).filter(Boolean)).toEqual([80]);
    const third = connect();
    expect(login(third, was.id).extranonce1, 'it is nobody’s').not.toBe(was.extranonce1);
    for (const serial of [2, 3]) registry.broadcast(makeJob(serial));
    expect(login(connect()).extranonce1, 'anybody’s, when its jobs are gone').toBe(was.extranonce1);
  });
});

describe('coming back while the old connection is still open', () => {
  it('takes the session over and closes the old connection, whose shares on the way still count', () => {
    const { registry, connect, intake } = makeBench();
    registry.broadcast(makeJob(1));
    const old = connect();
    const was = login(old);
    old.call('mining.submit', share('00000000010001', 1));
    const back = connect();
    expect(login(back, was.id)).toEqual(was);
    expect(old.wire.closes).toBe(1);
    expect(inShort(old.wire.take())).toEqual([`message ${closings.taken}`]);
    const [held] = intake.held;
    expect(held?.source.extranonce1, 'what it was made with').toEqual(Uint8Array.of(0xf0, 0, 0, 0));
    intake.settle('accepted');
    expect(inShort(old.call('mining.submit', share('00000000010001', 2)))).toEqual(['result true']);
    expect(intake.held[0]?.fault).toBe('not-subscribed');
    expect(intake.held[0]?.terms).toBeUndefined();
    old.call('mining.subscribe', [AGENT]);
    registry.broadcast(makeJob(2));
    expect(inShort(old.wire.take()), 'nothing more for it').toEqual([]);
    expect(inShort(back.wire.take())).toEqual(['job 0000000002']);
    old.handler.onClose();
    // The end of the old one gave nothing away.
    expect(login(connect()).extranonce1).toBe('f0000001');
  });

  it('sends a client that is still connected another extranonce, if it asked for that', () => {
    for (const ask of ['mining.extranonce.subscribe', 'mining.configure']) {
      const { registry, connect, intake } = makeBench();
      registry.broadcast(makeJob(1));
      const old = connect();
      const was = login(old);
      old.call(ask, ask === 'mining.configure' ? [['subscribe-extranonce'], {}] : []);
      old.call('mining.suggest_difficulty', [5120]);
      expect(login(connect(), was.id)).toEqual(was);
      const lines = old.wire.take();
      expect(lines[0]).toEqual({ id: null, method: 'mining.set_extranonce', params: ['f0000001', 8] });
      expect(inShort(lines.slice(1))).toEqual(['difficulty 5120', 'job 00000000010003 clean']);
      expect(old.wire.closes).toBe(0);
      old.call('mining.submit', share('00000000010003', 1));
      expect(intake.held[0]?.source.extranonce1).toEqual(Uint8Array.of(0xf0, 0, 0, 1));
      expect([0, 1, 2, 3].map((variant) => intake.promised(old, 1, variant)?.difficulty)).toEqual([...Array(3), 5120]);
      intake.settle('job-not-found');
      // It was not told another id, so nobody comes back to this one.
      old.handler.onClose();
      expect(registry.sessions).toBe(1);
    }
  });

  it('closes a client that asked for it if its shares are being judged', () => {
    const { registry, connect } = makeBench();
    registry.broadcast(makeJob(1));
    const old = connect();
    const was = login(old);
    old.call('mining.extranonce.subscribe');
    old.call('mining.submit', share('0000000001', 1));
    expect(login(connect(), was.id)).toEqual(was);
    expect(inShort(old.wire.take())).toEqual([`message ${closings.taken}`]);
    expect(old.wire.closes).toBe(1);
  });

  it('is not done in turns by two clients with one id', () => {
    const { registry, connect, clock } = makeBench();
    registry.broadcast(makeJob(1));
    const was = login(connect());
    const second = connect();
    expect(login(second, was.id)).toEqual(was);
    clock.ms += 9_999;
    const third = connect();
    const other = login(third, was.id);
    expect(other.extranonce1).not.toBe(was.extranonce1);
    expect(other.id).not.toBe(was.id);
    expect(second.wire.closes).toBe(0);
    clock.ms += 1;
    expect(login(connect(), was.id), 'a client whose connection dies again').toEqual(was);
    expect(second.wire.closes).toBe(1);
    // Nor is a connection protected that was lost before it authorised.
    expect(subscribe(connect(), other.id)).toEqual(other);
    expect(subscribe(connect(), other.id)).toEqual(other);
  });

  it('never gives one extranonce to two, in any order of coming and going', () => {
    const { registry, connect, clock } = makeBench({ jobsMax: 3 });
    const live = new Map<Client, string>();
    const ids: string[] = [];
    let [serial, state, moved, closed] = [1, 1, 0, 0];
    const random = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    registry.broadcast(makeJob(serial));
    for (let step = 0; step < 20_000; step += 1) {
      const what = random(10);
      if (what < 5 && live.size < 100) {
        const client = connect();
        const { id, extranonce1 } = login(client, random(2) === 0 ? ids[random(ids.length)] : undefined);
        for (const [other] of live) {
          for (const { method, params } of other.wire.take()) {
            if (method !== 'mining.set_extranonce') continue;
            live.set(other, String(params?.[0]));
            moved += 1;
          }
          if (other.wire.closes === 0) continue;
          live.delete(other);
          other.handler.onClose();
          closed += 1;
        }
        expect([...live.values()]).not.toContain(extranonce1);
        live.set(client, extranonce1);
        expect(new Set(live.values()).size).toBe(live.size);
        if (random(2) === 0) client.call('mining.extranonce.subscribe');
        ids.push(id);
        if (ids.length > 150) ids.shift();
      } else if (what < 9) {
        const client = [...live.keys()][random(live.size)];
        if (client) live.delete(client);
        client?.handler.onClose();
      } else {
        serial += 1;
        clock.ms += 20_000;
        registry.broadcast(makeJob(serial));
        registry.tick();
      }
    }
    expect(registry.counters.resumed).toBeGreaterThan(100);
    expect(moved).toBeGreaterThan(100);
    expect(closed).toBeGreaterThan(100);
  });
});

describe('the shares of both', () => {
  let front: Front;
  afterEach(() => front.close());

  it('are judged by what each was given, and none counts twice', async () => {
    const difficulty = { start: 1e-9, min: 1e-9, max: 1, vardiff: false, sharesPerMinute: 12 };
    front = await Front.open({ difficulty });
    front.announce();
    const old = front.connect();
    old.login();
    old.client.call('mining.extranonce.subscribe');
    const before = old.work as Work;
    const counted = old.solve();
    expect(old.submit(counted)).toBe('accepted');
    const unsent = old.solve();
    const back = front.connect();
    back.login({ sessionId: old.sessionId });
    old.hear();
    expect(back.extranonce1).not.toBe(old.extranonce1);
    // The client that came back goes on where it was, with the old job too.
    expect(back.submit(unsent)).toBe('accepted');
    expect(back.submit(counted)).toBe('duplicate');
    expect(back.submit(back.solve())).toBe('accepted');
    expect(back.submit(back.solve({ work: before, ntime: before.ntime + 1 }))).toBe('accepted');
    // The other goes on with its new extranonce, on work of its own.
    expect(old.submit(old.solve())).toBe('accepted');
    expect(old.submit(back.solve({ work: before }))).toBe('job-not-found');
  });
});

describe('what is remembered of difficulties', () => {
  it('is counted, in any order of coming, going and coming back, and all of it is forgotten in the end', () => {
    const { registry, connect, clock } = makeBench({ jobsMax: 4 });
    const open: { client: Client; seat: Seat }[] = [];
    const ids: string[] = [];
    let most = 0;
    for (let step = 0; step < 2000; step += 1) {
      clock.ms += 3_000;
      if (step % 5 === 0) registry.broadcast(makeJob(step));
      // A fixed course that comes to every mixture of these.
      const turn = (step * 7919 + (step >> 3)) % 11;
      const place = (step * 31) % Math.max(1, open.length);
      if (turn < 3 && open.length < 20) {
        const client = connect();
        const seat = login(client, turn === 0 ? ids.at((step * 13) % Math.max(1, ids.length)) : undefined);
        open.push({ client, seat });
        ids.push(seat.id);
      } else if (turn < 8) open[place]?.client.call('mining.suggest_difficulty', [2 ** (step % 17)]);
      else open.splice(place, 1)[0]?.client.handler.onClose();
      most = Math.max(most, registry.rungs);
    }
    expect(most).toBeGreaterThan(40);
    expect(registry.counters.resumed).toBeGreaterThan(20);
    for (const { client } of open) client.handler.onClose();
    clock.ms += limits.resumeMsMax + 1;
    registry.tick();
    expect(registry.rungs).toBe(0);
  });
});
