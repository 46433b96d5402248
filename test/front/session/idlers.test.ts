import { describe, expect, it } from 'vitest';
import { limits } from '#base/limits';
import { closings } from '#front/session/closings';
import { ExtranonceAllocator } from '#front/session/extranonces/extranonce';
import { type Bench, type Client, inShort, type Line, makeBench, makeJob } from './support.ts';

/** As many extranonces as a gateway of these options has. */
const ALL = 256;

function setup(): Bench {
  const bench = makeBench({}, { extranonces: new ExtranonceAllocator({ prefix: 0, prefixBits: 24 }) });
  bench.registry.broadcast(makeJob(1));
  return bench;
}

function work({ intake }: Bench, client: Client, verdict: 'accepted' | 'low-difficulty' = 'accepted'): void {
  client.call('mining.submit', ['someone.rig', '0000000001', '0000000000000001', '6553f164', '00000001']);
  intake.settle(verdict);
}

function subscribe(client: Client): Line | undefined {
  return client.call('mining.subscribe', ['test/1'])[0];
}

/** Connections that have logged in, until no extranonce is free. */
function fill({ connect }: Bench): Client[] {
  return Array.from({ length: ALL }, () => {
    const client = connect();
    client.login();
    return client;
  });
}

/** Those that were closed, by their place. */
function closed(clients: readonly Client[]): number[] {
  return clients.flatMap(({ wire }, place) => (wire.closes > 0 ? [place] : []));
}

describe('when no extranonce is free', () => {
  it('the oldest session without an accepted share makes room, and no other', () => {
    const bench = setup();
    const clients = fill(bench);
    for (const place of [0, 2]) work(bench, clients[place] as Client);
    work(bench, clients[1] as Client, 'low-difficulty');
    bench.clock.ms += limits.idlerMsMin;
    const newcomer = bench.connect();
    expect(subscribe(newcomer)?.error).toBeNull();
    expect(closed(clients)).toEqual([1]);
    expect(inShort(clients[1]?.wire.take() ?? [])).toContain(`message ${closings.idle}`);
    expect(subscribe(bench.connect())?.error).toBeNull();
    expect(closed(clients)).toEqual([1, 3]);
    expect(bench.registry.counters.takenBack).toBe(2);
  });

  it('a session that has not had time to get a share accepted is not closed', () => {
    const bench = setup();
    const clients = fill(bench);
    bench.clock.ms += limits.idlerMsMin - 1;
    expect(subscribe(bench.connect())?.error?.[1]).toMatch(/No extranonce is free/);
    expect(closed(clients)).toEqual([]);
  });

  it('a connection that has not logged in makes room sooner', () => {
    const bench = setup();
    const clients = Array.from({ length: ALL }, (_, place) => {
      const client = bench.connect();
      if (place < 3) client.login();
      else subscribe(client);
      return client;
    });
    bench.clock.ms += limits.strangerMsMin;
    expect(subscribe(bench.connect())?.error).toBeNull();
    expect(closed(clients)).toEqual([3]);
  });

  it('a session with accepted or pending shares is not closed', () => {
    const bench = setup();
    const clients = fill(bench);
    for (const client of clients.slice(1)) work(bench, client);
    clients[0]?.call('mining.submit', ['someone.rig', '0000000001', '0000000000000001', '6553f164', '00000001']);
    bench.clock.ms += 3_600_000;
    expect(subscribe(bench.connect())?.error?.[1]).toMatch(/No extranonce is free/);
    bench.intake.settle('low-difficulty');
    expect(subscribe(bench.connect())?.error).toBeNull();
    expect(closed(clients)).toEqual([0]);
  });

  it('a new session gets the extranonce of a closed one, and none of its jobs', () => {
    const bench = setup();
    const clients = fill(bench);
    bench.registry.broadcast(makeJob(2));
    bench.clock.ms += limits.idlerMsMin;
    const newcomer = bench.connect();
    const [, extranonce1] = (subscribe(newcomer)?.result ?? []) as [unknown?, string?];
    expect(extranonce1).toBe('00000000');
    const lines = newcomer.call('mining.authorize', ['someone.rig']);
    // The id's last part is one that nobody could foresee; here they are counted, one for each session before.
    expect(inShort(lines).at(-1)).toBe(`job 0000000002${(ALL + 1).toString(16).padStart(4, '0')} clean`);
    expect(bench.intake.promised(newcomer, 1, 0)).toBeUndefined();
    expect(bench.intake.promised(newcomer, 2, 0)).toBeUndefined();
    expect(clients[0]?.wire.closes).toBe(1);
    clients[0]?.handler.onClose();
    expect(subscribe(bench.connect())?.result, 'it is not given away twice').not.toEqual(
      expect.arrayContaining(['00000000']),
    );
  });
});
