import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { limits } from '#base/limits';
import { signedByNiceHash } from '#front/session/login/nicehash';
import { builtInProfiles, deviceProfiles } from '#front/session/profiles';
import { EasyShares } from '#front/session/work/easy-shares';
import { createJobFactory } from '#work/jobs/factory';
import { templateOn } from '../../work/jobs/fixtures.ts';
import { type Client, inShort, makeBench, makeJob, sessionOptions } from './support.ts';

const share = (job: string, nonce: number, name = 'someone.rig'): unknown[] => [
  name,
  job,
  '0000000000000001',
  '6553f164',
  nonce.toString(16),
];

function loginAs(client: Client, userAgent: string, more: unknown[] = []): string[] {
  client.call('mining.subscribe', [userAgent, ...more]);
  return inShort(client.call('mining.authorize', ['someone.rig', 'x']).slice(1));
}

describe('device profiles', () => {
  it.each([
    ['NiceHash/1.0.0', 'nicehash'],
    // Its own miner is no proxy of the market.
    ['excavator/1.8 (NiceHash/1.0)', 'other'],
    ['NerdMinerV2/V1.7.0', 'nerdminer'],
    ['bitaxe/BM1370/v2.6.0', 'esp-miner'],
    ['nerdqaxe++/BM1370/v1.0.29', 'esp-miner'],
    ['NerdEKO/BM1370/v1.0.36', 'esp-miner'],
    ['Antminer S19j Pro/1.0', 'antminer'],
    ['bmminer/2.0.0', 'antminer'],
    ['cgminer/4.12.1', 'cgminer'],
    ['cpuminer/2.5.1', 'other'],
    ['', 'other'],
  ])('knows %j as %s', (userAgent, name) => {
    expect(deviceProfiles([], 1)(userAgent).name).toBe(name);
  });

  it('puts the operator’s own first, and changes of a built-in one change no more than they name', () => {
    const profileOf = deviceProfiles(
      [
        { name: 'mine', match: ['cgminer/4.12.1-mine'], difficultyMin: 7 },
        { name: 'nicehash', match: ['nicehash'], difficultyMin: 1e6, ping: undefined },
      ],
      1,
    );
    expect(profileOf('cgminer/4.12.1-mine')).toMatchObject({ name: 'mine', difficultyMin: 7, ping: false });
    expect(profileOf('cgminer/4.12.1')).toMatchObject({ name: 'cgminer', ping: true });
    expect(profileOf('NiceHash/1')).toMatchObject({ difficultyMin: 1e6, coinbaseBytesMax: 500, ping: false });
  });

  it('goes below the pool’s minimum only if the operator’s minimum is at most 1', () => {
    expect(deviceProfiles([], 1)('nerdminer').difficultyMin).toBe(1e-4);
    expect(deviceProfiles([], 1000)('nerdminer').difficultyMin).toBeUndefined();
    expect(deviceProfiles([], 1000)('nicehash/1').difficultyMin).toBe(524_288);
    const own = { name: 'nerdminer', match: ['nerdminer'], difficultyMin: 0.5 };
    expect(deviceProfiles([own], 1000)('nerdminer').difficultyMin).toBe(0.5);
  });

  it('has room for this pool’s coinbase on every device', () => {
    // The longest output script that is paid (P2WSH, P2TR), and a commitment.
    const factory = createJobFactory(
      {
        epoch: 2 ** 20 - 1,
        bootId: '0123456789abcdef',
        identity: new Uint8Array(6),
        payoutScript: new Uint8Array(34).fill(0x51),
        tag: '/Sluice/',
      },
      { clock: { nowMs: () => 0, monotonicMs: () => 0 }, nextEpoch: () => 0, merkleBranch: () => [] },
    );
    const { coinb1, coinb2 } = factory.build(templateOn(1));
    const bytes = coinb1.length + 12 + coinb2.length;
    for (const { name, coinbaseBytesMax = Number.POSITIVE_INFINITY } of builtInProfiles) {
      expect(bytes, name).toBeLessThanOrEqual(coinbaseBytesMax);
    }
  });

  it('counts jobs that a device is known to take badly', () => {
    const { registry, connect } = makeBench();
    registry.broadcast(makeJob(1, { coinb1: new Uint8Array(400) }));
    loginAs(connect(), 'bitaxe/1');
    loginAs(connect(), 'cpuminer/1');
    expect(registry.counters.oversizedCoinbases).toBe(1);
  });

  it('sends raises, and only raises, with clean jobs to devices that need them', () => {
    const { registry, connect, clock } = makeBench();
    registry.broadcast(makeJob(1));
    const client = connect();
    loginAs(client, 'Antminer S19');
    const wish = (difficulty: number): string[] => {
      clock.ms += 5000;
      return inShort(client.call('mining.suggest_difficulty', [difficulty], null));
    };
    expect(wish(5120)).toEqual(['difficulty 5120', 'job 00000000010002 clean']);
    expect(wish(3072)).toEqual(['difficulty 3072', 'job 00000000010003']);
    client.call('mining.suggest_difficulty', [8192], null);
    registry.broadcast(makeJob(2));
    expect(inShort(client.wire.take()), 'also with another job').toEqual(['difficulty 8192', 'job 0000000002 clean']);
    client.call('mining.suggest_difficulty', [7168], null);
    registry.broadcast(makeJob(3));
    expect(inShort(client.wire.take())).toEqual(['difficulty 7168', 'job 0000000003']);
  });

  it.each([
    ['cpuminer', 1e-4, 1e-4],
    ['NerdMiner', 1e-4, 1e-4],
    // It is at its least already.
    ['nicehash/1', 524_288, Number.NaN],
  ])(
    'a suggestion of next to nothing is clamped, also for a %s, and so is one of the password',
    (agent, least, told) => {
      const { registry, connect, clock } = makeBench();
      registry.broadcast(makeJob(1));
      const client = connect();
      loginAs(client, agent);
      let last = Number.NaN;
      for (const wish of [1e-9, 5e-324, 1e-9, Number.MIN_VALUE]) {
        clock.ms += 5000;
        for (const { method, params } of client.call('mining.suggest_difficulty', [wish]))
          if (method === 'mining.set_difficulty') last = Number(params?.[0]);
      }
      expect(last).toBe(told);
      const other = connect();
      other.call('mining.subscribe', [agent]);
      const [, difficulty] = other.call('mining.authorize', ['me', 'd=0.000000001']);
      expect(difficulty?.params).toEqual([least]);
    },
  );

  it('limits easy shares of every device', () => {
    const { registry, connect, intake, clock } = makeBench();
    registry.broadcast(makeJob(1));
    const client = connect();
    expect(loginAs(client, 'NerdMiner')[0]).toBe('difficulty 0.00015');
    for (let nonce = 0; nonce < 1000; nonce += 1) {
      clock.ms += 10;
      client.call('mining.submit', share('00000000010001', nonce));
    }
    // Ten seconds: ten a second, and what it may send at once.
    const wanted = intake.held.filter(({ unwanted }) => !unwanted).length;
    expect(wanted).toBeGreaterThanOrEqual(100);
    expect(wanted).toBeLessThanOrEqual(160);
    expect(intake.held.length, 'any may be a block').toBe(1000);
    expect(registry.counters.shedShares).toBe(1000 - wanted);
    const strong = connect();
    loginAs(strong, 'cpuminer');
    for (let nonce = 0; nonce < 1000; nonce += 1) strong.call('mining.submit', share('00000000010002', nonce));
    expect(registry.counters.shedShares).toBe(1000 - wanted);
  });
});

describe('a device that asks for less than the pool’s minimum', () => {
  const agents = ['NerdMinerV2/V1.8.3', 'SparkMiner/v2.9.5', 'BitsyMiner/v1.5.16', 'ESP32s3-Taco/1.1', ''];

  it.each(agents)('gets it by a suggestion or its password, whatever it is called: %j', (agent) => {
    const { registry, connect } = makeBench();
    registry.broadcast(makeJob(1));
    const suggesting = connect();
    suggesting.call('mining.suggest_difficulty', [0.0014]);
    expect(loginAs(suggesting, agent)[0]).toBe(`difficulty ${1.5 * 2 ** -10}`);
    const fixing = connect();
    fixing.call('mining.subscribe', [agent]);
    expect(inShort(fixing.call('mining.authorize', ['me', 'd=0.0014'])).slice(1)[0]).toBe('difficulty 0.0014');
    const late = connect();
    loginAs(late, agent);
    expect(inShort(late.call('mining.suggest_difficulty', [0.0014]))[1]).toBe(`difficulty ${1.5 * 2 ** -10}`);
  });

  it('gets it no more when it asks for another', () => {
    const { registry, connect, clock } = makeBench();
    registry.broadcast(makeJob(1));
    const client = connect();
    client.call('mining.suggest_difficulty', [0.0014]);
    client.login();
    clock.ms += 5_000;
    expect(inShort(client.call('mining.suggest_difficulty', [2]))[1]).toBe('difficulty 2');
    // A silence of two minutes brings it down, to the pool's minimum.
    clock.ms += 120_000;
    registry.tick();
    expect(inShort(client.wire.take()).filter((line) => line.startsWith('difficulty'))).toEqual(['difficulty 1']);
  });

  it('does not get it if the operator’s minimum is above 1, or its profile has one', () => {
    const { registry, connect } = makeBench({ difficulty: { ...sessionOptions.difficulty, min: 512 } });
    registry.broadcast(makeJob(1));
    const asking = (agent: string): string | undefined => {
      const client = connect();
      client.call('mining.suggest_difficulty', [0.0014]);
      return loginAs(client, agent)[0];
    };
    expect(['NerdMiner', 'cpuminer', 'NiceHash/1'].map(asking)).toEqual([
      'difficulty 512',
      'difficulty 512',
      'difficulty 524288',
    ]);
  });

  it('has the same budget as one that only names itself weak, which gains no more', () => {
    const credited = (agent: string, wish?: number): { difficulty: string | undefined; wanted: number } => {
      const { registry, connect, intake, clock } = makeBench();
      registry.broadcast(makeJob(1));
      const client = connect();
      if (wish !== undefined) client.call('mining.suggest_difficulty', [wish]);
      const [difficulty] = loginAs(client, agent);
      for (let nonce = 0; nonce < 1000; nonce += 1) {
        clock.ms += 10;
        client.call('mining.submit', share('00000000010001', nonce));
      }
      return { difficulty, wanted: intake.held.filter(({ unwanted }) => !unwanted).length };
    };
    const asking = credited('cpuminer', 1e-9);
    const named = credited('NerdMiner');
    expect(asking.wanted).toBeLessThanOrEqual(160);
    expect(named.wanted).toBe(asking.wanted);
    expect(asking.difficulty).toBe(`difficulty ${limits.weakDifficultyMin}`);
    expect(named.difficulty).toBe('difficulty 0.00015');
  });

  it('goes on with it when it comes back', () => {
    const { registry, connect } = makeBench();
    registry.broadcast(makeJob(1));
    const first = connect();
    const [reply] = first.call('mining.subscribe', ['cpuminer']);
    const [topics = []] = (reply?.result ?? []) as [string[][]?];
    first.call('mining.suggest_difficulty', [0.0014]);
    first.call('mining.authorize', ['someone.rig', 'x']);
    first.handler.onClose();
    expect(loginAs(connect(), 'cpuminer', [topics[0]?.[1]])[0]).toBe(`difficulty ${1.5 * 2 ** -10}`);
  });
});

describe('the budget of easy shares', () => {
  it('is one for all sessions of an address, and leaves others theirs', () => {
    const { registry, connect, intake, clock } = makeBench();
    registry.broadcast(makeJob(1));
    const clients = Array.from({ length: 100 }, () => {
      const client = connect();
      loginAs(client, 'NerdMiner');
      return client;
    });
    const other = connect('198.51.100.9');
    loginAs(other, 'NerdMiner');
    for (let second = 0; second < 10; second += 1) {
      clock.ms += 1000;
      for (const [index, client] of clients.entries())
        for (let nonce = 0; nonce < 10; nonce += 1)
          client.call('mining.submit', share(`0000000001${(index + 1).toString(16).padStart(4, '0')}`, nonce));
    }
    const wanted = intake.held.filter(({ unwanted }) => !unwanted).length;
    expect(wanted).toBeLessThanOrEqual(10 * 100 + 600);
    expect(wanted).toBeGreaterThanOrEqual(1000);
    intake.held.length = 0;
    other.call('mining.submit', share('00000000010065', 1));
    expect(intake.held.map(({ unwanted }) => unwanted)).toEqual([false]);
  });

  it('is forgotten with its address', () => {
    const shares = new EasyShares(0);
    shares.take(shares.session(0), '192.0.2.7', 0);
    shares.sweep(0);
    expect(shares.size).toBe(1);
    shares.sweep(1_000);
    expect(shares.size).toBe(0);
  });
});

describe('a wish for more', () => {
  it('does not lift the budget of a weak device while its easy jobs are good', () => {
    const { registry, connect, intake, clock } = makeBench({ jobsMax: 3 });
    registry.broadcast(makeJob(1));
    const client = connect();
    loginAs(client, 'NerdMiner');
    clock.ms += 5000;
    expect(inShort(client.call('mining.suggest_difficulty', [1], null))[0]).toBe('difficulty 1');
    const wanted = (): number => {
      intake.held.length = 0;
      for (let nonce = 0; nonce < 1000; nonce += 1) client.call('mining.submit', share('00000000010001', nonce));
      return intake.held.filter(({ unwanted }) => !unwanted).length;
    };
    expect(wanted()).toBeLessThanOrEqual(60);
    for (const serial of [2, 3]) registry.broadcast(makeJob(serial));
    expect(wanted()).toBe(0);
    registry.broadcast(makeJob(4));
    expect(wanted(), 'the easy job is gone').toBe(1000);
  });
});

describe('NiceHash’s signature', () => {
  const niceHash = { key: '8f485301-e1e1-46a2-b5c4-0be884b9179f', secret: 'd373d733' };
  const sign = (timestamp: number, secret = niceHash.secret): string =>
    createHmac('sha256', secret)
      .update(Buffer.concat([Buffer.from(niceHash.key), Buffer.of(0), Buffer.from(String(timestamp))]))
      .digest('hex');

  it('is right for a time near ours, under the pool’s key and secret', () => {
    const now = 1_662_637_786_319;
    const at = (timestamp: number, hmac = sign(timestamp)) => ({ timestamp: String(timestamp), hmac });
    expect(signedByNiceHash(at(now), niceHash, now)).toBe(true);
    expect(signedByNiceHash(at(now - 300_000), niceHash, now)).toBe(true);
    expect(signedByNiceHash(at(now - 300_001), niceHash, now)).toBe(false);
    expect(signedByNiceHash(at(now + 300_001), niceHash, now)).toBe(false);
    expect(signedByNiceHash(at(now, sign(now + 1)), niceHash, now)).toBe(false);
    expect(signedByNiceHash(at(now, sign(now, 'other')), niceHash, now)).toBe(false);
    expect(signedByNiceHash(at(now, sign(now).slice(2)), niceHash, now)).toBe(false);
    expect(signedByNiceHash(undefined, niceHash, now)).toBe(false);
  });

  it('is required of clients that claim to be NiceHash, if a key is configured', () => {
    const { connect, clock } = makeBench({ niceHash });
    const now = clock.nowMs();
    const subscribe = (params: unknown[]) => {
      const client = connect();
      return { replies: inShort(client.call('mining.subscribe', params)), closes: client.wire.closes };
    };
    expect(subscribe(['NiceHash/1.0.0', String(now), sign(now)]).closes).toBe(0);
    expect(subscribe(['NiceHash/1.0.0', String(now), sign(now - 1)])).toEqual({ replies: ['error 24'], closes: 1 });
    expect(subscribe(['NiceHash/1.0.0'])).toEqual({ replies: ['error 24'], closes: 1 });
    expect(subscribe(['cgminer/4.12.1']).closes).toBe(0);
  });

  it('is not gone around by saying the name later', () => {
    for (const key of [niceHash, undefined]) {
      const { registry, connect } = makeBench({ niceHash: key });
      registry.broadcast(makeJob(1));
      const client = connect();
      loginAs(client, '');
      client.say({ id: 1_000_000_000, result: 'NiceHash/1.0.0', error: null });
      const [session] = registry.connected();
      expect(session?.device).toBe(key ? 'other' : 'nicehash');
    }
  });
});

describe('silence', () => {
  it('pings devices that answer, and closes a connection without answers', () => {
    const { registry, connect, clock } = makeBench();
    registry.broadcast(makeJob(1));
    const [alive, dead, mute] = [connect(), connect(), connect()];
    for (const client of [alive, dead]) loginAs(client, 'cgminer/4.12.1');
    loginAs(mute, 'cpuminer/2.5.1');
    let pings = 0;
    for (let second = 0; second < 600; second += 10) {
      clock.ms += 10_000;
      registry.tick();
      for (const { method, id } of alive.wire.take()) {
        if (method !== 'mining.ping') continue;
        pings += 1;
        alive.say({ id, result: 'pong', error: null });
      }
      expect(mute.wire.take().filter(({ method }) => method === 'mining.ping')).toEqual([]);
    }
    expect(pings).toBeGreaterThan(5);
    expect([alive, dead, mute].map(({ wire }) => wire.closes > 0)).toEqual([false, true, false]);
    expect(dead.wire.take().filter(({ method }) => method === 'mining.ping')).toHaveLength(limits.pingsMax);
    expect(registry.counters.timeouts).toBe(1);
  });
});

describe('messages to all clients', () => {
  it('pauses work and says why, until there is a job again', () => {
    const { registry, connect } = makeBench();
    registry.broadcast(makeJob(1));
    const [client, stranger] = [connect(), connect()];
    client.login();
    registry.pause('The Bitcoin node is down');
    expect(client.wire.take()).toEqual([
      { id: null, method: 'client.show_message', params: ['The Bitcoin node is down'] },
    ]);
    expect(stranger.wire.take()).toEqual([]);
    const late = connect();
    expect(late.login()).toMatchObject([{ method: 'client.show_message', params: ['The Bitcoin node is down'] }]);
    // Once is enough: thousands of workers may come over one connection.
    expect(late.call('mining.authorize', ['another', '']).slice(1)).toEqual([]);
    registry.broadcast(makeJob(2));
    expect(inShort(client.wire.take())).toEqual(['job 0000000002']);
    expect(inShort(late.wire.take())).toEqual(['difficulty 1000', 'job 00000000020002 clean']);
  });

  it('disconnects all clients and refuses new ones with the reason, until there is a job', () => {
    const { registry, connect } = makeBench();
    registry.broadcast(makeJob(1));
    const [client, stranger] = [connect(), connect()];
    client.login();
    registry.letGo('No node');
    expect(client.wire.take()).toEqual([{ id: null, method: 'client.show_message', params: ['No node'] }]);
    // A connection that came a moment before hears the reason with its first request.
    expect([client, stranger].map(({ wire }) => wire.closes)).toEqual([1, 0]);
    const [subscriber, worker] = [connect(), connect()];
    for (const each of [stranger, subscriber]) {
      expect(each.call('mining.subscribe', ['late/1'])).toMatchObject([{ error: [20, 'No node', null] }]);
    }
    expect(worker.call('mining.authorize', ['someone'])).toMatchObject([{ error: [20, 'No node', null] }]);
    expect([stranger, subscriber, worker].map(({ wire }) => wire.closes)).toEqual([1, 1, 1]);
    registry.broadcast(makeJob(2));
    expect(inShort(connect().login()).at(-1)).toContain('job 0000000002');
  });

  it('asks all clients to reconnect before it closes, at different times', () => {
    const { registry, connect } = makeBench();
    const [client, other, stranger] = [connect(), connect(), connect()];
    for (const each of [client, other]) each.login();
    registry.closeAll();
    expect(client.wire.take()).toMatchObject([
      { method: 'client.show_message' },
      { method: 'client.reconnect', params: [null, null, 5] },
    ]);
    expect(other.wire.take().at(-1)?.params).toEqual([null, null, 6]);
    expect(stranger.wire.take()).toEqual([]);
    expect([client, other, stranger].map(({ wire }) => wire.closes)).toEqual([1, 1, 1]);
  });
});

describe('a client without a user agent', () => {
  it('is asked after its first job, and is recognised by the answer', () => {
    const { registry, connect, clock } = makeBench();
    registry.broadcast(makeJob(1));
    const client = connect();
    client.call('mining.subscribe', []);
    const lines = client.call('mining.authorize', ['someone.rig']);
    expect(inShort(lines.slice(0, 3))).toEqual(['result true', 'difficulty 1000', 'job 00000000010001 clean']);
    const [asked] = lines.slice(3);
    expect(asked).toMatchObject({ method: 'client.get_version', params: [] });
    client.say({ id: asked?.id, result: 'NerdMiner\u0007', error: null });
    client.say({ id: asked?.id, result: 'cgminer/4.11.1', error: null });
    const [session] = registry.connected();
    expect(session).toMatchObject({ userAgent: 'NerdMiner', device: 'nerdminer' });
    clock.ms += 2000;
    registry.tick();
    expect(inShort(client.wire.take())[0], 'the start of its kind').toBe('difficulty 0.00015');
  });

  it('is asked by no other name, and not again', () => {
    const { registry, connect } = makeBench();
    const client = connect();
    client.call('mining.authorize', ['someone.rig']);
    expect(client.call('mining.subscribe', ['something']).slice(1)).toEqual([]);
    client.say({ id: 1, result: 'something else', error: null });
    expect([...registry.connected()].map(({ userAgent }) => userAgent)).toEqual(['something']);
    const quiet = connect();
    quiet.call('mining.subscribe', []);
    registry.broadcast(makeJob(1));
    quiet.call('mining.authorize', ['a']);
    expect(inShort(quiet.call('mining.authorize', ['b']))).toEqual(['result true']);
  });
});

describe('workers behind one connection', () => {
  it('are counted one by one, thousands of them', () => {
    const { registry, connect, intake } = makeBench({ difficulty: { ...sessionOptions.difficulty, vardiff: false } });
    registry.broadcast(makeJob(1));
    const client = connect();
    client.login('farm.0');
    for (let rig = 1; rig < 3000; rig += 1) client.call('mining.authorize', [`farm.${rig}`]);
    for (let nonce = 0; nonce < 9000; nonce += 1) {
      client.call('mining.submit', share('00000000010001', nonce, `farm.${nonce % 3000}`));
      intake.settle(nonce < 6000 ? 'accepted' : 'duplicate');
    }
    client.call('mining.submit', share('00000000010001', 1, 'farm.none'));
    intake.settle('unauthorized');
    const [session] = registry.connected();
    expect(session?.workers.size).toBe(3000);
    const farm = registry.miner({ account: 'farm', after: undefined, workersMax: 5000 });
    expect(farm?.workers.length).toBe(3000);
    for (const worker of farm?.workers ?? []) {
      expect(worker).toMatchObject({ acceptedShares: 2, rejectedShares: 1, acceptedDifficulty: 2000 });
    }
  });
});
