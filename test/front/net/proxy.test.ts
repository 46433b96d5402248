import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ranges } from '#front/net/door/door-options';
import type { Listener, ListenModules, ListenOptions } from '#front/net/listen/listener';
import { listenTcp } from '#front/net/listen/tcp';
import { listenTls } from '#front/net/listen/tls';
import { listenWebSocket } from '#front/net/listen/websocket';
import { makeCertificate } from '../../support/certificate.ts';
import { recordedLogger } from '../../support/recorded-logger.ts';
import { clientFrame, opcodes } from '../../support/websocket.ts';
import { echoEnds } from './ends.ts';

const v1 = Buffer.from('PROXY TCP4 203.0.113.7 127.0.0.1 49152 3333\r\n', 'latin1');
const v2 = Buffer.from(
  '0d0a0d0a000d0a515549540a21110010cb007107 7f000001 c000 0d05 e00001ff'.replaceAll(' ', ''),
  'hex',
);
const v2Ipv6 = Buffer.from(
  `0d0a0d0a000d0a515549540a21210024${'20010db8000000000000000000000007'}${'00000000000000000000000000000001'}c0000d05`,
  'hex',
);
const v2Local = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex');

let folder = '';
let certificate: ReturnType<typeof makeCertificate>;
const closing: (() => Promise<void> | void)[] = [];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-proxy-'));
  certificate = makeCertificate(folder, 'proxied');
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Listen = (options: ListenOptions, modules: ListenModules) => Promise<Listener>;
const listeners: [name: string, listen: Listen][] = [
  ['tcp', listenTcp],
  ['tls', (options, modules) => listenTls({ ...options, certificate }, modules)],
];

async function setup(listen: Listen, options: Partial<ListenOptions> = {}) {
  const { ends, accept } = echoEnds();
  const proxies = ranges(['127.0.0.1']);
  const listener = await listen(
    { host: '127.0.0.1', port: 0, proxies, ...options },
    { accept, logger: recordedLogger() },
  );
  closing.push(() => listener.close());
  const open = async (localAddress = '127.0.0.1'): Promise<Socket> => {
    const socket = connect({ ...listener.address, localAddress });
    closing.push(() => void socket.destroy());
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  };
  return { listener, ends, open };
}

/** TLS over a connection that has sent its PROXY header, where the listener wants TLS. */
async function client(name: string, socket: Socket): Promise<Socket> {
  if (name === 'tcp') return socket;
  const secure = connectTls({ socket, rejectUnauthorized: false, servername: 'localhost' });
  secure.on('error', () => undefined);
  await once(secure, 'secureConnect');
  return secure;
}

async function ask(socket: Socket, line: string): Promise<string> {
  socket.write(`${line}\n`);
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  return chunk.toString();
}

async function closed(socket: Socket): Promise<void> {
  socket.resume();
  if (!socket.closed) await once(socket, 'close');
}

describe.each(listeners)('the PROXY protocol before %s', (name, listen) => {
  it.each([
    ['version 1', v1, '203.0.113.7'],
    ['version 2', v2, '203.0.113.7'],
    ['version 2, IPv6', v2Ipv6, '2001:db8::7'],
    ['version 2, LOCAL', v2Local, '127.0.0.1'],
  ])('%s gives the client’s address', async (_version, header, source) => {
    const { ends, open } = await setup(listen);
    const socket = await open();
    socket.write(header);
    expect(await ask(await client(name, socket), '{"id":1}')).toBe('echo {"id":1}\n');
    expect(ends[0]?.wire).toMatchObject({ transport: name, remoteIp: source });
  });

  it('may come in pieces, and in one segment with what follows', async () => {
    const { ends, open } = await setup(listen);
    const socket = await open();
    for (const byte of v2) {
      socket.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await ask(await client(name, socket), '{"id":1}')).toBe('echo {"id":1}\n');
    const together = await open();
    together.cork();
    together.write(v1);
    const secure = client(name, together);
    if (name === 'tcp') together.write('{"id":2}\n');
    process.nextTick(() => together.uncork());
    if (name === 'tls') expect(await ask(await secure, '{"id":2}')).toBe('echo {"id":2}\n');
    else expect(String((await once(together, 'data'))[0])).toBe('echo {"id":2}\n');
    expect(ends.map(({ wire }) => wire.remoteIp)).toEqual(['203.0.113.7', '203.0.113.7']);
  });

  it('is demanded of a proxy: without a header, or without one in time, it is closed', async () => {
    const { listener, ends, open } = await setup(listen, { handshakeMsMax: 100 });
    const [silent, half, none] = [await open(), await open(), await open()];
    half.write(v2.subarray(0, 20));
    none.write('{"id":1,"method":"mining.subscribe","params":[]}\n');
    await Promise.all([closed(silent), closed(half), closed(none)]);
    expect(ends).toEqual([]);
    expect(listener.counters).toMatchObject({ accepted: 0, badHandshakes: 3 });
  });

  it('is cut at every byte, by an end or a reset, and the next client is served', async () => {
    const { listener, ends, open } = await setup(listen);
    const cuts = [v1, v2, v2Ipv6].flatMap((header) => Array.from(header, (_, bytes) => header.subarray(0, bytes)));
    for (const [i, bytes] of cuts.entries()) {
      const socket = await open();
      socket.write(bytes);
      if (i % 2 === 0) socket.end();
      else setImmediate(() => socket.resetAndDestroy());
      await closed(socket);
    }
    const good = await open();
    good.write(v1);
    expect(await ask(await client(name, good), '{"id":1}')).toBe('echo {"id":1}\n');
    expect(ends).toHaveLength(1);
    // A reset may overtake the accept, and then nobody has seen it.
    expect(listener.counters.badHandshakes).toBeGreaterThanOrEqual(cuts.length / 2);
  });

  it('closes connections within their header when it closes', async () => {
    const { listener, open } = await setup(listen);
    const waiting = await open();
    waiting.write(v2.subarray(0, 3));
    const good = await open();
    good.write(v1);
    await ask(await client(name, good), '{"id":1}');
    await listener.close();
    await closed(waiting);
  });
});

describe('a PROXY header', () => {
  it('from any other address is a bad request, and is not believed', async () => {
    const { ends, open } = await setup(listenTcp, { proxies: ranges(['192.0.2.0/24']) });
    const socket = await open();
    expect(await ask(socket, v1.toString('latin1').trimEnd())).toMatch(/^echo PROXY/);
    expect(ends[0]?.wire.remoteIp).toBe('127.0.0.1');
  });

  it('is read from listed addresses alone', async () => {
    const { ends, open } = await setup(listenTcp, { proxies: ranges(['127.0.0.2']) });
    const [miner, proxy] = [await open('127.0.0.3'), await open('127.0.0.2')];
    expect(await ask(miner, '{"id":1}')).toBe('echo {"id":1}\n');
    proxy.write(v1);
    expect(await ask(proxy, '{"id":2}')).toBe('echo {"id":2}\n');
    expect(ends.map(({ wire }) => wire.remoteIp)).toEqual(['127.0.0.3', '203.0.113.7']);
  });
});

describe('the PROXY protocol before websocket', () => {
  const upgrade =
    'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n';

  it.each([
    [v2, '203.0.113.7'],
    [v2Ipv6, '2001:db8::7'],
  ])('gives the client’s address, in version 2', async (header, source) => {
    const { ends, open } = await setup(listenWebSocket);
    const socket = await open();
    socket.write(Buffer.concat([header, Buffer.from(upgrade)]));
    await once(socket, 'data');
    socket.write(clientFrame(opcodes.text, Buffer.from('{"id":1}')));
    await once(socket, 'data');
    expect(ends[0]?.wire.remoteIp).toBe(source);
    expect(ends[0]?.messages).toEqual(['{"id":1}']);
  });

  it('is demanded of a proxy, and not believed of others', async () => {
    const { listener, ends, open } = await setup(listenWebSocket, { proxies: ranges(['127.0.0.2']) });
    const proxy = await open('127.0.0.2');
    proxy.write(upgrade);
    await closed(proxy);
    expect(listener.counters.badHandshakes).toBe(1);
    const liar = await open('127.0.0.3');
    liar.write(Buffer.concat([v2, Buffer.from(upgrade)]));
    await once(liar, 'data');
    expect(ends.map(({ wire }) => wire.remoteIp)).toEqual(['127.0.0.3']);
  });
});
