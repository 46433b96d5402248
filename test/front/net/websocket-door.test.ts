import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { limits } from '#base/limits';
import { Bans } from '#front/net/door/bans';
import { Door } from '#front/net/door/door';
import { type DoorSettings, doorOptions, ranges } from '#front/net/door/door-options';
import type { ListenOptions } from '#front/net/listen/listener';
import { listenWebSocket } from '#front/net/listen/websocket';
import { recordedLogger } from '../../support/recorded-logger.ts';
import { clientFrame, opcodes } from '../../support/websocket.ts';
import { doorSettings } from './door-settings.ts';
import { echoEnds } from './ends.ts';
import { ManualClock } from './manual-clock.ts';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function setup(given: Partial<DoorSettings['limits']> = {}, options: Partial<ListenOptions> = {}) {
  const clock = new ManualClock();
  const logger = recordedLogger();
  const bans = new Bans(
    { enabled: true, allow: [], deny: [], entriesMax: 1000 },
    { clock, changed: () => undefined, banned: (ban) => door.evict(ban) },
  );
  const door: Door = new Door(doorOptions(doorSettings(given)), { clock, logger, bans });
  const { ends, accept } = echoEnds();
  const listener = await listenWebSocket({ host: '127.0.0.1', port: 0, ...options }, { accept, logger, door });
  closing.push(() => listener.close());
  const open = (localAddress = '127.0.0.2'): Socket => {
    const socket = connect({ ...listener.address, localAddress });
    socket.on('error', () => undefined);
    closing.push(() => void socket.destroy());
    return socket;
  };
  return { listener, ends, open, bans, door };
}

function upgrade(...headers: string[]): string {
  const all = [
    'Host: x',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
    ...headers,
  ];
  return `GET / HTTP/1.1\r\n${all.join('\r\n')}\r\n\r\n`;
}

/** A PROXY header of version 2 for a TCP connection from that IPv4 address. */
function proxied(address: string): Buffer {
  const header = Buffer.from('0d0a0d0a000d0a515549540a2111000c000000007f000001c0000d06', 'hex');
  for (const [i, part] of address.split('.').entries()) header[16 + i] = Number(part);
  return header;
}

/** All that comes until the connection is closed. */
async function whole(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  await new Promise<void>((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });
  return text;
}

async function upgraded(socket: Socket, ...headers: string[]): Promise<Socket> {
  socket.write(upgrade(...headers));
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString('latin1')).toMatch(/^HTTP\/1\.1 101 /);
  return socket;
}

describe('a WebSocket connection without a request', () => {
  it('is closed as it is accepted if its address is banned', async () => {
    const { open, bans, listener } = await setup();
    bans.add('127.0.0.2', 60_000, 'x');
    expect(await whole(open())).toBe('');
    await upgraded(open('127.0.0.3'));
    expect(listener.counters.refused).toBe(1);
  });

  it('counts as one of its address, and keeps its place when it becomes a WebSocket', async () => {
    const { open, door } = await setup({ connectionsPerAddress: 2 });
    const [first, second] = [open(), open()];
    await once(second, 'connect');
    expect(await whole(open())).toBe('');
    await upgraded(first);
    expect(await whole(open())).toBe('');
    expect(door.visits).toBe(2);
    await upgraded(open('127.0.0.3'));
    // When the one that said nothing is gone, there is room again.
    second.destroy();
    for (;;) {
      const socket = open();
      socket.write(upgrade());
      const came = await Promise.race([once(socket, 'data'), whole(socket)]);
      if (came !== '') break;
    }
  });

  it('is shown out at its request if its address is banned meanwhile', async () => {
    const { open, bans, ends } = await setup();
    const socket = open();
    await once(socket, 'connect');
    // A connection that is served was accepted after the first.
    await upgraded(open('127.0.0.3'));
    bans.add('127.0.0.2', 60_000, 'x');
    socket.write(upgrade());
    expect(await whole(socket)).toBe('');
    expect(ends).toHaveLength(1);
  });
});

describe('pings and pongs', () => {
  it.each(['ping', 'pong'] as const)(
    'are taken, a few of them; a flood of %ss ends its connection, and bans',
    async (kind) => {
      const { open, bans } = await setup();
      const honest = await upgraded(open('127.0.0.3'));
      for (let i = 0; i < limits.controlFramesPerSecondMax; i += 1)
        honest.write(clientFrame(opcodes[kind], Buffer.of(i)));
      honest.write(clientFrame(opcodes.text, Buffer.from('{"id":1}')));
      let got = '';
      while (!got.includes('{"id":1}')) got += String((await once(honest, 'data'))[0]);
      const flood = Buffer.concat(new Array(10_000).fill(clientFrame(opcodes[kind], Buffer.alloc(0))));
      for (let connections = 0; !bans.refuses('127.0.0.2'); connections += 1) {
        expect(connections).toBeLessThan(150);
        const socket = await upgraded(open());
        socket.write(flood);
        await whole(socket);
      }
      expect(bans.refuses('127.0.0.3')).toBe(false);
    },
  );
});

describe('a page of a browser', () => {
  it('gets no session for its visitor, nor points', async () => {
    const { open, ends, door } = await setup();
    for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:3334']) {
      const socket = open();
      socket.write(upgrade(`Origin: ${origin}`));
      expect(await whole(socket)).toMatch(/^HTTP\/1\.1 403 /);
    }
    expect(ends).toHaveLength(0);
    expect(door.visits).toBe(0);
  });

  it('may connect if its site is configured', async () => {
    const { open } = await setup({}, { origins: ['https://farm.example:8443'] });
    await upgraded(open(), 'Origin: https://FARM.example:8443');
    const other = open();
    other.write(upgrade('Origin: https://farm.example'));
    expect(await whole(other)).toMatch(/^HTTP\/1\.1 403 /);
    const all = await setup({}, { origins: ['*'] });
    await upgraded(all.open(), 'Origin: https://any.example');
  });
});

describe('behind a proxy, a client', () => {
  it.each([
    ['behind a request that is refused', ['GET /x HTTP/1.1\r\nHost: a\r\n\r\n', proxied('203.0.113.77'), upgrade()]],
    ['behind a page that is refused', [upgrade('Origin: https://x'), proxied('203.0.113.77'), upgrade()]],
  ])('can not bring its own PROXY header %s, in one write or several', async (_where, parts) => {
    const { open, ends } = await setup({}, { proxies: ranges(['127.0.0.1']) });
    const header = proxied('198.51.100.1');
    const bytes = Buffer.concat([header, ...parts.map((part) => Buffer.from(part))]);
    const socket = open('127.0.0.1');
    socket.write(bytes);
    await whole(socket);
    const apart = open('127.0.0.1');
    for (const part of [header, ...parts]) {
      apart.write(part);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await whole(apart);
    expect(ends).toHaveLength(0);
    const honest = open('127.0.0.1');
    honest.write(header);
    await upgraded(honest);
    expect(ends.map(({ wire }) => wire.remoteIp)).toEqual(['198.51.100.1']);
  });

  it('brings none behind that of the proxy', async () => {
    const { open, ends } = await setup({}, { proxies: ranges(['127.0.0.1']) });
    const header = proxied('198.51.100.1');
    open('127.0.0.1').write(Buffer.concat([header, proxied('203.0.113.77'), Buffer.from(upgrade())]));
    const honest = open('127.0.0.1');
    honest.write(header);
    await upgraded(honest);
    expect(ends.map(({ wire }) => wire.remoteIp)).toEqual(['198.51.100.1']);
  });
});
