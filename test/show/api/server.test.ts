import { once } from 'node:events';
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { Server, ServerModules, ServerOptions } from '#show/api/server';
import type { PoolStatus } from '#show/api/status';
import { startHttp } from '../../support/http.ts';

const status: PoolStatus = {
  name: 'sluice',
  version: '0.1.0',
  network: 'regtest',
  uptimeSeconds: 12,
  connections: { tcp: 2, tls: 0, websocket: 1 },
  sessions: 3,
  workers: 4,
  hashrate: { '1m': 1e6, '10m': 2e6, '1h': 3e6 },
  job: { id: '0000100000', height: 7, networkDifficulty: 1, transactions: 5, ageSeconds: 3 },
  shares: {
    accepted: 9,
    rejected: {
      'not-subscribed': 0,
      unauthorized: 0,
      malformed: 0,
      'job-not-found': 0,
      stale: 1,
      'ntime-out-of-range': 0,
      'version-outside-mask': 0,
      duplicate: 0,
      'low-difficulty': 2,
      overloaded: 0,
    },
  },
  blocks: { accepted: 1, orphaned: 0, rejected: 0, unknown: 0 },
  stratum: {
    refused: 1,
    banned: 1,
    overLimit: 0,
    overloaded: 0,
    evicted: 0,
    misbehaved: 0,
    expelled: 0,
    slowed: 0,
    idle: 0,
    shed: 0,
    badHandshakes: 0,
    overlong: 0,
    slowReaders: 0,
    overMemory: 0,
    timeouts: 2,
    resumed: 0,
    takenBack: 0,
    refusedWorkers: 0,
    difficultyChanges: 0,
    shedShares: 0,
    oversizedCoinbases: 0,
    protocolErrors: { unparsable: 0, 'invalid-request': 0, 'unknown-method': 3, 'bad-params': 0 },
  },
};

const opened: Server[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((server) => server.close()));
});

async function start(changes: Partial<ServerModules> = {}, options: Partial<ServerOptions> = {}) {
  const started = await startHttp(
    { pool: () => status, metrics: async () => 'sluice_sessions 3\n', ...changes },
    options,
  );
  const { server, url } = started;
  opened.push(server);
  return { ...started, port: server.port, get: (path: string, init?: RequestInit) => fetch(url + path, init) };
}

/** A promise settled from outside. */
function deferred<T>() {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** Sends raw bytes and returns all that comes back until the other side closes. */
async function raw(port: number, request: string | Uint8Array): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', () => undefined);
  socket.end(request);
  await once(socket, 'close');
  return text;
}

describe('the API', () => {
  it('tells of the pool', async () => {
    const { get } = await start();
    const answer = await get('/api/v1/pool');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(await answer.json()).toEqual(status);
    expect(await (await get('/api/v1/pool?x=1')).json()).toEqual(status);
  });

  it('serves metrics', async () => {
    const { get } = await start();
    const answer = await get('/metrics');
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await answer.text()).toBe('sluice_sessions 3\n');
  });

  it('says whether it lives and whether it is ready, and why not', async () => {
    let reasons: string[] = [];
    let notes: string[] = [];
    const { get } = await start({ ready: () => ({ reasons, notes }) });
    expect((await get('/healthz')).status).toBe(200);
    expect(await (await get('/readyz')).json()).toEqual({ status: 'ok' });
    notes = ['ledger: starting'];
    expect(await (await get('/readyz')).json()).toEqual({ status: 'ok', notes });
    reasons = ['no Bitcoin node answers'];
    const answer = await get('/readyz');
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({ status: 'unavailable', reasons, notes });
    expect((await get('/healthz')).status).toBe(200);
  });

  it('gives every answer the headers that keep browsers in check', async () => {
    const { get } = await start();
    for (const path of ['/healthz', '/metrics', '/api/v1/pool', '/nothing']) {
      const { headers } = await get(path);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('access-control-allow-origin')).toBe('*');
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(headers.get('cache-control')).toBe('no-store');
    }
  });

  it('answers HEAD with the length and no body', async () => {
    const { get, port } = await start();
    for (const path of ['/api/v1/pool', '/metrics', '/nothing']) {
      const body = await (await get(path)).text();
      const head = await get(path, { method: 'HEAD' });
      expect(head.headers.get('content-length')).toBe(String(Buffer.byteLength(body)));
      expect(await head.text()).toBe('');
    }
    const text = await raw(port, 'HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(text.endsWith('\r\n\r\n')).toBe(true);
    expect(text.match(/content-length/gi)).toHaveLength(1);
  });

  it.each(['/', '/api', '/api/v1/pool/', '/API/v1/pool', '/%2e%2e/etc/passwd', '/__proto__', '//healthz'])(
    'has nothing at %s',
    async (path) => {
      const { get } = await start();
      const answer = await get(path);
      expect(answer.status).toBe(404);
      expect(await answer.json()).toMatchObject({ error: expect.any(String) });
    },
  );

  it('takes no other method', async () => {
    const { get } = await start();
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
      const answer = await get('/api/v1/pool', { method, body: method === 'DELETE' ? null : 'x'.repeat(100_000) });
      expect(answer.status).toBe(405);
      expect(answer.headers.get('allow')).toBe('GET, HEAD, OPTIONS');
      await answer.arrayBuffer();
    }
    const options = await get('/api/v1/pool', { method: 'OPTIONS' });
    expect(options.status).toBe(204);
    expect(options.headers.get('access-control-allow-methods')).toBe('GET, HEAD, OPTIONS');
  });

  it('survives its sources: an error is a 500 that says nothing, counted, and reported once a kind', async () => {
    const fail = (): never => {
      throw new Error('secret');
    };
    const { get, faults, server } = await start({ pool: fail, metrics: async () => fail() });
    for (const path of ['/api/v1/pool', '/metrics', '/api/v1/pool']) {
      const answer = await get(path);
      expect(answer.status).toBe(500);
      expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
      expect(await answer.json()).toEqual({ title: 'Internal Server Error', status: 500, error: 'internal error' });
    }
    expect(faults.map(({ path }) => path)).toEqual(['/api/v1/pool', '/metrics']);
    expect(server.counts().faults).toBe(3);
    expect((await get('/healthz')).status).toBe(200);
  });

  it('makes one answer for all waiting requests, and none for closed connections', async () => {
    const { promise, resolve } = deferred<string>();
    const asked = deferred<void>();
    let calls = 0;
    const { get } = await start({
      metrics: () => {
        calls++;
        asked.resolve();
        return promise;
      },
    });
    const leaver = new AbortController();
    const left = get('/metrics', { signal: leaver.signal }).then(
      () => 'answered',
      () => 'left',
    );
    await asked.promise;
    const waiting = [get('/metrics'), get('/metrics')];
    leaver.abort();
    expect(await left).toBe('left');
    // An answer on another connection shows that the server has seen the abort and the two requests before it.
    await get('/healthz');
    resolve('x 1\n');
    for (const answer of await Promise.all(waiting)) expect(await answer.text()).toBe('x 1\n');
    expect(calls).toBe(1);
  });

  it('turns away a crowd that would wait', async () => {
    const { promise, resolve } = deferred<string>();
    const { port, server } = await start({ metrics: () => promise });
    const request = 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n';
    const sockets = Array.from({ length: 257 }, () => connect(port, '127.0.0.1'));
    const first = Promise.race(sockets.map(async (socket) => String((await once(socket, 'data'))[0])));
    for (const socket of sockets) socket.write(request);
    expect(await first).toMatch(/^HTTP\/1\.1 503 /);
    expect(server.counts().waiting).toMatchObject({ depth: 256, served: 0, dropped: 1 });
    resolve('');
    await expect.poll(() => server.counts().waiting).toMatchObject({ depth: 0, served: 256, dropped: 1 });
    for (const socket of sockets) socket.destroy();
  });

  it('outlives garbage', async () => {
    const { get, port } = await start();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (bytes) => {
        await raw(port, bytes);
      }),
      { numRuns: 40 },
    );
    const text = await raw(port, `GET /healthz HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(70_000)}\r\n\r\n`);
    expect(text).not.toContain('200 OK');
    expect((await get('/healthz')).status).toBe(200);
  });

  it('refuses an address that is taken, and closes twice', async () => {
    const { server, port, url } = await start();
    await expect(startHttp({}, { port })).rejects.toThrow(`cannot listen on 127.0.0.1:${port}`);
    await server.close();
    await server.close();
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
    const { server: again } = await start({}, { port });
    expect(again.port).toBe(port);
  });

  it('listens on IPv6', async () => {
    const { get, url } = await start({}, { host: '::1' });
    expect(url).toMatch(/^http:\/\/\[::1\]:\d+$/);
    expect((await get('/healthz')).status).toBe(200);
  });
});
