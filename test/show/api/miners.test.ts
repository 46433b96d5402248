import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { MinerView, WorkerReport } from '#base/domain/miner';
import { type FindMiner, type MinerAnswer, minerRoute, WORKERS_PAGE } from '#show/api/miners';
import type { Server } from '#show/api/server';
import { startHttp } from '../../support/http.ts';

const opened: Server[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((server) => server.close()));
});

const START = Date.UTC(2026, 0, 2, 3, 4, 5);
const hashrate = { minute: 1, tenMinutes: 2, hour: 3 };
const times = { sinceMs: START, lastShareMs: START + 1000, acceptedDifficulty: 12, hashrate };

function worker(rig: string): WorkerReport {
  return { rig, connections: 1, ...times, acceptedShares: 3, rejectedShares: 1 };
}

function view(rigs: readonly string[]): MinerView {
  const rejectedShares = {
    'not-subscribed': 0,
    unauthorized: 0,
    malformed: 0,
    'job-not-found': 0,
    stale: 2,
    'ntime-out-of-range': 0,
    'version-outside-mask': 0,
    duplicate: 0,
    'low-difficulty': 0,
    overloaded: 0,
  };
  const miner = { account: 'me', workers: rigs.length, ...times, acceptedShares: 30, rejectedShares };
  return { miner, workers: rigs.map(worker) };
}

type Answers = (...asked: Parameters<FindMiner>) => MinerAnswer | Promise<MinerAnswer>;

async function start(answer: Answers, monotonicMs?: () => number) {
  const asked: Parameters<FindMiner>[] = [];
  const { server, url } = await startHttp({
    clock: { nowMs: () => 0, monotonicMs: monotonicMs ?? (() => performance.now()) },
    async miner(...question) {
      asked.push(question);
      return answer(...question);
    },
  });
  opened.push(server);
  const get = async (path: string, init?: RequestInit) => {
    const response = await fetch(url + path, init);
    const text = await response.text();
    return { status: response.status, text, body: text === '' ? undefined : JSON.parse(text) };
  };
  return { asked, get };
}

describe('/api/v1/miners/{address}', () => {
  it('says what an address has done since it came, by what became of its shares', async () => {
    const { get, asked } = await start(() => ({ kind: 'found', view: view([]) }));
    const { status, body } = await get('/api/v1/miners/me');
    expect(status).toBe(200);
    expect(body).toEqual({
      address: 'me',
      workers: 0,
      since: '2026-01-02T03:04:05.000Z',
      lastShare: '2026-01-02T03:04:06.000Z',
      hashrate: { '1m': 1, '10m': 2, '1h': 3 },
      acceptedDifficulty: 12,
      shares: { accepted: 30, rejected: expect.objectContaining({ stale: 2, duplicate: 0 }) },
    });
    // The totals cost no list.
    expect(asked).toEqual([['me', { after: undefined, workersMax: 0 }]]);
  });

  it('lists workers, a page at a time', async () => {
    const rigs = Array.from({ length: WORKERS_PAGE + 1 }, (_, i) => `rig ${String(i).padStart(5, '0')}`);
    const { get, asked } = await start((_address, { after }) => ({
      kind: 'found',
      view: view(after === undefined ? rigs : ['last']),
    }));
    const first = await get('/api/v1/miners/me/workers');
    expect(first.body.workers).toHaveLength(WORKERS_PAGE);
    expect(first.body.workers[0]).toEqual({
      name: 'rig 00000',
      connections: 1,
      since: '2026-01-02T03:04:05.000Z',
      lastShare: '2026-01-02T03:04:06.000Z',
      hashrate: { '1m': 1, '10m': 2, '1h': 3 },
      acceptedDifficulty: 12,
      shares: { accepted: 3, rejected: 1 },
    });
    expect(first.body.next).toBe('rig 00999');
    const second = await get(`/api/v1/miners/me/workers?after=${encodeURIComponent(first.body.next)}`);
    expect(second.body).toMatchObject({ workers: [{ name: 'last' }], next: null });
    expect(asked.map(([, page]) => page)).toEqual([
      { after: undefined, workersMax: WORKERS_PAGE + 1 },
      { after: 'rig 00999', workersMax: WORKERS_PAGE + 1 },
    ]);
  });

  it.each([
    [{ kind: 'nobody' }, 404],
    [{ kind: 'no-address', reason: 'its checksum is wrong' }, 400],
    [{ kind: 'unavailable', reason: 'not all gateways answer' }, 503],
  ] as const)('answers %j with %d and its reason', async (answer, status) => {
    const { get } = await start(() => answer);
    for (const path of ['/api/v1/miners/me', '/api/v1/miners/me/workers']) {
      const got = await get(path);
      expect(got.status).toBe(status);
      expect(got.body.error).toEqual(expect.any(String));
    }
  });

  it('decodes the address, and refuses one that can not be decoded', async () => {
    const { get, asked } = await start(() => ({ kind: 'nobody' }));
    await get('/api/v1/miners/a%20b%2Fc%3F');
    expect(asked).toEqual([['a b/c?', { after: undefined, workersMax: 0 }]]);
    for (const bad of ['%', '%ff', '%e0%a4', 'x'.repeat(2000)])
      expect((await get(`/api/v1/miners/${bad}`)).status).toBe(400);
    for (const none of ['', '/', 'me/', 'me/other', 'me/workers/', 'me/workers/x', '/workers']) {
      expect((await get(`/api/v1/miners/${none}`)).status, none).toBe(404);
    }
    expect(asked).toHaveLength(1);
  });

  it('is looked up once a second for all requests, each page separately', async () => {
    let nowMs = 0;
    const { get, asked } = await start(
      () => ({ kind: 'nobody' }),
      () => nowMs,
    );
    const paths = ['me', 'me/workers', 'me/workers?after=a', 'me/workers?after=b', 'you'];
    for (let round = 0; round < 3; round += 1) for (const path of paths) await get(`/api/v1/miners/${path}`);
    expect(asked).toHaveLength(paths.length);
    nowMs = 999;
    await get('/api/v1/miners/me');
    expect(asked).toHaveLength(paths.length);
    nowMs = 1000;
    await get('/api/v1/miners/me');
    expect(asked).toHaveLength(paths.length + 1);
    // What is kept is bounded: the oldest goes.
    for (let other = 0; other < 40; other += 1) await get(`/api/v1/miners/other${other}`);
    await get('/api/v1/miners/me');
    expect(asked).toHaveLength(paths.length + 42);
  });

  it('is not looked up for more than can wait: those are turned away at once', async () => {
    const answers: ((answer: MinerAnswer) => void)[] = [];
    const { get, asked } = await start(() => new Promise<MinerAnswer>((resolve) => answers.push(resolve)));
    const first = Array.from({ length: 256 }, (_, i) => get(`/api/v1/miners/me${i}`));
    while (asked.length < first.length) await new Promise((resolve) => setImmediate(resolve));
    for (let i = 0; i < 50; i += 1) {
      const { status, body } = await get(`/api/v1/miners/you${i}`);
      expect([status, body.error]).toEqual([503, expect.stringContaining('too many')]);
    }
    expect(asked).toHaveLength(first.length);
    for (const answer of answers) answer({ kind: 'nobody' });
    expect(new Set((await Promise.all(first)).map(({ status }) => status))).toEqual(new Set([404]));
  });

  it('takes GET and HEAD alone', async () => {
    const { get } = await start(() => ({ kind: 'nobody' }));
    expect((await get('/api/v1/miners/me', { method: 'POST' })).status).toBe(405);
    expect((await get('/api/v1/miners/me', { method: 'OPTIONS' })).status).toBe(204);
    expect(await get('/api/v1/miners/me', { method: 'HEAD' })).toMatchObject({ status: 404, text: '' });
  });

  it('gives no name that is HTML, whatever a worker calls itself', async () => {
    const names = [
      '<script>alert(1)</script>',
      '"><img src=x onerror=alert(1)>',
      '&lt;b&gt;',
      '</script><svg/onload=1>',
    ];
    const { get } = await start(() => ({ kind: 'found', view: view(names) }));
    const { text, body } = await get('/api/v1/miners/me/workers');
    expect(text).not.toMatch(/[<>&]/);
    expect(body.workers.map(({ name }: { name: string }) => name)).toEqual(names);
  });

  it('survives any path and query', async () => {
    const { get } = await start((address) => ({ kind: 'no-address', reason: address }));
    await fc.assert(
      fc.asyncProperty(fc.webPath(), fc.webQueryParameters(), async (path, query) => {
        const { status } = await get(`/api/v1/miners/x${path}?${query}`);
        expect([400, 404]).toContain(status);
      }),
      { numRuns: 200 },
    );
    const find: FindMiner = async () => ({ kind: 'nobody' });
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.string(), async (path, query) => {
        const answer = await minerRoute(`/api/v1/miners/${path}`, query, find)?.();
        expect(answer === undefined || /^4/.test(answer.status)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
