import { describe, expect, it } from 'vitest';
import { limits } from '#base/limits';
import { ExtranonceAllocator } from '#front/session/extranonces/extranonce';
import { type Estate, Resumable } from '#front/session/extranonces/resumable';
import { RungSum, TermsLadder } from '#front/session/work/terms';
import { type Bench, type Client, makeBench, makeJob } from './support.ts';

interface Seat {
  readonly id: string;
  readonly extranonce1: string;
}

function subscribe(client: Client, sessionId?: string): Seat {
  const [reply] = client.call('mining.subscribe', sessionId === undefined ? ['test/1'] : ['test/1', sessionId]);
  const [topics = [], extranonce1 = ''] = (reply?.result ?? []) as [string[][]?, string?];
  return { id: topics[0]?.[1] ?? '', extranonce1 };
}

/** Clients of an address that log in, and go. */
function leave({ connect }: Bench, count: number, addressOf: (place: number) => string): Seat[] {
  return Array.from({ length: count }, (_, place) => {
    const client = connect(addressOf(place));
    const seat = subscribe(client);
    client.call('mining.authorize', ['someone.rig']);
    client.handler.onClose();
    return seat;
  });
}

/** How many of these clients get their extranonce back. */
function back({ connect }: Bench, seats: readonly Seat[]): number {
  return seats.filter(({ id, extranonce1 }) => {
    const client = connect('203.0.113.250');
    return subscribe(client, id).extranonce1 === extranonce1;
  }).length;
}

function setup(): Bench {
  const bench = makeBench();
  bench.registry.broadcast(makeJob(1));
  return bench;
}

describe('clients that may come back', () => {
  it('are not pushed out by an IPv6 /64 that comes and goes without end', { timeout: 60_000 }, () => {
    const bench = setup();
    const honest = leave(bench, 10, () => '192.0.2.1');
    leave(bench, limits.resumableSessionsMax, (place) => `2001:db8::${(place & 0xffff).toString(16)}`);
    expect(back(bench, honest)).toBe(honest.length);
  });

  it('are all of a farm, as long as there is room', { timeout: 60_000 }, () => {
    const bench = setup();
    const farm = leave(bench, limits.resumablePerAddressMax + 10, () => '192.0.2.1');
    expect(back(bench, farm)).toBe(farm.length);
  });
});

/** What `Resumable` does, told in a list. */
class Model {
  readonly sessionsMax: number;
  readonly sessionsPerHostMax: number;
  readonly waitMsMax: number;
  list: { id: string; estate: Estate }[] = [];

  constructor(options: { sessionsMax: number; sessionsPerHostMax: number; waitMsMax: number }) {
    this.sessionsMax = options.sessionsMax;
    this.sessionsPerHostMax = options.sessionsPerHostMax;
    this.waitMsMax = options.waitMsMax;
  }

  count(host: string): number {
    return this.list.filter(({ estate }) => estate.host === host).length;
  }

  expire(nowMs: number): void {
    this.list = this.list.filter(({ estate }) => nowMs - estate.closedMs <= this.waitMsMax);
  }
}

describe('Resumable', () => {
  it('gives up only the too old, and of hosts over their part while there is one, in any order', () => {
    const options = { sessionsMax: 24, sessionsPerHostMax: 3, waitMsMax: 500 };
    const extranonces = new ExtranonceAllocator({ prefix: 0, prefixBits: 16 });
    const atFirst = extranonces.free;
    const rungs = new RungSum({ rungsMax: 1000 });
    const resumable = new Resumable(options, extranonces);
    const model = new Model(options);
    let nowMs = 0;
    let givenUp = 0;
    for (let step = 0; step < 5000; step += 1) {
      nowMs += (step * 7919) % 13;
      const turn = (step * 31 + (step >> 4)) % 9;
      if (turn === 0 && model.list.length > 0) {
        const at = (step * 17) % model.list.length;
        const { id, estate } = model.list.splice(at, 1)[0] as { id: string; estate: Estate };
        expect(resumable.take(id)).toBe(estate);
        expect(resumable.take(id)).toBeUndefined();
        extranonces.release(estate.extranonce, undefined);
        continue;
      }
      const host = `192.0.2.${[1, 1, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9][(step * 5 + (step >> 3)) % 12]}`;
      const estate = {
        ...{ host, extranonce: extranonces.allocate() as number, newestSerial: 0, credited: false },
        ...{
          history: { ladder: new TermsLadder({ rungsMax: 4 }, rungs), variants: [] },
          difficulty: 1,
          closedMs: nowMs,
          seized: false,
        },
      } as unknown as Estate;
      resumable.keep(`${step}`, estate);
      model.list.push({ id: `${step}`, estate });
      model.expire(nowMs);
      if (model.list.length > options.sessionsMax) {
        const overs = model.list.filter(({ estate: { host: h } }) => model.count(h) > options.sessionsPerHostMax);
        const gone = (overs.length > 0 ? overs : model.list).filter(({ id }) => {
          const found = resumable.take(id);
          if (found) resumable.keep(id, found);
          return found === undefined;
        });
        expect(gone).toHaveLength(1);
        model.list = model.list.filter((entry) => !gone.includes(entry));
        givenUp += 1;
      }
      expect(resumable.size).toBe(model.list.length);
    }
    expect(givenUp).toBeGreaterThan(1000);
    resumable.expire(nowMs + options.waitMsMax + 1);
    expect([resumable.size, resumable.hosts]).toEqual([0, 0]);
    extranonces.expire(1);
    expect(extranonces.free).toBe(atFirst);
  });
});
