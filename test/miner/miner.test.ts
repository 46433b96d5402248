import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { type Miner, type MinerEvent, type MinerOptions, runMiner } from '#miner/miner';
import { type PoolBehaviour, TestPool } from './pool.ts';

const closing: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  while (closing.length > 0) await closing.pop()?.();
});

async function startPool(transport: 'tcp' | 'websocket', behaviour: PoolBehaviour = {}): Promise<TestPool> {
  const pool = await new TestPool(behaviour).listen(transport);
  closing.push(() => pool.close());
  return pool;
}

interface Started {
  readonly miner: Miner;
  readonly events: MinerEvent[];
  /** Resolves once an event of that kind has been seen `count` times. */
  seen(kind: MinerEvent['kind'], count?: number): Promise<void>;
  /** Runs what the miner wants done later, and tells the delays that it asked for. */
  readonly scheduled: { readonly delayMs: number; readonly task: () => void }[];
}

/** A miner whose timers are run by the test alone. */
function startMiner(pool: TestPool, options: Partial<MinerOptions> = {}): Started {
  const events: MinerEvent[] = [];
  const scheduled: { readonly delayMs: number; readonly task: () => void }[] = [];
  const miner = runMiner(
    { url: pool.url, user: 'miner.rig', ...options },
    {
      clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
      schedule: (delayMs, task) => {
        const entry = { delayMs, task };
        scheduled.push(entry);
        return () => {
          if (scheduled.includes(entry)) scheduled.splice(scheduled.indexOf(entry), 1);
        };
      },
      randomBytes,
      onEvent: (event) => {
        events.push(event);
        pool.changed();
      },
    },
  );
  miner.finished.catch(() => pool.changed());
  closing.push(() => miner.stop());
  const seen = (kind: MinerEvent['kind'], count = 1): Promise<void> =>
    pool.until(() => events.filter((event) => event.kind === kind).length >= count);
  return { miner, events, seen, scheduled };
}

const methods = (pool: TestPool): string[] => pool.requests.map(({ method }) => method);

describe.each(['tcp', 'websocket'] as const)('the built-in miner over %s', (transport) => {
  it('mines shares that all count, and counts them', async () => {
    const pool = await startPool(transport, { versionMask: 0x1fffe000 });
    const { miner, seen } = startMiner(pool);
    await seen('accepted', 200);
    await miner.stop();
    await miner.finished;
    const counters = miner.counters();
    expect(pool.complaints).toEqual([]);
    expect(counters.accepted).toBe(pool.submissions.length);
    expect(counters).toMatchObject({ rejected: 0, unanswered: 0, dropped: 0, protocolProblems: 0, connects: 1 });
    expect(counters.submitted).toBe(counters.accepted);
    expect(counters.hashes).toBeGreaterThanOrEqual(counters.submitted);
    expect(counters.difficulty).toBe(1e-9);
    expect(methods(pool).slice(0, 3)).toEqual(['mining.configure', 'mining.subscribe', 'mining.authorize']);
    expect(pool.submissions[0]?.user).toBe('miner.rig');
  });

  it('rolls the version bits that it was granted, and no others', async () => {
    const pool = await startPool(transport, { versionMask: 0x00c0e000 });
    const { seen } = startMiner(pool);
    await seen('accepted', 64);
    const versions = new Set(pool.submissions.map(({ version }) => version));
    expect(versions.size).toBe(32);
    expect(pool.complaints).toEqual([]);
  });

  it('mines without version rolling if the pool has no mining.configure', async () => {
    const pool = await startPool(transport);
    const { seen } = startMiner(pool);
    await seen('accepted', 20);
    expect(new Set(pool.submissions.map(({ version }) => version))).toEqual(new Set([0x20000000]));
    expect(pool.complaints).toEqual([]);
  });

  it('tells rejects by reason', async () => {
    const pool = await startPool(transport, {
      answer: (_, count) =>
        count % 3 === 0
          ? '"result":null,"error":[21,"Stale",null],"reject-reason":"Stale"'
          : count % 3 === 1
            ? '"result":false,"error":[23,"Difficulty too low",null]'
            : undefined,
    });
    const { miner, seen } = startMiner(pool);
    await seen('rejected', 20);
    await miner.stop();
    const { rejectedByReason, rejected, accepted, submitted } = miner.counters();
    expect(Object.keys(rejectedByReason).sort()).toEqual(['Difficulty too low', 'Stale']);
    expect(Object.values(rejectedByReason).reduce((sum, count) => sum + count, 0)).toBe(rejected);
    expect(accepted + rejected).toBe(submitted);
  });

  it('comes back after the pool dropped it, waiting longer each time until there is work', async () => {
    const pool = await startPool(transport, {
      handle: ({ method }, peer, self) => {
        if (method !== 'mining.authorize' || self.connections > 4) return false;
        peer.close();
        return true;
      },
    });
    const { miner, seen, scheduled, events } = startMiner(pool);
    for (let times = 1; times <= 4; times += 1) {
      await seen('disconnected', times);
      scheduled.pop()?.task();
    }
    await seen('accepted', 5);
    const waits = events.flatMap((event) => (event.kind === 'disconnected' ? [event.retryInMs] : []));
    waits.forEach((wait, index) => {
      expect(wait).toBeGreaterThanOrEqual(250 * 2 ** index);
      expect(wait).toBeLessThanOrEqual(750 * 2 ** index);
    });
    expect(miner.counters().connects).toBe(5);
    expect(pool.complaints).toEqual([]);
  });

  it('drops a pool that breaks the protocol, and says how', async () => {
    const bad = [
      ['not json', /no JSON/],
      ['{"id":99,"result":true,"error":null}', /reply to 99, which was not asked/],
      ['{"id":1,"result":true}', /reply without error/],
      ['{"id":null,"method":"mining.set_difficulty","params":[-1]}', /difficulty/],
      ['{"id":null,"method":"mining.notify","params":["x"]}', /previous hash/],
    ] as const;
    for (const [line, problem] of bad) {
      const pool = await startPool(transport, {
        handle: ({ method }, peer) => {
          if (method === 'mining.subscribe') peer.send(line);
          return method === 'mining.subscribe';
        },
      });
      const { miner, seen, events } = startMiner(pool);
      await seen('disconnected');
      expect(events.find(({ kind }) => kind === 'problem')).toMatchObject({ problem: expect.stringMatching(problem) });
      expect(miner.counters().protocolProblems).toBe(1);
      await miner.stop();
    }
  });
});

describe('the built-in miner', () => {
  it('makes shares at the difficulty of their own job', async () => {
    const pool = await startPool('tcp', { versionMask: 0x1fffe000 });
    const { seen, events } = startMiner(pool);
    await seen('accepted', 10);
    const [peer] = pool.peers;
    if (!peer) throw new Error('no miner');
    const harder = pool.work(peer, { clean: false, difficulty: 1e-7 });
    await pool.until(() => pool.submissions.filter(({ job }) => job === harder).length >= 10);
    expect(pool.complaints).toEqual([]);
    expect(events).toContainEqual({ kind: 'work', jobId: harder.id, difficulty: 1e-7, clean: false });
  });

  it('sends nothing of the old work once it has seen clean jobs', async () => {
    const pool = await startPool('tcp');
    const { seen, events } = startMiner(pool, { threads: 2 });
    await seen('accepted', 10);
    const [peer] = pool.peers;
    if (!peer) throw new Error('no miner');
    const next = pool.work(peer, { clean: true });
    await pool.until(() => pool.submissions.filter(({ job }) => job === next).length >= 20);
    const at = events.findIndex((event) => event.kind === 'work' && event.jobId === next.id);
    const later = events.slice(at).flatMap((event) => (event.kind === 'submitted' ? [event.jobId] : []));
    expect(new Set(later)).toEqual(new Set([next.id]));
    expect(pool.complaints).toEqual([]);
  });

  it('never makes the same header on two threads', async () => {
    const pool = await startPool('tcp');
    const { miner, seen } = startMiner(pool, { threads: 2 });
    // One that is ready earlier may have found hundreds before the other begins.
    await pool.until(() => new Set(pool.submissions.map(({ extranonce2 }) => extranonce2)).size === 2);
    await seen('accepted', 300);
    await miner.stop();
    expect(pool.complaints).toEqual([]);
  });

  it('takes a new extranonce1 with the next job', async () => {
    const pool = await startPool('tcp', { extranonce2Bytes: 4 });
    const { seen } = startMiner(pool);
    await seen('accepted', 5);
    const [peer] = pool.peers;
    if (!peer) throw new Error('no miner');
    pool.extranonce1 = '99887766';
    peer.send(JSON.stringify({ id: null, method: 'mining.set_extranonce', params: ['99887766', 4] }));
    const next = pool.work(peer, { clean: true });
    await pool.until(() => pool.submissions.filter(({ job }) => job === next).length >= 5);
    expect(pool.complaints).toEqual([]);
  });

  it('takes a new version mask with the next job', async () => {
    const pool = await startPool('tcp', { versionMask: 0x1fffe000 });
    const { seen } = startMiner(pool);
    await seen('accepted', 5);
    const [peer] = pool.peers;
    if (!peer) throw new Error('no miner');
    peer.send(JSON.stringify({ id: null, method: 'mining.set_version_mask', params: ['0000e000'] }));
    const next = pool.work(peer, { clean: true, versionMask: 0xe000 });
    await pool.until(() => pool.submissions.filter(({ job }) => job === next).length >= 20);
    expect(new Set(pool.submissions.filter(({ job }) => job === next).map(({ version }) => version)).size).toBe(8);
    expect(pool.complaints).toEqual([]);
  });

  it('suggests a difficulty if configured', async () => {
    const pool = await startPool('tcp');
    const { seen } = startMiner(pool, { suggestDifficulty: 0.25, password: 'secret' });
    await seen('accepted');
    expect(pool.requests).toContainEqual(
      expect.objectContaining({ method: 'mining.suggest_difficulty', params: [0.25] }),
    );
    expect(pool.requests).toContainEqual(
      expect.objectContaining({ method: 'mining.authorize', params: ['miner.rig', 'secret'] }),
    );
  });

  it('gives up if the pool refuses the user', async () => {
    const pool = await startPool('tcp', {
      handle: ({ id, method }, peer) => {
        if (method !== 'mining.authorize') return false;
        peer.send(JSON.stringify({ id, result: null, error: [24, 'Unauthorized worker', null] }));
        return true;
      },
    });
    const { miner } = startMiner(pool);
    await expect(miner.finished).rejects.toThrow(/authorize: Unauthorized worker/);
    expect(miner.counters().connects).toBe(1);
  });

  it('reconnects if the pool asks for it, but not to another host', async () => {
    const pool = await startPool('tcp');
    const { seen, scheduled, events } = startMiner(pool);
    await seen('accepted', 3);
    const [peer] = pool.peers;
    peer?.send(JSON.stringify({ id: null, method: 'client.reconnect', params: ['evil.example', 3333, 0] }));
    await seen('problem');
    expect(events.at(-1)).not.toMatchObject({ kind: 'disconnected' });
    peer?.send(JSON.stringify({ id: null, method: 'client.reconnect', params: ['', 0, 7] }));
    await seen('disconnected');
    expect(events.findLast(({ kind }) => kind === 'disconnected')).toMatchObject({ retryInMs: 7000 });
    scheduled.pop()?.task();
    await seen('connected', 2);
    await pool.until(() => pool.connections === 2);
  });

  it('answers ping and get_version', async () => {
    const pool = await startPool('tcp');
    const { seen } = startMiner(pool, { userAgent: 'tester/1' });
    await seen('work');
    const [peer] = pool.peers;
    peer?.send('{"id":"p","method":"mining.ping","params":[]}');
    peer?.send('{"id":7,"method":"client.get_version","params":[]}');
    await pool.until(() => pool.requests.some(({ id }) => id === 'p') && pool.requests.some(({ id }) => id === 7));
    const answers = pool.requests as unknown as { id: unknown; result: unknown }[];
    expect(answers.find(({ id }) => id === 'p')).toEqual({ id: 'p', result: 'pong', error: null });
    expect(answers).toContainEqual({ id: 7, result: 'tester/1', error: null });
  });

  it('pauses while the pool owes too many replies, and closes when it never answers', async () => {
    const pool = await startPool('tcp', { handle: ({ method }) => method === 'mining.submit' });
    const { miner, seen, scheduled } = startMiner(pool);
    await seen('submitted', 64);
    expect(miner.counters().submitted).toBe(64);
    expect(scheduled).toHaveLength(1);
    scheduled[0]?.task();
    await seen('disconnected');
    expect(miner.counters()).toMatchObject({ submitted: 64, unanswered: 64, accepted: 0 });
  });

  it.each([
    ['http://127.0.0.1:1', /no stratum/],
    ['stratum+tcp://127.0.0.1', /host and a port/],
    ['stratum+tcp://:3333', /no stratum|host and a port/],
    ['stratum+tcp://u:p@127.0.0.1:3333', /options of their own/],
    ['nonsense', /no stratum/],
  ])('refuses the url %s', (url, message) => {
    const pool = new TestPool();
    pool.url = url;
    expect(() => startMiner(pool)).toThrow(message);
  });

  it('refuses an empty user and a wild number of threads', () => {
    const pool = new TestPool();
    pool.url = 'stratum+tcp://127.0.0.1:1';
    expect(() => startMiner(pool, { user: '' })).toThrow(RangeError);
    expect(() => startMiner(pool, { threads: 0 })).toThrow(RangeError);
    expect(() => startMiner(pool, { threads: 1.5 })).toThrow(RangeError);
  });
});
