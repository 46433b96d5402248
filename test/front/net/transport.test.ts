import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Listener, ListenModules, ListenOptions } from '#front/net/listen/listener';
import { listenTcp } from '#front/net/listen/tcp';
import { listenTls } from '#front/net/listen/tls';
import { listenWebSocket } from '#front/net/listen/websocket';
import { makeCertificate } from '../../support/certificate.ts';
import { recordedLogger } from '../../support/recorded-logger.ts';
import { canAsk, optionsOf } from '../../support/socket-options.ts';
import { WebSocketClient } from '../../support/websocket.ts';
import { echoEnds } from './ends.ts';

let folder = '';
let certificate: ReturnType<typeof makeCertificate>;
const closing: (() => Promise<void> | void)[] = [];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-transport-'));
  certificate = makeCertificate(folder, 'transport');
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Listen = (options: ListenOptions, modules: ListenModules) => Promise<Listener>;
const streams: [name: 'tcp' | 'tls', listen: Listen][] = [
  ['tcp', listenTcp],
  ['tls', (options, modules) => listenTls({ ...options, certificate }, modules)],
];

async function setup(listen: Listen, host: string) {
  const { ends, accept } = echoEnds();
  const listener = await listen({ host, port: 0 }, { accept, logger: recordedLogger() });
  closing.push(() => listener.close());
  return { ends, listener };
}

/** A client that has had an answer. */
async function open(name: 'tcp' | 'tls', { host, port }: Listener['address']): Promise<Socket> {
  const socket = name === 'tcp' ? connect({ host, port }) : connectTls({ host, port, rejectUnauthorized: false });
  closing.push(() => void socket.destroy());
  await once(socket, name === 'tcp' ? 'connect' : 'secureConnect');
  socket.write('{"id":1}\n');
  expect(String((await once(socket, 'data'))[0])).toBe('echo {"id":1}\n');
  return socket;
}

describe.each(streams)('%s', (name, listen) => {
  it('listens on [::1] alone where that is what it is told', async () => {
    const { ends, listener } = await setup(listen, '::1');
    await open(name, listener.address);
    expect(ends[0]?.wire).toMatchObject({ transport: name, remoteIp: '::1' });
    const other = connect({ host: '127.0.0.1', port: listener.address.port });
    await expect(once(other, 'connect')).rejects.toThrow('ECONNREFUSED');
  });

  // Who else could say what the kernel was told? In CI it must be there.
  it.runIf(canAsk() || process.env['CI'] !== undefined)(
    'has TCP_NODELAY, keepalive after 60 s, and a backlog of 4096 where the system allows it',
    async () => {
      const { listener } = await setup(listen, '127.0.0.1');
      await open(name, listener.address);
      const somaxconn = Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8'));
      expect(optionsOf(listener.address.port, 'listening')).toMatchObject([{ backlog: Math.min(4096, somaxconn) }]);
      expect(optionsOf(listener.address.port, 'connections')).toMatchObject([
        { noDelay: true, keepAlive: true, keepIdle: 60 },
      ]);
    },
  );
});

describe('websocket', () => {
  it('listens on [::1] alone where that is what it is told', async () => {
    const { ends, listener } = await setup(listenWebSocket, '::1');
    const client = await WebSocketClient.open('::1', listener.address.port);
    closing.push(() => client.close());
    const answer = new Promise<string>((resolve) => {
      client.onMessage = resolve;
    });
    client.send('{"id":1}');
    expect(await answer).toBe('echo {"id":1}');
    expect(ends[0]?.wire.remoteIp).toBe('::1');
    await expect(WebSocketClient.open('127.0.0.1', listener.address.port)).rejects.toThrow('ECONNREFUSED');
  });

  it.runIf(canAsk() || process.env['CI'] !== undefined)('has TCP_NODELAY', async () => {
    const { listener } = await setup(listenWebSocket, '127.0.0.1');
    const client = await WebSocketClient.open('127.0.0.1', listener.address.port);
    closing.push(() => client.close());
    expect(optionsOf(listener.address.port, 'connections')).toMatchObject([{ noDelay: true }]);
  });

  it('is cut at every byte of its handshake and of a frame, by an end or a reset, and the next client is served', async () => {
    const { ends, listener } = await setup(listenWebSocket, '127.0.0.1');
    const whole = Buffer.concat([
      Buffer.from(
        'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
          'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
      ),
      Buffer.from('818800000000', 'hex'),
      Buffer.from('{"id":1}'),
    ]);
    for (let bytes = 0; bytes <= whole.length; bytes += 1) {
      const socket = connect(listener.address);
      socket.on('error', () => undefined);
      socket.resume();
      await once(socket, 'connect');
      socket.write(whole.subarray(0, bytes));
      if (bytes % 2 === 0) socket.end();
      else setImmediate(() => socket.resetAndDestroy());
      if (!socket.closed) await once(socket, 'close');
    }
    const client = await WebSocketClient.open('127.0.0.1', listener.address.port);
    closing.push(() => client.close());
    const answer = new Promise<string>((resolve) => {
      client.onMessage = resolve;
    });
    client.send('{"id":2}');
    expect(await answer).toBe('echo {"id":2}');
    await expect.poll(() => listener.connections).toBe(1);
    // Only the whole frame was a message; a reset may have overtaken it.
    expect(ends.flatMap(({ messages }) => messages).filter((text) => text !== '{"id":1}')).toEqual(['{"id":2}']);
  });
});
