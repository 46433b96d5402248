import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { address as bitcoinAddress } from 'bitcoinjs-lib';
import { afterEach, describe, expect, it } from 'vitest';
import { limits } from '#base/limits';
import { Bans } from '#front/net/door/bans';
import { DOOR_TICK_MS, Door } from '#front/net/door/door';
import { type DoorSettings, doorOptions } from '#front/net/door/door-options';
import { LineFramer } from '#front/net/listen/framer';
import type { ListenModules, ListenOptions } from '#front/net/listen/listener';
import { listenTcp } from '#front/net/listen/tcp';
import { listenWebSocket } from '#front/net/listen/websocket';
import { authorizeAddress } from '#front/session/login/authorize';
import { recordedLogger } from '../../support/recorded-logger.ts';
import { WebSocketClient } from '../../support/websocket.ts';
import { makeBench } from '../session/support.ts';
import { doorSettings } from './door-settings.ts';
import { echoEnds } from './ends.ts';
import { ManualClock } from './manual-clock.ts';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A listener with a real door. */
async function setup(
  listen: typeof listenTcp,
  given: Partial<DoorSettings['limits']> = {},
  options: Partial<ListenOptions> = {},
  accept: ListenModules['accept'] | undefined = undefined,
) {
  const clock = new ManualClock();
  const logger = recordedLogger();
  const bans = new Bans(
    { enabled: true, allow: [], deny: [], entriesMax: 1000 },
    { clock, changed: () => undefined, banned: (ban) => door.evict(ban) },
  );
  const door: Door = new Door(doorOptions(doorSettings(given)), {
    clock,
    logger,
    bans,
  });
  const { ends, accept: echo } = echoEnds();
  const listener = await listen({ host: '127.0.0.1', port: 0, ...options }, { accept: accept ?? echo, logger, door });
  closing.push(() => {
    door.close();
    return listener.close();
  });
  const open = (localAddress: string): Socket => {
    const socket = connect({ ...listener.address, localAddress });
    closing.push(() => void socket.destroy());
    socket.on('error', () => undefined);
    return socket;
  };
  return { clock, bans, door, ends, listener, open };
}

/** Resolves when it is over, by an end or a reset. */
function gone(socket: Socket): Promise<void> {
  socket.resume();
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });
}

async function ask(socket: Socket, line: string): Promise<string> {
  socket.write(`${line}\n`);
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  return chunk.toString();
}

const HONEST = '127.0.0.9';

describe('oversize lines, drip feed', () => {
  it('is cut off at 8 KiB, never reaches the session, and leads to a ban if repeated', async () => {
    const { ends, listener, open, bans } = await setup(listenTcp);
    for (let round = 0; round < limits.banPoints; round += 1) {
      const socket = open('127.0.0.2');
      const full = Buffer.alloc(limits.lineBytesMax, '{');
      await once(socket, 'connect');
      if (round % 2 === 0) socket.write(full);
      else for (let at = 0; at < full.length; at += 512) socket.write(full.subarray(at, at + 512));
      socket.write('{{');
      await gone(socket);
    }
    expect(listener.counters.overlong).toBe(limits.banPoints);
    expect(ends.flatMap(({ messages }) => messages)).toEqual([]);
    expect(bans.refuses('127.0.0.2')).toBe(true);
    await gone(open('127.0.0.2'));
    expect(ends).toHaveLength(limits.banPoints);
    expect(await ask(open(HONEST), '{"id":1}')).toBe('echo {"id":1}\n');
  });

  it('holds no more of a line than the cap, whatever comes', () => {
    let heard = 0;
    const framer = new LineFramer(limits.lineBytesMax, () => {
      heard += 1;
      return true;
    });
    const byte = Buffer.from('x');
    let fed = 0;
    while (framer.push(byte) === 'ok') fed += 1;
    // One more than the cap may still be a \r.
    expect(fed).toBeLessThanOrEqual(limits.lineBytesMax + 1);
    expect(heard).toBe(0);
  });
});

describe('JSON bombs', () => {
  it('over the cap are cut off at the socket; within it they are a line like any other', async () => {
    const { ends, open } = await setup(listenTcp);
    const bomb = open('127.0.0.2');
    bomb.write(`{"id":${'['.repeat(1_000_000)}\n`);
    await gone(bomb);
    expect(ends[0]?.messages).toEqual([]);
    const small = `{"id":${'['.repeat(8000)}`;
    expect(await ask(open(HONEST), small)).toBe(`echo ${small}\n`);
  });
});

describe('slowloris, idle, half-open', () => {
  it('bans an address whose connections say nothing, and lets others in meanwhile', async () => {
    const { ends, open, bans } = await setup(listenTcp);
    const silent = Array.from({ length: limits.banPoints }, () => open('127.0.0.2'));
    while (ends.length < silent.length) await new Promise((resolve) => setImmediate(resolve));
    expect(await ask(open(HONEST), '{"id":1}')).toBe('echo {"id":1}\n');
    // What a session does when its time to subscribe is over.
    for (const { wire } of ends.slice(0, silent.length)) if (wire.remoteIp === '127.0.0.2') wire.close();
    await Promise.all(silent.map(gone));
    expect(bans.list()).toMatchObject([{ address: '127.0.0.2', reason: 'silent connections' }]);
  });
});

describe.each([
  ['tcp', listenTcp],
  ['websocket', listenWebSocket],
] as const)('a flood over %s', (name, listen) => {
  it('of connections from one address is refused at the door, and others come in', async () => {
    const { listener, open, door } = await setup(listen, { connectionsPerAddress: 3 });
    const client = async (localAddress: string): Promise<string> => {
      const socket = open(localAddress);
      if (name === 'websocket') {
        socket.write('GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n');
        socket.write('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n');
      } else socket.write('{"id":1}\n');
      return new Promise((resolve) => {
        socket.once('data', (chunk: Buffer) => resolve(/101|echo/.test(chunk.toString()) ? 'in' : 'refused'));
        socket.once('close', () => resolve('refused'));
      });
    };
    const results = [];
    for (let i = 0; i < 10; i += 1) results.push(await client('127.0.0.2'));
    expect(results).toEqual([...new Array(3).fill('in'), ...new Array(7).fill('refused')]);
    expect(await client(HONEST)).toBe('in');
    expect(listener.counters).toMatchObject({ accepted: 4, refused: 7 });
    expect(door.counters.limited).toBe(7);
  });
});

describe('lines that are no message', () => {
  it.each([
    ['an HTTP client', 'GET / HTTP/1.1\r\nHost: pool\r\nUser-Agent: x\r\n\r\n', 'another protocol'],
    ['an HTTP/2 client', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'another protocol'],
    ['an SSH client', 'SSH-2.0-OpenSSH_9.2\r\n', 'another protocol'],
    ['a mail client', 'EHLO pool\r\n', 'another protocol'],
    ['a TLS client', Buffer.from('16030100050a0a0a0a0a', 'hex'), 'another protocol'],
    [
      'a Stratum V2 client',
      Buffer.from(Array.from({ length: 64 }, (_, i) => (i * 151 + 7) & 0xff)),
      'another protocol',
    ],
    [
      'noise',
      Buffer.from(Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? 0x0a : 0xff))),
      'lines that are no message',
    ],
  ])('of %s are one offence a connection, and a brief ban in the end', async (_name, bytes, reason) => {
    const { open, bans } = await setup(listenTcp);
    let connections = 0;
    for (; connections < 1000 && bans.list().length === 0; connections += 1) {
      const socket = open('127.0.0.2');
      socket.end(bytes);
      await gone(socket);
    }
    expect(connections).toBeGreaterThanOrEqual(limits.banPoints);
    expect(bans.list()).toMatchObject([{ address: '127.0.0.2', reason }]);
  });

  it('of another protocol end its connection at once, without an answer', async () => {
    const { ends, open } = await setup(listenTcp);
    for (const bytes of ['GET / HTTP/1.1\r\n', Buffer.from('160301', 'hex')]) {
      const socket = open('127.0.0.2');
      const heard = once(socket, 'data').then(() => true);
      socket.write(bytes);
      expect(await Promise.race([heard, gone(socket).then(() => false)])).toBe(false);
    }
    expect(ends.flatMap(({ messages }) => messages)).toEqual([]);
  });
});

describe('more than its rate', () => {
  it('waits in the sender’s socket over TCP, and others are not held up', async () => {
    const { ends, open } = await setup(listenTcp, { lines: 5 });
    const noisy = open('127.0.0.2');
    noisy.resume();
    noisy.write('{}\n'.repeat(1000));
    const handled = limits.linesPerTurnAndConnectionMax;
    while (ends[0]?.messages.length !== handled) await new Promise((resolve) => setImmediate(resolve));
    noisy.write('{"late":1}\n');
    for (let id = 1; id <= 20; id += 1) {
      expect(await ask(open(HONEST), `{"id":${id}}`)).toBe(`echo {"id":${id}}\n`);
    }
    // It has been there before any of them.
    expect(ends[0]?.messages).toHaveLength(handled);
  });

  it('is late, and not lost', async () => {
    const { ends, open } = await setup(listenTcp, { lines: 1000 });
    const noisy = open('127.0.0.2');
    noisy.resume();
    noisy.write('{}\n'.repeat(2020));
    while (ends[0]?.messages.length !== 2020) await new Promise((resolve) => setImmediate(resolve));
    noisy.write('{"late":1}\n');
    await expect.poll(() => ends[0]?.messages.at(-1)).toBe('{"late":1}');
  });

  it('waits in the pool over WebSocket, and ends the connection if it is too much', async () => {
    const { ends, listener, clock } = await setup(listenWebSocket, { lines: 5 });
    const client = await WebSocketClient.open(listener.address.host, listener.address.port);
    const closed = new Promise<void>((resolve) => {
      client.onClose = () => resolve();
    });
    for (let i = 0; i < 12; i += 1) client.send(`{"id":${i}}`);
    await expect.poll(() => ends[0]?.messages).toHaveLength(11);
    clock.advance(1000);
    await expect.poll(() => ends[0]?.messages.at(-1)).toBe('{"id":11}');
    const messages = Math.ceil(limits.waitingMessageBytesMax / limits.waitingMessageBytes);
    for (let i = 0; i < messages + 12; i += 1) client.send('{}');
    await closed;
    expect(client.closeCode).toBe(1013);
    expect(ends[0]?.messages.length).toBeLessThan(30);
  });
});

describe('an overload', () => {
  it('refuses new connections first, then closes the noisiest; productive sessions go on', async () => {
    const { clock, door, ends, open } = await setup(listenTcp, { exempt: ['127.0.0.1'] });
    const late = (): void => {
      clock.advance(DOOR_TICK_MS + limits.overloadLagMsMax + 1);
      door.tick();
    };
    const [honest, noisy] = [open(HONEST), open('127.0.0.2')];
    await ask(honest, '{"id":1}');
    await ask(noisy, '{"id":1}');
    late();
    late();
    expect(door.overloaded).toBe(true);
    await gone(open('127.0.0.3'));
    expect(ends).toHaveLength(2);
    expect(await ask(open('127.0.0.1'), '{"id":1}')).toBe('echo {"id":1}\n');
    noisy.resume().write('{}\n'.repeat(100));
    await expect.poll(() => ends[1]?.messages.length).toBe(101);
    late();
    await gone(noisy);
    expect(await ask(honest, '{"id":2}')).toBe('echo {"id":2}\n');
    for (let i = 0; i < 4; i += 1) {
      clock.advance(DOOR_TICK_MS);
      door.tick();
    }
    expect(await ask(open('127.0.0.3'), '{"id":1}')).toBe('echo {"id":1}\n');
    expect(door.counters).toMatchObject({ overloaded: 1, shed: 1 });
  });
});

describe('silent sockets', () => {
  it('are freed when their time to subscribe is over, and their room is others’', async () => {
    const { registry, stratum, clock } = makeBench();
    const { listener, door, open } = await setup(listenTcp, { connectionsPerAddress: 3 }, {}, (wire) =>
      stratum.accept(wire),
    );
    const silent = Array.from({ length: 3 }, () => open('127.0.0.2'));
    await expect.poll(() => registry.sessions).toBe(3);
    await gone(open('127.0.0.2'));
    clock.ms += limits.subscribeMsMax;
    registry.tick();
    expect(listener.connections).toBe(3);
    clock.ms += 1;
    registry.tick();
    await Promise.all(silent.map(gone));
    await expect.poll(() => [listener.connections, door.visits, registry.sessions]).toEqual([0, 0, 0]);
    expect(registry.counters.timeouts).toBe(3);
    const next = open('127.0.0.2');
    expect(await ask(next, '{"id":1,"method":"mining.subscribe","params":[]}')).toContain('"error":null');
  });
});

describe('IPv6', () => {
  it('is listened on, with IPv4 on the wildcard', async () => {
    const { listener, ends } = await setup(listenTcp, {}, { host: '::' });
    for (const host of ['::1', '127.0.0.1']) {
      const socket = connect({ host, port: listener.address.port });
      closing.push(() => void socket.destroy());
      expect(await ask(socket, '{"id":1}')).toBe('echo {"id":1}\n');
    }
    expect(ends.map(({ wire }) => wire.remoteIp)).toEqual(['::1', '127.0.0.1']);
  });
});

describe('logins that cost', () => {
  /** Says hello with each name, and resolves with the replies. */
  async function names(socket: Socket, given: readonly string[]): Promise<string> {
    socket.write(
      given.map((name, id) => `${JSON.stringify({ id, method: 'mining.authorize', params: [name, 'x'] })}\n`).join(''),
    );
    let text = '';
    for await (const chunk of socket) {
      text += String(chunk);
      if (text.includes(`"id":${given.length - 1},`)) break;
    }
    return text;
  }
  const address = (index: number): string => {
    const hash = new Uint8Array(20);
    new DataView(hash.buffer).setUint32(0, index);
    return bitcoinAddress.toBech32(hash, 0, 'bc');
  };

  it('come to no more than so many from one address, over however many connections, and others come in', async () => {
    const { stratum } = makeBench({}, { authorize: authorizeAddress('main') });
    const accept: ListenModules['accept'] = (wire) => stratum.accept(wire);
    const { open, bans } = await setup(listenTcp, { lines: 1_000_000 }, {}, accept);
    const texts = await Promise.all(
      Array.from({ length: 8 }, (_, place) => {
        const given = Array.from({ length: 300 }, (_name, index) => address(place * 300 + index));
        return names(open('127.0.0.2'), given);
      }),
    );
    const lines = texts.join('').split('\n');
    expect(lines.filter((line) => line.includes('"result":true'))).toHaveLength(limits.lookUpBurst);
    expect(lines.filter((line) => line.includes('too many new addresses'))).toHaveLength(2400 - limits.lookUpBurst);
    expect(bans.list()).toEqual([]);
    expect(await names(open(HONEST), [address(10_000)])).toContain('"result":true');
  });

  it('are lines of their connection, a hundred each, which waits for them', async () => {
    const { stratum } = makeBench({}, { authorize: authorizeAddress('main') });
    let held = 0;
    const accept: ListenModules['accept'] = (wire) => {
      const hold = (wire as unknown as { hold(ms: number): void }).hold.bind(wire);
      Object.assign(wire, {
        hold(ms: number) {
          held = Math.max(held, ms);
          hold(ms);
        },
      });
      return stratum.accept(wire);
    };
    const { open } = await setup(listenTcp, {}, {}, accept);
    const given = Array.from({ length: 220 }, (_, index) => address(index));
    await names(open('127.0.0.2'), given);
    // 220 names are 22,220 lines; 20,000 are free.
    expect(held).toBeCloseTo(222, 0);
  });

  it.each([
    ['tcp', listenTcp],
    ['websocket', listenWebSocket],
  ] as const)('ban an address that guesses over %s, not one that repeats its mistake', async (name, listen) => {
    const { stratum } = makeBench({}, { authorize: authorizeAddress('main') });
    const accept: ListenModules['accept'] = (wire) => stratum.accept(wire);
    const { listener, bans, open } = await setup(listen, { lines: 1_000_000 }, {}, accept);
    const line = (guess: string): string => JSON.stringify({ id: 1, method: 'mining.authorize', params: [guess, 'x'] });
    const guesses = Array.from({ length: 2 * limits.banPoints }, (_, index) => `guess${index}`);
    if (name === 'tcp') {
      const repeated = await names(open('127.0.0.2'), new Array(1000).fill('mistake'));
      expect(repeated.split('"error"')).toHaveLength(1001);
      expect(bans.list()).toEqual([]);
      const guessing = open('127.0.0.2');
      guessing.write(guesses.map((guess) => `${line(guess)}\n`).join(''));
      await gone(guessing);
    } else {
      const client = await WebSocketClient.open(listener.address.host, listener.address.port);
      const closed = new Promise<void>((resolve) => {
        client.onClose = resolve;
      });
      for (const guess of guesses) client.send(line(guess));
      await closed;
    }
    expect(bans.list()).toMatchObject([{ reason: 'wrong names or passwords' }]);
  });
});
