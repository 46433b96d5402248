import { connect } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Ban } from '#base/domain/ports';
import { type Api, type ApiModules, startApi } from '#show/api/api';
import { SOME_TERMS, unasked } from '../../support/http.ts';
import { recordedLogger } from '../../support/recorded-logger.ts';

const opened: Api[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((api) => api.close()));
});

const ban: Ban = { address: '127.0.0.2', reason: 'x', sinceMs: 0, untilMs: Date.now() + 3_600_000, times: 1 };

async function start(changes: Partial<ApiModules> = {}, port = 0) {
  const logger = recordedLogger();
  const api = await startApi(
    {
      ...{ host: '127.0.0.1', port, allow: ['127.0.0.1'], deny: ['127.0.0.9'], origins: ['*'] },
      ...{ folder: '/nonexistent', network: 'regtest', openNames: false, terms: SOME_TERMS },
      sqlTokenDigest: undefined,
    },
    {
      logger,
      bans: () => [],
      pool: unasked,
      miner: unasked,
      ready: () => ({ reasons: [], notes: [] }),
      metrics: async () => 'x 1\n',
      job: unasked,
      health: unasked,
      admin: () => undefined,
      ...changes,
    },
  );
  opened.push(api);
  return { api, logger, get: (path: string) => fetch(`http://${api.address}${path}`) };
}

/** True if the server closes a connection from that address before it has said anything. */
async function refused({ address }: Api, from: string): Promise<boolean> {
  const socket = connect({ port: Number(address.split(':')[1]), host: '127.0.0.1', localAddress: from });
  socket.on('error', () => undefined).resume();
  socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
  const what = await new Promise<boolean>((resolve) => {
    socket.once('close', () => resolve(true));
    socket.once('data', () => resolve(false));
  });
  socket.destroy();
  return what;
}

describe('HTTP as a process', () => {
  it('answers from the pool', async () => {
    const { api, get } = await start({
      miner: async (address, { after }) => ({ kind: 'no-address', reason: `${address} ${after}` }),
      admin: ({ method, authorization }) => ({
        status: '200 OK',
        type: 'text/plain',
        body: `${method} ${authorization}`,
      }),
    });
    expect(api.pid).not.toBe(process.pid);
    expect(await (await get('/metrics')).text()).toBe('x 1\n');
    expect((await get('/readyz')).status).toBe(200);
    expect(await (await get('/api/v1/miners/me/workers?after=a')).json()).toMatchObject({
      error: 'me a',
      detail: 'me a',
      status: 400,
    });
    expect(await (await get('/api/v1/bans')).text()).toBe('get ');
  });

  it('that dies is restarted on the same port, and the pool goes on', async () => {
    const { api, get, logger } = await start({ bans: () => [ban] });
    const { pid, address } = api;
    expect(await refused(api, '127.0.0.2')).toBe(true);
    process.kill(pid ?? 0, 'SIGKILL');
    await vi.waitFor(async () => expect((await get('/healthz')).status).toBe(200), { timeout: 10_000 });
    expect(api.address).toBe(address);
    expect(api.pid).not.toBe(pid);
    expect(api.counts().restarts).toBe(1);
    expect(logger.lines.filter(({ message }) => message.includes('started again'))).toHaveLength(1);
    // Bans hold in the new process as well.
    expect(await refused(api, '127.0.0.2')).toBe(true);
    expect(await refused(api, '127.0.0.9')).toBe(true);
    expect(await refused(api, '127.0.0.3')).toBe(false);
  });

  it('hears of bans and pardons', async () => {
    const { api } = await start();
    expect(await refused(api, '127.0.0.2')).toBe(false);
    api.ban(ban);
    expect(await refused(api, '127.0.0.2')).toBe(true);
    api.pardon(ban.address);
    expect(await refused(api, '127.0.0.2')).toBe(false);
  });

  it('answers 500 if the pool throws, which is logged once a kind and ends nothing', async () => {
    const fail = (): never => {
      throw new TypeError('secret');
    };
    const { get, logger } = await start({ pool: fail, miner: async () => fail() });
    for (const path of ['/api/v1/pool', '/api/v1/pool', '/api/v1/miners/me']) {
      const answer = await get(path);
      expect(answer.status).toBe(500);
      expect(await answer.text()).not.toContain('secret');
    }
    expect(logger.lines.map(({ fields }) => fields)).toMatchObject([{ path: 'pool' }, { path: 'miner' }]);
    expect((await get('/healthz')).status).toBe(200);
  });

  it('says that the pool does not answer', async () => {
    const { get } = await start({ ready: () => new Promise(() => undefined) });
    const answer = await get('/healthz');
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({ status: 'unavailable', reasons: ['the pool does not answer'] });
  });

  it('fails its start if the address is taken, and leaves the port when it is closed', async () => {
    const { api } = await start();
    const port = Number(api.address.split(':')[1]);
    await expect(start({}, port)).rejects.toThrow(`cannot listen on 127.0.0.1:${port}`);
    await api.close();
    await api.close();
    const { get } = await start({}, port);
    expect((await get('/healthz')).status).toBe(200);
  });
});
