import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { limits } from '#base/limits';
import { Bans } from '#front/net/door/bans';
import { answerAdmin } from '#show/api/admin';
import { AdminSocket } from '#show/api/admin-socket';
import { digestOf, TokenGuard } from '#show/api/admin-token';
import { answerBans } from '#show/api/bans';
import { startHttp } from '../../support/http.ts';

const clock = { nowMs: () => Date.parse('2026-01-01T00:00:00Z') };

function book(): Bans {
  const ignore = (): void => undefined;
  return new Bans({ enabled: true, allow: [], deny: [], entriesMax: 10 }, { clock, changed: ignore, banned: ignore });
}

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(token: string | undefined) {
  const bans = book();
  const guard = token === undefined ? undefined : new TokenGuard(digestOf(token), () => performance.now());
  const { server, url } = await startHttp({ admin: async (request) => answerAdmin(request, { bans }, guard) });
  closing.push(() => server.close());
  const send = async (method: string, path: string, authorization?: string) => {
    const headers = authorization === undefined ? {} : { authorization };
    const response = await fetch(`${url}${path}`, { method, headers });
    const body = await response.text();
    return { status: response.status, body: body === '' ? undefined : JSON.parse(body), headers: response.headers };
  };
  return { bans, send };
}

describe('/api/v1/bans', () => {
  const bearer = 'Bearer s3cret';

  it('lists, bans and lifts with the token', async () => {
    const { bans, send } = await start('s3cret');
    expect((await send('GET', '/api/v1/bans', bearer)).body).toEqual({ bans: [] });
    const shown = {
      address: '198.51.100.0/24',
      reason: 'spam',
      since: '2026-01-01T00:00:00.000Z',
      until: '2026-01-01T01:00:00.000Z',
      times: 1,
    };
    const added = await send('POST', '/api/v1/bans/198.51.100.0/24?for=1h&reason=spam', bearer);
    expect(added).toMatchObject({ status: 200, body: { ban: shown } });
    expect((await send('GET', '/api/v1/bans', bearer)).body).toEqual({ bans: [shown] });
    expect((await send('GET', '/api/v1/bans/198.51.100.0%2F24', bearer)).body).toEqual({ ban: shown });
    expect(bans.refuses('198.51.100.77')).toBe(true);
    const lifted = await send('DELETE', '/api/v1/bans/198.51.100.0%2F24', 'bearer  s3cret');
    expect(lifted).toMatchObject({ status: 200, body: { lifted: '198.51.100.0/24' } });
    expect((await send('DELETE', '/api/v1/bans/198.51.100.0/24', bearer)).status).toBe(404);
    expect(bans.refuses('198.51.100.77')).toBe(false);
  });

  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer S3cret',
    'Bearer s3cret2',
    'Bearer s3cre',
    'Basic s3cret',
    's3cret',
  ])('is closed to %j', async (authorization) => {
    const { bans, send } = await start('s3cret');
    bans.add('192.0.2.1', 1000, 'x');
    for (const method of ['GET', 'DELETE', 'POST']) {
      const { status, headers, body } = await send(method, '/api/v1/bans/192.0.2.1?for=1h', authorization);
      expect(status).toBe(401);
      expect(headers.get('www-authenticate')).toBe('Bearer');
      expect(JSON.stringify(body)).not.toContain('192.0.2.1');
    }
    expect(bans.list()).toHaveLength(1);
  });

  it('listens to no token of an address that has sent many wrong ones, until time has passed', () => {
    let nowMs = 0;
    const guard = new TokenGuard(digestOf('s3cret'), () => nowMs);
    const guess = (address: string, token = 'guess'): string => guard.check(`Bearer ${token}`, address);
    for (let wrong = 0; wrong < limits.adminGuessBurst; wrong += 1) expect(guess('2001:db8::1')).toBe('wrong');
    // A neighbour in the /64 is the same host.
    expect(guess('2001:db8::2', 's3cret')).toBe('too-many');
    expect(guard.check('', '2001:db8::2')).toBe('missing');
    expect(guess('192.0.2.1', 's3cret')).toBe('right');
    nowMs += 1000 / limits.adminGuessesPerSecond;
    expect(guess('2001:db8::2', 's3cret')).toBe('right');
    expect(guess('2001:db8::2')).toBe('wrong');
    expect(guess('2001:db8::2')).toBe('too-many');
  });

  it('tells an address over HTTP that it has sent too many wrong tokens', async () => {
    const { send } = await start('s3cret');
    const sent = async (): Promise<number> => (await send('GET', '/api/v1/bans', 'Bearer guess')).status;
    for (let wrong = 0; wrong < limits.adminGuessBurst; wrong += 1) expect(await sent()).toBe(401);
    await expect.poll(sent, { interval: 0 }).toBe(429);
  });

  it('is closed if no token is configured', async () => {
    const { send } = await start(undefined);
    expect((await send('GET', '/api/v1/bans', 'Bearer undefined')).status).toBe(403);
    expect((await send('GET', '/api/v1/bans', 'Bearer ')).status).toBe(403);
  });

  it.each([
    ['POST', '/api/v1/bans', 400],
    ['POST', '/api/v1/bans/192.0.2.1', 400],
    ['POST', '/api/v1/bans/192.0.2.1?for=soon', 400],
    ['POST', '/api/v1/bans/192.0.2.1?for=99999999d', 400],
    ['POST', '/api/v1/bans/nobody?for=1h', 400],
    ['POST', '/api/v1/bans/%E0%A4%A?for=1h', 400],
    ['DELETE', '/api/v1/bans', 400],
    ['DELETE', '/api/v1/bans/%00', 404],
    ['GET', '/api/v1/bans/192.0.2.1', 404],
    ['PUT', '/api/v1/bans/192.0.2.1', 405],
    ['OPTIONS', '/api/v1/bans', 204],
    ['GET', '/api/v1/bansai', 404],
  ])('%s %s is %d', async (method, path, status) => {
    const { send } = await start('s3cret');
    expect((await send(method, path, bearer)).status).toBe(status);
  });
});

describe('the admin socket', () => {
  it('answers its owner without a token, and only its owner may open it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-admin-'));
    closing.push(() => rmSync(folder, { recursive: true }));
    const socketPath = join(folder, 'admin.sock');
    // Left over from a process that was killed.
    writeFileSync(socketPath, '');
    const bans = book();
    const socket = new AdminSocket({ bans, log: { hold: () => () => {} } });
    await socket.listen(socketPath);
    expect(statSync(socketPath).mode & 0o777).toBe(0o600);
    const send = (method: string, path: string) =>
      new Promise<{ status: number | undefined; body: unknown }>((resolve, reject) => {
        request({ socketPath, method, path }, (response) => {
          text(response).then((body) => resolve({ status: response.statusCode, body: JSON.parse(body) }), reject);
        })
          .once('error', reject)
          .end();
      });
    expect(await send('POST', '/api/v1/bans/192.0.2.1?for=1h')).toMatchObject({ status: 200 });
    expect(await send('GET', '/api/v1/bans')).toMatchObject({
      status: 200,
      body: { bans: [{ address: '192.0.2.1' }] },
    });
    expect(await send('GET', '/api/v1/pool')).toMatchObject({ status: 404 });
    await Promise.all([socket.close(), socket.close()]);
    expect(existsSync(socketPath)).toBe(false);
  });
});

describe('answers about bans', () => {
  it('do not repeat an endless address', () => {
    const { body } = answerBans('DELETE', `/api/v1/bans/${'9'.repeat(100_000)}`, '', book());
    expect(body.length).toBeLessThan(400);
  });
});
