import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { limits } from '#base/limits';
import type { ServerModules, ServerOptions } from '#show/api/server';
import { type StartedHttp, startHttp } from '../../support/http.ts';

const STRANGER = '127.0.0.2';
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(modules: Partial<ServerModules> = {}, options: Partial<ServerOptions> = {}): Promise<StartedHttp> {
  const started = await startHttp(modules, options);
  closing.push(() => started.server.close());
  return started;
}

function open({ server }: StartedHttp, from = '127.0.0.1'): Socket {
  const socket = connect({ port: server.port, host: '127.0.0.1', localAddress: from });
  socket.setMaxListeners(0).on('error', () => undefined);
  closing.push(() => socket.destroy());
  return socket;
}

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
}

/** All that comes back until there are so many answers or the connection is closed. */
async function answers(socket: Socket, count: number): Promise<string[]> {
  let text = '';
  const all = (): string[] => text.split(/(?=HTTP\/1\.1 )/).filter((part) => part !== '');
  await new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (all().length >= count) resolve();
    });
    void closed(socket).then(resolve);
  });
  return all();
}

/** By a reset as well. */
function closed(socket: Socket): Promise<void> {
  socket.resume();
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('requests of one connection', () => {
  it('are served one at a time, and answered in order', async () => {
    const waiting: ((text: string) => void)[] = [];
    const asked: string[] = [];
    const http = await start({
      miner: (address) => {
        asked.push(address);
        return new Promise((resolve) => waiting.push((reason) => resolve({ kind: 'no-address', reason })));
      },
    });
    const socket = open(http);
    socket.write([1, 2, 3].map((i) => get(`/api/v1/miners/m${i}`)).join(''));
    const got = answers(socket, 3);
    for (const i of [1, 2, 3]) {
      while (waiting.length < i) await turn();
      await turn();
      expect(asked).toHaveLength(i);
      waiting[i - 1]?.(`answer ${i}`);
    }
    expect((await got).map((answer) => /answer \d/.exec(answer)?.[0])).toEqual(['answer 1', 'answer 2', 'answer 3']);
  });

  it('end the connection if more than a few wait', async () => {
    let asked = 0;
    const http = await start({
      miner: () => {
        asked += 1;
        return new Promise(() => undefined);
      },
    });
    const socket = open(http);
    socket.write(get('/api/v1/miners/me').repeat(20_000));
    await closed(socket);
    expect(asked).toBe(1);
  });

  it('shut their address out for a while if that comes again and again', async () => {
    const http = await start({
      clock: { nowMs: () => 0, monotonicMs: () => 0 },
      miner: () => new Promise(() => undefined),
    });
    const times = (limits.httpHandshakesPerAddressMax * limits.httpBurstSeconds) / limits.httpOffenceHandshakes;
    for (let time = 0; time < times; time += 1) {
      const socket = open(http, STRANGER);
      socket.write(get('/api/v1/miners/me').repeat(100));
      await closed(socket);
    }
    expect(http.server.counts().refused).toBe(0);
    await closed(open(http, STRANGER));
    expect(http.server.counts().refused).toBe(1);
    expect((await fetch(`${http.url}/healthz`)).status).toBe(200);
  });

  it('wait until the answer before them is read', async () => {
    let asked = 0;
    const text = 'x'.repeat(8 * 1024 * 1024);
    const http = await start({
      metrics: async () => {
        asked += 1;
        return text;
      },
    });
    const socket = open(http);
    socket.pause();
    socket.write(get('/metrics').repeat(3));
    while (asked === 0) await turn();
    // Another connection is served after what this one has sent was read.
    await fetch(`${http.url}/healthz`);
    expect(asked).toBe(1);
    let bytes = 0;
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    socket.resume();
    while (bytes < 3 * text.length) await turn();
    expect(asked).toBe(3);
  });
});

describe('an address', () => {
  it('has a rate of requests: what is over is answered 429, and the connection is closed', async () => {
    let nowMs = 0;
    const http = await start({ clock: { nowMs: () => nowMs, monotonicMs: () => nowMs } });
    const burst = limits.httpRequestsPerAddressMax * limits.httpBurstSeconds;
    const socket = open(http, STRANGER);
    for (let sent = 0; sent < burst; sent += 10) {
      const got = answers(socket, 10);
      socket.write(get('/healthz').repeat(10));
      for (const answer of await got) expect(answer).toMatch(/^HTTP\/1\.1 200 /);
      socket.removeAllListeners('data');
    }
    socket.write(get('/healthz'));
    const [refused] = await answers(socket, 1);
    expect(refused).toMatch(/^HTTP\/1\.1 429 /);
    await closed(socket);
    // Whoever may do anything is not limited, and a second later the stranger may ask again.
    expect((await fetch(`${http.url}/healthz`)).status).toBe(200);
    nowMs = 1000;
    const again = open(http, STRANGER);
    again.write(get('/healthz'));
    expect((await answers(again, 1))[0]).toMatch(/^HTTP\/1\.1 200 /);
    expect(http.server.counts()).toMatchObject({ limited: 1, faults: 0 });
  });

  it('pays more for a page of workers than for a total', async () => {
    const http = await start({
      clock: { nowMs: () => 0, monotonicMs: () => 0 },
      miner: async () => ({ kind: 'nobody' }),
    });
    const socket = open(http, STRANGER);
    const pages = (limits.httpRequestsPerAddressMax * limits.httpBurstSeconds) / limits.httpWorkersPageCost;
    let served = 0;
    for (;;) {
      const got = answers(socket, 1);
      socket.write(get('/api/v1/miners/me/workers'));
      const [answer = ''] = await got;
      socket.removeAllListeners('data');
      if (!answer.startsWith('HTTP/1.1 404')) break;
      served += 1;
    }
    expect(served).toBe(pages);
  });

  it('has so many connections; further ones are closed as they come', async () => {
    const http = await start();
    const sockets = Array.from({ length: limits.httpConnectionsPerAddressMax + 5 }, () => open(http, STRANGER));
    await Promise.all(sockets.slice(-5).map(closed));
    expect(http.server.counts().refused).toBe(5);
    expect((await fetch(`${http.url}/healthz`)).status).toBe(200);
  });

  it.each(['127.0.0.2', '127.0.0.0/24'])('that is denied as %s is closed as it comes', async (denied) => {
    const http = await start({}, { deny: [denied], allow: ['127.0.0.1'] });
    await closed(open(http, STRANGER));
    expect((await fetch(`${http.url}/healthz`)).status).toBe(200);
  });

  it.each(['127.0.0.2', '127.0.0.0/24'])('that is banned as %s is shown out, until it is pardoned', async (banned) => {
    const http = await start();
    const socket = open(http, STRANGER);
    socket.write(get('/healthz'));
    await answers(socket, 1);
    http.server.ban({ address: banned, reason: '', sinceMs: 0, untilMs: Date.now() + 60_000, times: 1 });
    await closed(socket);
    await closed(open(http, STRANGER));
    http.server.pardon(banned);
    const again = open(http, STRANGER);
    again.write(get('/healthz'));
    expect((await answers(again, 1))[0]).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe('a client', () => {
  it('that speaks HTTP/1.0 is answered', async () => {
    const socket = open(await start());
    socket.write('GET /readyz HTTP/1.0\r\n\r\n');
    expect((await answers(socket, 2))[0]).toMatch(/^HTTP\/1\.1 200 /);
  });

  it.each([
    ['a header without end', `GET / HTTP/1.1\r\nX: ${'y'.repeat(20_000)}`, 431],
    ['no HTTP', '{"id":1,"method":"mining.subscribe","params":[]}\n', 400],
    ['a second header of length', 'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400],
  ])('that sends %s is closed', async (_what, bytes, status) => {
    const socket = open(await start());
    socket.write(bytes);
    const [answer] = await answers(socket, 2);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    await closed(socket);
  });
});
