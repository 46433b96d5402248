import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createRpcClient, type RpcCall, type RpcClient } from '#work/node/rpc';
import { noSpare } from './fixtures.ts';

type Respond = (request: IncomingMessage, response: ServerResponse, body: string) => void;

const small: RpcCall = { method: 'uptime', timeoutMs: 10_000, answerBytesMax: 1000 };
const servers: Server[] = [];
const clients: RpcClient[] = [];

/** A server that answers as told, and a client for it. */
async function serve(
  respond: Respond,
  options: { credentials?: string; cookie?: string } = {},
): Promise<{ client: RpcClient; server: Server }> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => respond(request, response, Buffer.concat(chunks).toString()));
  });
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `http://${options.credentials ?? ''}127.0.0.1:${port}`;
  const client = createRpcClient({ url, cookie: options.cookie }, { spare: noSpare });
  clients.push(client);
  return { client, server };
}

const result = (response: ServerResponse, value: unknown): void => {
  response.end(JSON.stringify({ result: value, error: null, id: 1 }));
};

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

describe('createRpcClient', () => {
  it('sends the call with the credentials of the URL, which its name does not show', async () => {
    let seen = { authorization: '', body: '' };
    const { client } = await serve(
      (request, response, body) => {
        seen = { authorization: request.headers.authorization ?? '', body };
        result(response, 42);
      },
      { credentials: 'us%40er:p%3Ass@' },
    );
    expect(await client.call({ ...small, params: ['a', 1] })).toEqual({ ok: true, result: 42 });
    expect(Buffer.from(seen.authorization.slice(6), 'base64').toString()).toBe('us@er:p:ss');
    expect(JSON.parse(seen.body)).toMatchObject({ method: 'uptime', params: ['a', 1] });
    expect(client.name).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(client.fixedCredentials).toBe(true);
  });

  it.each<[string, number, string, object]>([
    ['an RPC error', 500, '{"result":null,"error":{"code":-28,"message":"Loading"}}', { kind: 'error', code: -28 }],
    ['a refusal of the credentials', 401, '', { kind: 'unauthorized' }],
    ['a full work queue', 503, 'Work queue depth exceeded', { kind: 'unreachable', message: 'HTTP 503' }],
    ['a web page', 200, '<html>', { kind: 'malformed' }],
    ['JSON that is no answer', 200, '[]', { kind: 'malformed' }],
    ['null', 200, 'null', { kind: 'malformed' }],
    ['too much', 200, `"${'x'.repeat(2000)}"`, { kind: 'malformed', message: 'an answer of more than 1000 bytes' }],
    ['an error that is odd', 500, '{"error":{"code":"x"}}', { kind: 'error', code: undefined, message: 'no message' }],
  ])('tells %s', async (_, status, body, failure) => {
    const { client } = await serve((_request, response) => {
      response.statusCode = status;
      response.end(body);
    });
    expect(await client.call(small)).toMatchObject({ ok: false, failure });
  });

  it('gives up a call without an answer or a listener', async () => {
    const { client, server } = await serve(() => {});
    expect(await client.call({ ...small, timeoutMs: 20 })).toMatchObject({
      failure: { kind: 'late', message: 'no answer to uptime within 20 ms' },
    });
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    expect(await client.call(small)).toMatchObject({ failure: { kind: 'unreachable' } });
  });

  it('gives up a call whose answer never ends', async () => {
    const { client } = await serve((_request, response) => {
      response.write('{"result":');
    });
    expect(await client.call({ ...small, timeoutMs: 50 })).toMatchObject({ failure: { kind: 'late' } });
  });

  it('repeats a call whose kept connection the node had closed', async () => {
    let answered = 0;
    const { client } = await serve((request, response) => {
      answered += 1;
      if (answered === 2) request.socket.resetAndDestroy();
      else result(response, answered);
    });
    expect(await client.call(small)).toEqual({ ok: true, result: 1 });
    expect(await client.call(small)).toEqual({ ok: true, result: 3 });
  });

  it('has four calls under way at a time, and an urgent one beside them although none is answered', async () => {
    const order: string[] = [];
    const open: ServerResponse[] = [];
    const { client } = await serve((_request, response, body) => {
      const { method } = JSON.parse(body) as { method: string };
      order.push(method);
      if (method === 'submitblock') result(response, 1);
      else open.push(response);
    });
    const calls = Array.from({ length: 10 }, (_, index) => client.call({ ...small, method: `poll${index}` }));
    expect((await client.call({ ...small, method: 'submitblock', urgent: true })).ok).toBe(true);
    await expect.poll(() => order.length).toBe(5);
    expect(order.filter((method) => method.startsWith('poll')).sort()).toEqual(['poll0', 'poll1', 'poll2', 'poll3']);
    const answering = setInterval(() => {
      for (const response of open.splice(0)) result(response, 1);
    }, 1);
    expect((await Promise.all(calls)).every((answer) => answer.ok)).toBe(true);
    clearInterval(answering);
  });

  it('bounds what waits', async () => {
    const { client } = await serve(() => {});
    const calls = Array.from({ length: 600 }, () => client.call(small));
    expect(await calls.at(-1)).toMatchObject({ failure: { message: 'too many calls are waiting' } });
    const queue = { depth: 512, served: 4, dropped: 600 - 512 - 4 };
    expect(client.queues).toMatchObject({ calls: queue, urgentCalls: { depth: 0 } });
    client.close();
    const answers = await Promise.all(calls);
    expect(answers.every((answer) => !answer.ok && answer.failure.kind === 'unreachable')).toBe(true);
    expect(await client.call(small)).toMatchObject({ failure: { message: 'closed' } });
    expect(client.queues.calls).toMatchObject({ depth: 0, served: 4, dropped: 600 - 4 });
  });

  it('reads the cookie again when the node refuses it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-rpc-'));
    const cookie = join(folder, '.cookie');
    try {
      let valid = '__cookie__:one';
      let refused = 0;
      const { client } = await serve(
        (request, response) => {
          const given = Buffer.from((request.headers.authorization ?? '').slice(6), 'base64').toString();
          if (given === valid) return result(response, given);
          refused += 1;
          response.statusCode = 401;
          response.end();
        },
        { cookie },
      );
      expect(await client.call(small)).toMatchObject({ failure: { kind: 'unreachable' } });
      writeFileSync(cookie, `${valid}\n`);
      expect(await client.call(small)).toEqual({ ok: true, result: valid });
      valid = '__cookie__:two';
      expect(await client.call(small)).toMatchObject({ failure: { kind: 'unauthorized' } });
      writeFileSync(cookie, valid);
      expect(await client.call(small)).toEqual({ ok: true, result: valid });
      expect(refused).toBe(2);
      expect(client.fixedCredentials).toBe(false);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.each(['', 'bitcoind:8332', 'ftp://secret@host', 'http://%zz:secret@host', '/secret'])(
    'throws for the URL %j without repeating it',
    (url) => {
      expect(() => createRpcClient({ url, cookie: undefined }, { spare: noSpare })).toThrow(/^node\.rpc: (?!.*secret)/);
    },
  );
});
