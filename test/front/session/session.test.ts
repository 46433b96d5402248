import { describe, expect, it } from 'vitest';
import { targetOfDifficulty, targetToBytes } from '#base/bitcoin/target';
import type { Verdict } from '#base/domain/verdict';
import { limits } from '#base/limits';
import { ExtranonceAllocator } from '#front/session/extranonces/extranonce';
import { authorizeAddress } from '#front/session/login/authorize';
import { type Bench, type Client, inShort, type Line, makeBench, makeJob, sessionOptions } from './support.ts';

const share = (job: string, name = 'someone.rig', ...more: string[]): string[] => [
  name,
  job,
  '0000000000000001',
  '6553f164',
  '00000001',
  ...more,
];

describe('logging in', () => {
  it('answers a subscribe with the extranonce and an authorize with difficulty and work, at once', () => {
    const { registry, connect } = makeBench();
    registry.broadcast(makeJob(100));
    const client = connect();
    expect(client.call('mining.subscribe', ['cgminer/4.12'])).toEqual([
      {
        id: 1,
        result: [
          [
            ['mining.set_difficulty', expect.stringMatching(/^[0-9a-f]{16}$/)],
            ['mining.notify', expect.stringMatching(/^[0-9a-f]{16}$/)],
          ],
          'f0000000',
          8,
        ],
        error: null,
      },
    ]);
    const replies = client.call('mining.authorize', ['someone.rig', 'x'], 2);
    expect(replies[0]).toEqual({ id: 2, result: true, error: null });
    expect(inShort(replies)).toEqual(['result true', 'difficulty 1000', 'job 00000000640001 clean']);
  });

  it('sends work once, in either order, and waits for a job if there is none', () => {
    const { registry, connect } = makeBench();
    const client = connect();
    expect(inShort(client.call('mining.authorize', ['someone']))).toEqual(['result true']);
    expect(inShort(client.call('mining.subscribe', ['test/1'])).length).toBe(1);
    registry.broadcast(makeJob(100));
    expect(inShort(client.wire.take())).toEqual(['difficulty 1000', 'job 00000000640001 clean']);
    expect(inShort(client.call('mining.authorize', ['someone.else']))).toEqual(['result true']);
    expect(inShort(client.call('mining.authorize', ['someone']))).toEqual(['result true']);
    registry.broadcast(makeJob(101));
    expect(inShort(client.wire.take())).toEqual(['job 0000000065']);
  });

  it('refuses only expelled workers, until their time is over', () => {
    const { registry, connect } = makeBench();
    registry.broadcast(makeJob(100));
    const client = connect();
    client.call('mining.subscribe', ['test/1']);
    client.wire.keptOut.add('someone.bad');
    const [refused] = client.call('mining.authorize', ['someone.bad']);
    expect(refused).toMatchObject({ result: null, error: [24, 'Unauthorized worker', null] });
    expect(refused?.['reject-reason']).toContain('try again in 60 s');
    client.call('mining.authorize', ['someone.good']);
    client.call('mining.authorize', ['someone.other']);
    const [session] = registry.connected();
    client.handler.expel('someone.other');
    client.handler.expel('nobody');
    expect(session?.workers.find('someone.other')).toBeUndefined();
    expect(session?.workers.find('someone.good')?.rig).toBe('good');
    expect(registry.counters.authorizedWorkers).toBe(1);
    client.wire.keptOut.add('someone.other');
    expect(client.call('mining.authorize', ['someone.other'])[0]).toMatchObject({ result: null });
    client.wire.keptOut.clear();
    expect(client.call('mining.authorize', ['someone.other'])[0]).toMatchObject({ result: true });
    client.handler.onClose();
    expect(registry.counters.authorizedWorkers).toBe(0);
  });

  it('keeps the extranonce of a connection that subscribes again', () => {
    const { connect } = makeBench();
    const client = connect();
    const [first] = client.call('mining.subscribe', ['a']);
    expect(client.call('mining.subscribe', ['b'])).toEqual([first]);
  });

  it('says why a name is refused and gives it no work', () => {
    const { registry, connect } = makeBench({}, { authorize: authorizeAddress('main') });
    registry.broadcast(makeJob(1));
    const client = connect();
    client.call('mining.subscribe');
    expect(client.call('mining.authorize', ['nobody.rig', 'x'], 'auth')).toEqual([
      {
        id: 'auth',
        result: null,
        error: [24, 'Unauthorized worker', null],
        'reject-reason': expect.stringMatching(/address/),
      },
    ]);
    registry.broadcast(makeJob(2));
    expect(client.wire.take()).toEqual([]);
    expect(registry.counters).toMatchObject({ authorizedWorkers: 0, refusedWorkers: 1 });
  });

  it('takes thousands of workers on one connection, and no more than the cap', () => {
    const { registry, connect, intake } = makeBench();
    const client = connect();
    client.login('farm.0');
    for (let rig = 1; rig < limits.workersPerSessionMax; rig += 1) client.call('mining.authorize', [`farm.${rig}`]);
    expect(inShort(client.call('mining.authorize', ['farm.more']))).toEqual(['error 20']);
    expect(inShort(client.call('mining.authorize', ['farm.7'])), 'known already').toEqual(['result true']);
    expect(registry.counters.authorizedWorkers).toBe(limits.workersPerSessionMax);
    client.call('mining.submit', share('00000000010001', 'farm.16000'));
    expect(intake.held[0]?.worker).toMatchObject({
      name: 'farm.16000',
      account: 'farm',
      rig: '16000',
    });
    client.handler.onClose();
    expect(registry.counters.authorizedWorkers).toBe(0);
  });

  it('keeps no extranonce of connections that never had work, and takes none from clients that may come back', () => {
    const extranonces = new ExtranonceAllocator({ prefix: 0, prefixBits: 24 });
    const { registry, connect } = makeBench({}, { extranonces });
    registry.broadcast(makeJob(1));
    const gone = connect();
    const [reply] = gone.call('mining.subscribe', ['a']);
    const [topics = [], extranonce1] = (reply?.result ?? []) as [string[][]?, string?];
    gone.call('mining.authorize', ['someone']);
    gone.handler.onClose();
    for (let round = 0; round < 1000; round += 1) {
      const client = connect();
      expect(inShort(client.call('mining.subscribe'))[0]).toMatch(/^result/);
      client.handler.onClose();
    }
    const others = Array.from({ length: 256 }, () => inShort(connect().call('mining.subscribe'))[0]);
    expect(others.filter((text) => text === 'error 20')).toHaveLength(1);
    const back = connect().call('mining.subscribe', ['a', topics[0]?.[1]]);
    expect(back[0]?.result).toMatchObject({ 1: extranonce1 });
  });

  it('turns a client away when no extranonce is free, and serves it when one is', () => {
    const extranonces = new ExtranonceAllocator({ prefix: 0, prefixBits: 24 });
    const { registry, connect, clock, intake } = makeBench({ jobsMax: 2 }, { extranonces });
    registry.broadcast(makeJob(1));
    const clients = Array.from({ length: 256 }, () => {
      const client = connect();
      client.login();
      client.call('mining.submit', share('00000000010001'));
      intake.settle('accepted');
      return client;
    });
    const late = connect();
    expect(inShort(late.call('mining.subscribe'))).toEqual(['error 20']);
    expect(late.wire.closes).toBe(1);
    clients[9]?.handler.onClose();
    clock.ms += limits.resumeMsMax + 1;
    registry.tick();
    registry.broadcast(makeJob(2));
    expect(inShort(connect().call('mining.subscribe')), 'job 1 can still be answered').toEqual(['error 20']);
    registry.broadcast(makeJob(3));
    expect(connect().call('mining.subscribe')[0]?.result).toMatchObject({ 1: '00000009' });
  });
});

describe('submitting', () => {
  it('hands every submission to the intake, also before subscribing and authorising', () => {
    const { connect, intake } = makeBench();
    const client = connect();
    expect(client.call('mining.submit', share('00000000010001'))).toEqual([]);
    const [held] = intake.held;
    const extranonce1 = new Uint8Array(4);
    expect(held?.source).toEqual({ sessionId: 1n, extranonce1, remoteIp: '192.0.2.7', userAgent: '' });
    expect(held).toMatchObject({ fault: 'not-subscribed', workerName: 'someone.rig', jobName: '00000000010001' });
    expect([held?.worker, held?.terms, held?.versionMask]).toEqual([undefined, undefined, undefined]);
    intake.settle('not-subscribed');
    expect(client.wire.take()).toEqual([
      { id: 1, result: null, error: [25, 'Not subscribed', null], 'reject-reason': 'not-subscribed' },
    ]);
  });

  it('gives the intake the source of a share', () => {
    const { registry, connect, intake } = makeBench();
    registry.broadcast(makeJob(1));
    const client = connect();
    client.login();
    client.call('mining.submit', share('00000000010001'), 'id!');
    client.call('mining.submit', share('00000000010001', 'someone.else'));
    const [own, other] = intake.held;
    expect(own).toMatchObject({ fault: undefined, source: { userAgent: 'test/1' }, serial: 1, variant: 1 });
    expect(own?.source.extranonce1).toEqual(Uint8Array.of(0xf0, 0, 0, 0));
    expect(own?.worker).toMatchObject({ name: 'someone.rig', account: 'someone', rig: 'rig' });
    expect(other?.worker).toBeUndefined();
    expect(own?.terms).toEqual({
      difficulty: 1000,
      target: targetToBytes(targetOfDifficulty(1000)),
      work: expect.any(BigInt),
      versionMask: 0,
    });
  });

  it('replies in the order of the verdicts, each to its id, and never after the end', () => {
    const { registry, connect, intake } = makeBench();
    registry.broadcast(makeJob(1));
    const client = connect();
    client.login();
    for (const id of [4, 4, 'x', null]) client.call('mining.submit', share('00000000010001'), id);
    intake.settle('accepted');
    intake.settle('duplicate');
    intake.settle('stale');
    const replies = client.wire.take();
    expect(replies.map(({ id }) => id)).toEqual([4, 4, 'x']);
    expect(inShort(replies)).toEqual(['result true', 'error 22', 'error 21']);
    client.handler.onClose();
    intake.settle('accepted');
    expect(client.wire.take()).toEqual([]);
  });
});

describe('difficulty', () => {
  it('belongs to a job: a retarget sends it with the same job under a new id, and old ids keep theirs', () => {
    const { registry, connect, intake, clock } = makeBench();
    registry.broadcast(makeJob(1));
    registry.broadcast(makeJob(2));
    const client = connect();
    client.login();
    expect(inShort(client.call('mining.suggest_difficulty', [5120]))).toEqual([
      'result true',
      'difficulty 5120',
      'job 00000000020002',
    ]);
    clock.ms += 10_000;
    expect(inShort(client.call('mining.suggest_difficulty', [6144], null))).toEqual([
      'difficulty 6144',
      'job 00000000020003',
    ]);
    registry.broadcast(makeJob(3));
    expect(inShort(client.wire.take())).toEqual(['job 0000000003']);
    const terms = (serial: number, variant: number): number | undefined =>
      intake.promised(client, serial, variant)?.difficulty;
    expect([terms(2, 1), terms(2, 2), terms(2, 3), terms(3, 0)]).toEqual([1000, 5120, 6144, 6144]);
    // Job 1 was never this session's, job 4 is nobody's yet, and no other variant was given out: of job 2 not its own id.
    expect([terms(1, 0), terms(4, 0), terms(2, 0), terms(2, 4), terms(3, 1)]).toEqual(Array(5).fill(undefined));
    expect(registry.counters.difficultyChanges).toBe(2);
  });

  it('changes no more often than every two seconds on one job, and never for the same wish', () => {
    const { registry, connect, clock } = makeBench();
    registry.broadcast(makeJob(1));
    const client = connect();
    client.login();
    const wish = (difficulty: number): string[] =>
      inShort(client.call('mining.suggest_difficulty', [difficulty], null));
    expect(wish(10)).toEqual(['difficulty 10', 'job 00000000010002']);
    expect(wish(20)).toEqual([]);
    expect(wish(10)).toEqual([]);
    expect(wish(28)).toEqual([]);
    clock.ms += 1_000;
    registry.tick();
    expect(client.wire.take()).toEqual([]);
    clock.ms += 1_000;
    registry.tick();
    expect(inShort(client.wire.take())).toEqual(['difficulty 28', 'job 00000000010003']);
    expect(wish(40)).toEqual([]);
    registry.broadcast(makeJob(2));
    expect(inShort(client.wire.take()), 'a new job carries what is due').toEqual(['difficulty 40', 'job 0000000002']);
  });

  it('is suggested before login, fixed by the password, and kept within the bounds', () => {
    const { registry, connect } = makeBench();
    registry.broadcast(makeJob(1));
    const early = connect();
    early.call('mining.suggest_difficulty', [0.00015], null);
    expect(inShort(early.login())).toEqual([`difficulty ${1.25 * 2 ** -13}`, 'job 00000000010001 clean']);
    const target = connect();
    target.call('mining.suggest_target', [`0000000000${'f'.repeat(54)}`], null);
    expect(inShort(target.login())[0]).toBe('difficulty 256');
    expect(inShort(connect().login('me', 'x,d=77'))).toEqual(['difficulty 77', 'job 00000000010003 clean']);
    expect(inShort(connect().login('me', 'd=1000000000'))).toEqual(['difficulty 1000000', 'job 00000000010004 clean']);
  });

  /** Submits 50 shares a second for four seconds and returns the difficulties announced meanwhile. */
  function flood({ clock, intake }: Bench, client: Client, verdict: Verdict): number[] {
    const announced: number[] = [];
    for (let count = 0; count < 200; count += 1) {
      clock.ms += 20;
      client.call('mining.submit', share('00000000010001'));
      intake.settle(verdict);
      announced.push(...difficulties(client.wire.take()));
    }
    return announced;
  }

  function difficulties(lines: readonly Line[]): number[] {
    return lines.filter(({ method }) => method === 'mining.set_difficulty').map(({ params }) => Number(params?.[0]));
  }

  it('rises with accepted work and falls with silence', () => {
    const bench = makeBench();
    bench.registry.broadcast(makeJob(1));
    const client = bench.connect();
    client.login();
    const up = flood(bench, client, 'accepted').at(-1) ?? 0;
    expect(up).toBeGreaterThan(2_000);
    bench.clock.ms += 120_000;
    bench.registry.tick();
    const [down = 0] = difficulties(client.wire.take());
    expect(down).toBeGreaterThan(0);
    expect(down).toBeLessThan(up / 4);
  });

  it('is not moved by rejected shares', () => {
    const bench = makeBench();
    bench.registry.broadcast(makeJob(1));
    const client = bench.connect();
    client.login();
    expect(flood(bench, client, 'low-difficulty')).toEqual([]);
  });

  it('keeps a bounded memory of itself, however often it is changed', () => {
    const { registry, connect, intake, clock } = makeBench();
    registry.broadcast(makeJob(1));
    const client = connect();
    client.login();
    let announced = 0;
    for (let wish = 1; wish <= limits.termsPerSessionMax + 50; wish += 1) {
      clock.ms += 5_000;
      announced += inShort(client.call('mining.suggest_difficulty', [2 + (wish % 2)], null)).length / 2;
    }
    expect(announced).toBe(limits.termsPerSessionMax - 1);
    registry.broadcast(makeJob(2));
    expect(inShort(client.wire.take()), 'work goes on').toEqual(['job 0000000002']);
    client.call('mining.submit', share('0000000002'));
    expect(intake.held[0]?.terms?.difficulty).toBe(3);
    for (let serial = 3; serial <= 2 + limits.jobsMax; serial += 1) registry.broadcast(makeJob(serial));
    expect(inShort(client.wire.take()).filter((line) => line.startsWith('difficulty'))).toEqual(['difficulty 2']);
  });
});

describe('version rolling', () => {
  const options = { 'version-rolling.mask': 'ffffffff', 'version-rolling.min-bit-count': 2 };

  it('grants the pool’s bits among those asked for, and says so again with the first work', () => {
    const { registry, connect, intake } = makeBench();
    registry.broadcast(makeJob(1));
    const client = connect();
    expect(client.call('mining.configure', [['version-rolling'], options])[0]?.result).toEqual({
      'version-rolling': true,
      'version-rolling.mask': '1fffe000',
    });
    expect(inShort(client.login())).toEqual(['mask 1fffe000', 'difficulty 1000', 'job 00000000010001 clean']);
    client.call('mining.submit', share('00000000010001', 'someone.rig', '00002000'));
    expect(intake.held[0]?.terms?.versionMask).toBe(0x1fffe000);
  });

  it('takes a later mask into force with the next job id, not on work that is out', () => {
    const { registry, connect, intake } = makeBench();
    registry.broadcast(makeJob(1));
    const client = connect();
    client.login();
    expect(
      inShort(
        client.call('mining.configure', [['version-rolling'], { ...options, 'version-rolling.mask': '00006000' }]),
      ),
    ).toEqual([
      'result {"version-rolling":true,"version-rolling.mask":"00006000"}',
      'mask 00006000',
      'job 00000000010002',
    ]);
    expect(intake.promised(client, 1, 1)?.versionMask).toBe(0);
    expect(intake.promised(client, 1, 2)?.versionMask).toBe(0x6000);
    // A late share of a job whose terms are forgotten is read with the mask of now, if the job was sent.
    expect([1, 2].map((serial) => intake.handedIn(client, serial, 0).versionMask)).toEqual([0x6000, undefined]);
    // Changing it back and forth is no way to fill the memory.
    client.call('mining.configure', [['version-rolling'], options]);
    expect(client.call('mining.configure', [['version-rolling'], options]).length).toBe(1);
  });

  it('refuses a mask without a common bit', () => {
    const { connect } = makeBench({ versionMask: 0 });
    expect(connect().call('mining.configure', [['version-rolling'], options])[0]?.result).toEqual({
      'version-rolling': false,
    });
  });

  it('answers every extension that is asked for', () => {
    const { registry, connect } = makeBench();
    registry.broadcast(makeJob(1));
    const client = connect();
    const names = ['minimum-difficulty', 'subscribe-extranonce', 'info', 'x-y'];
    expect(client.call('mining.configure', [names, { 'minimum-difficulty.value': 4000 }])[0]?.result).toEqual({
      'minimum-difficulty': true,
      'subscribe-extranonce': true,
      info: true,
      'x-y': false,
    });
    expect(inShort(client.login())[0]).toBe('difficulty 4000');
  });

  it('grants what makes sense beside what does not', () => {
    const { connect } = makeBench();
    const asked = ['version-rolling', 'minimum-difficulty'];
    expect(connect().call('mining.configure', [asked, { 'minimum-difficulty.value': 0 }])[0]).toEqual({
      id: 1,
      result: {
        'version-rolling': true,
        'version-rolling.mask': '1fffe000',
        'minimum-difficulty': 'minimum-difficulty.value is not a positive number',
      },
      error: null,
    });
  });
});

describe('other methods and bad input', () => {
  it('answers requests, and does not answer advice with a null id', () => {
    const { connect } = makeBench();
    const client = connect();
    expect(client.call('mining.ping')[0]?.result).toBe('pong');
    expect(client.call('mining.extranonce.subscribe', [], 'xnsub')).toEqual([
      { id: 'xnsub', result: true, error: null },
    ]);
    expect(client.call('mining.get_transactions', ['1'], 'txlist1')).toEqual([
      { id: 'txlist1', result: null, error: [20, 'Transactions are not sent to miners', null] },
    ]);
    expect(client.call('mining.multi_version', [1])[0]?.result).toBe(true);
    expect(client.call('mining.capabilities', [{}], null)).toEqual([]);
    expect(client.say({ id: 9, result: 'pong', error: null })).toEqual([]);
    expect(client.say({ id: 9, method: 'pong', params: [] }), 'ESP-Miner’s pong').toEqual([]);
  });

  it('answers faults with their code and counts them by kind', () => {
    const { registry, connect } = makeBench();
    const client = connect();
    expect(client.say('garbage')).toEqual([{ id: null, result: null, error: [-32700, 'Parse error', null] }]);
    expect(inShort(client.say('[]'))).toEqual(['error -32600']);
    expect(client.call('mining.unheard_of', [], 'q')).toEqual([
      { id: 'q', result: null, error: [-32601, 'Method not found', null] },
    ]);
    expect(inShort(client.call('mining.authorize', [5]))).toEqual(['error 20']);
    expect(registry.counters.protocolErrors).toEqual({
      unparsable: 1,
      'invalid-request': 1,
      'unknown-method': 1,
      'bad-params': 1,
    });
  });

  it('closes a connection that speaks something else', () => {
    const { connect } = makeBench();
    const client = connect();
    for (let line = 1; line < limits.unparsableLinesMax; line += 1) client.say('GET / HTTP/1.1');
    expect(client.wire.closes).toBe(0);
    client.say('Host: x');
    expect(client.wire.closes).toBe(1);
  });
});

describe('time', () => {
  it('closes clients that do not subscribe or authorise in time, and no others', () => {
    const { registry, connect, clock } = makeBench();
    const [silent, halfway, worker] = [connect(), connect(), connect()];
    halfway.call('mining.subscribe');
    worker.login();
    const closed = (): boolean[] => [silent, halfway, worker].map(({ wire }) => wire.closes > 0);
    clock.ms = limits.subscribeMsMax;
    registry.tick();
    expect(closed()).toEqual([false, false, false]);
    clock.ms += 1;
    registry.tick();
    expect(closed()).toEqual([true, false, false]);
    clock.ms = limits.authorizeMsMax + 1;
    registry.tick();
    expect(closed()).toEqual([true, true, false]);
    expect(registry.counters.timeouts, 'each counted once').toBe(2);
    clock.ms = limits.idleMsMax;
    registry.tick();
    expect(closed(), 'heard within the last hour, as far as is known').toEqual([true, true, false]);
    worker.call('mining.ping');
    registry.tick();
    clock.ms += limits.idleMsMax + 1;
    registry.tick();
    expect(closed()).toEqual([true, true, true]);
    expect(registry.counters.timeouts).toBe(3);
  });
});

describe('SessionRegistry', () => {
  it('counts sessions, refuses those over the cap and all after closeAll', () => {
    const { registry, connect } = makeBench({ sessionsMax: 2 });
    const [first, second] = [connect(), connect()];
    expect(registry.sessions).toBe(2);
    expect(() => connect()).toThrow('refused');
    first.handler.onClose();
    first.handler.onClose();
    expect(registry.sessions).toBe(1);
    connect();
    registry.closeAll();
    expect(second.wire.closes).toBe(1);
    second.handler.onClose();
    expect(() => connect()).toThrow('refused');
  });

  it('looks at a bounded number of sessions a tick and comes round to all', () => {
    const sessions = limits.sessionsPerTickMax * 2 + 10;
    const { registry, connect, clock } = makeBench();
    const clients = Array.from({ length: sessions }, connect);
    const closed = (): number => clients.filter(({ wire }) => wire.closes > 0).length;
    clock.ms = limits.subscribeMsMax + 1;
    registry.tick();
    expect(closed()).toBe(limits.sessionsPerTickMax);
    registry.tick();
    registry.tick();
    expect(closed()).toBe(sessions);
  });

  it('shares the terms of sessions that have the same', () => {
    const { registry, connect, intake } = makeBench();
    registry.broadcast(makeJob(1));
    const [one, other] = [connect(), connect()].map((client, index) => {
      client.login();
      return intake.promised(client, 1, 1 + index);
    });
    expect(one).toBeDefined();
    expect(one).toBe(other);
  });

  it('shares terms objects also between sessions with unusual suggestions', () => {
    const { registry, connect, intake } = makeBench({ difficulty: { ...sessionOptions.difficulty, min: 1e-5 } });
    registry.broadcast(makeJob(1));
    const clients = Array.from({ length: 100 }, (_, index) => {
      const client = connect();
      client.call('mining.suggest_difficulty', [0.3 + index / 1_000_000]);
      client.login();
      return client;
    });
    const terms = clients.map((client, index) => intake.promised(client, 1, 1 + index));
    expect(terms[0]).toBeDefined();
    expect(new Set(terms).size).toBe(1);
    expect(clients.length).toBe(terms.length);
  });

  it('gives sessions different extranonces and ids', () => {
    const { connect } = makeBench(sessionOptions);
    const replies = Array.from(
      { length: 100 },
      () => connect().call('mining.subscribe')[0]?.result as [string[][], string],
    );
    expect(new Set(replies.map(([, extranonce1]) => extranonce1)).size).toBe(100);
    expect(new Set(replies.map(([topics]) => topics[0]?.[1])).size).toBe(100);
  });
});
