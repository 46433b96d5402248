import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Wire, WireHandler } from '#base/domain/ports';
import { limits } from '#base/limits';
import { Bans } from '#front/net/door/bans';
import { Door } from '#front/net/door/door';
import { type DoorSettings, doorOptions } from '#front/net/door/door-options';
import type { Listener, ListenModules } from '#front/net/listen/listener';
import { listenTcp } from '#front/net/listen/tcp';
import { listenTls } from '#front/net/listen/tls';
import { Turns } from '#front/net/listen/turns';
import { WaitingBytes } from '#front/net/listen/waiting-bytes';
import { listenWebSocket } from '#front/net/listen/websocket';
import { makeCertificate } from '../../support/certificate.ts';
import { recordedLogger } from '../../support/recorded-logger.ts';
import { clientFrame, opcodes } from '../../support/websocket.ts';
import { doorSettings } from './door-settings.ts';
import { ManualClock } from './manual-clock.ts';

/** Rates that hold nobody: turns are all that keeps one connection from the others. */
const fast = { lines: 1_000_000, bytes: 100_000_000, submits: 1_000_000 };

const closing: (() => Promise<void> | void)[] = [];
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-turns-'));
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const transports = ['tcp', 'tls', 'websocket'] as const;
type TransportName = (typeof transports)[number];

function listen(name: TransportName, modules: ListenModules): Promise<Listener> {
  const options = { host: '127.0.0.1', port: 0 };
  if (name === 'tcp') return listenTcp(options, modules);
  if (name === 'websocket') return listenWebSocket(options, modules);
  return listenTls({ ...options, certificate: makeCertificate(folder, 'turns') }, modules);
}

/** A listener with a real door, and what comes over all its connections, in order: the address, a space, the message. */
async function setup(name: TransportName, given: Partial<DoorSettings['limits']> = {}, looksUp = false) {
  const clock = new ManualClock();
  const logger = recordedLogger();
  const bans = new Bans(
    { enabled: true, allow: [], deny: [], entriesMax: 1000 },
    { clock, changed: () => undefined, banned: (ban) => door.evict(ban) },
  );
  const door: Door = new Door(doorOptions(doorSettings({ ...fast, ...given })), {
    clock,
    logger,
    bans,
  });
  const heard: { readonly from: string; readonly text: string; readonly wire: Wire }[] = [];
  const closes: Wire[] = [];
  let opened = 0;
  const accept = (wire: Wire): WireHandler => ({
    onMessage(bytes, begin, end) {
      if (looksUp) wire.affords();
      heard.push({ from: wire.remoteIp, text: Buffer.from(bytes.subarray(begin, end)).toString(), wire });
    },
    onEnd: () => void heard.push({ from: wire.remoteIp, text: END, wire }),
    closingMessage: () => undefined,
    expel: () => undefined,
    onClose: () => void closes.push(wire),
  });
  const waiting = new WaitingBytes(limits.waitingBytesMax);
  const listener = await listen(name, { accept, logger, door, turns: new Turns(), waiting });
  closing.push(() => {
    door.close();
    return listener.close();
  });
  const open = async (localAddress: string): Promise<Socket> => {
    const where = { ...listener.address, localAddress };
    const socket = name === 'tls' ? connectTls({ ...where, rejectUnauthorized: false }) : connect(where);
    closing.push(() => void socket.destroy());
    socket.on('error', () => undefined);
    await once(socket, name === 'tls' ? 'secureConnect' : 'connect');
    if (name === 'websocket') {
      socket.write('GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n');
      socket.write('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n');
      await once(socket, 'data');
    }
    opened += 1;
    while (listener.counters.accepted < opened) await new Promise((resolve) => setImmediate(resolve));
    socket.resume();
    return socket;
  };
  const encode = (texts: readonly string[]): Buffer =>
    name === 'websocket'
      ? Buffer.concat(texts.map((text) => clientFrame(opcodes.text, Buffer.from(text))))
      : Buffer.from(texts.map((text) => `${text}\n`).join(''));
  /** Resolves when so many messages have come. */
  const until = (messages: number): Promise<unknown> =>
    expect.poll(() => heard.length, { timeout: 20_000, interval: 5 }).toBeGreaterThanOrEqual(messages);
  return { clock, heard, closes, waiting, listener, open, encode, until };
}

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `{"id":${i}}`);
}

/** Stands for the end of what a client sends. */
const END = 'end';

const CROWD = '127.0.0.2';
const OTHER = '127.0.0.9';
/** One read brings as many. */
const LINES = 1_400;

describe.each(transports)('lines over %s that come all at once', (name) => {
  it('wait for those of another connection beyond a bounded number', async () => {
    const { heard, open, encode, until } = await setup(name);
    const noisy = await open(CROWD);
    const other = await open(OTHER);
    noisy.write(encode(numbered(LINES)));
    other.write(encode(['{"id":"other"}']));
    await until(LINES + 1);
    const place = heard.findIndex(({ from }) => from === OTHER);
    expect(place).toBeLessThanOrEqual(limits.linesPerTurnAndConnectionMax);
  });

  it('wait for those of another address, over however many connections they come', async () => {
    const { heard, open, encode, until } = await setup(name);
    const crowd = await Promise.all(Array.from({ length: 30 }, () => open(CROWD)));
    const other = await open(OTHER);
    for (const each of crowd) each.write(encode(numbered(LINES / 2)));
    other.write(encode(['{"id":"other"}']));
    await until((LINES / 2) * crowd.length + 1);
    const place = heard.findIndex(({ from }) => from === OTHER);
    expect(place).toBeLessThanOrEqual(limits.linesPerTurnAndAddressMax + limits.waitingLinesPerTurnMax);
  });

  it('all come in the end, each connection’s in order', async () => {
    const { heard, waiting, open, encode, until } = await setup(name);
    const sockets = await Promise.all([CROWD, CROWD, CROWD, OTHER].map(open));
    const texts = numbered(name === 'websocket' ? 1_000 : 4_000);
    const bytes = encode(texts);
    for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 7) % 60_013) {
      for (const socket of sockets) socket.write(bytes.subarray(at, at + size));
    }
    await until(texts.length * sockets.length);
    for (const wire of new Set(heard.map((each) => each.wire))) {
      expect(heard.filter((each) => each.wire === wire).map(({ text }) => text)).toEqual(texts);
    }
    expect(waiting.sum).toBe(0);
  });

  it('are forgotten with their connection', async () => {
    const { heard, closes, waiting, open, encode } = await setup(name, { lines: 5 });
    const socket = await open(CROWD);
    socket.write(encode(numbered(400)));
    await expect.poll(() => heard.length).toBeGreaterThan(0);
    if (name === 'websocket') await expect.poll(() => waiting.holders).toBe(1);
    // Over TCP they are in the pool only if one read brought more than a turn takes.
    heard[0]?.wire.close();
    await expect.poll(() => closes).toHaveLength(1);
    expect(waiting.sum).toBe(0);
  });
});

describe('WebSockets of one address that each bring more than a few messages in a turn', () => {
  /** Together more than a turn keeps of an address, though none of them too many by itself. */
  const EACH = 700;
  const COUNT = 80;

  async function crowd() {
    const bench = await setup('websocket');
    const small = await bench.open(CROWD);
    const sockets = await Promise.all(Array.from({ length: COUNT }, () => bench.open(CROWD)));
    const bytes = bench.encode(numbered(EACH));
    return { ...bench, small, sockets, bytes };
  }

  it('are closed beyond a bounded number, and no other is', async () => {
    const { heard, closes, small, sockets, bytes, encode } = await crowd();
    for (const socket of sockets) socket.write(bytes);
    small.write(encode(['{"id":"small"}']));
    await expect.poll(() => heard.some(({ text }) => text.includes('small')), { timeout: 20_000 }).toBe(true);
    await expect.poll(() => closes.length).toBeGreaterThan(0);
    expect(closes.length).toBeLessThanOrEqual(COUNT - limits.keptPerTurnAndAddressMax / EACH);
    expect(small.closed).toBe(false);
  });

  it('are all served if they come in turns of their own', async () => {
    const { closes, sockets, bytes, until } = await crowd();
    let sent = 0;
    for (const socket of sockets) {
      socket.write(bytes);
      sent += EACH;
      if (sent % (EACH * 5) === 0) await until(sent);
    }
    await until(sent);
    expect(closes).toEqual([]);
  });
});

describe.each(['tcp', 'tls'] as const)('lines over %s before an end', (name) => {
  it('are all handled before it', async () => {
    const { heard, open, encode, until } = await setup(name);
    const socket = await open(CROWD);
    socket.end(encode(numbered(2 * LINES)));
    await until(2 * LINES + 1);
    expect(heard.at(-1)?.text).toBe(END);
  });
});

describe('lines of an address that has waiting ones on many connections', () => {
  it('take turns with those of other addresses, not with each of their own connections', async () => {
    const { heard, open, encode, until } = await setup('tcp');
    const crowd = await Promise.all(Array.from({ length: 30 }, () => open(CROWD)));
    const other = await open(OTHER);
    for (const each of crowd) each.write(encode(numbered(LINES)));
    other.write(encode(numbered(LINES)));
    await until(LINES * (crowd.length + 1));
    const last = heard.findLastIndex(({ from }) => from === OTHER);
    const ofCrowd = heard.slice(0, last).filter(({ from }) => from === CROWD).length;
    const aheadMax = limits.linesPerTurnAndAddressMax + limits.waitingLinesPerTurnMax;
    expect(ofCrowd).toBeLessThanOrEqual(LINES + aheadMax);
  });
});

describe('lines that want a name looked up', () => {
  it('take a turn sooner than others: each costs as many lines as it is charged for', async () => {
    const { heard, open, encode, until } = await setup('tcp', {}, true);
    const [one, two, other] = await Promise.all([open(CROWD), open(CROWD), open(OTHER)]);
    const lines = limits.linesPerTurnAndConnectionMax - 1;
    for (const each of [one, two]) each.write(encode(numbered(lines)));
    other.write(encode(['{"id":"other"}']));
    await until(2 * lines + 1);
    const place = heard.findIndex(({ from }) => from === OTHER);
    expect(place).toBeLessThanOrEqual(lines + limits.idlerTurnLines);
  });
});

describe('lines of an address that owes', () => {
  it('are not handled before that is paid', async () => {
    // 8,000 lines at once and 4,000 a second are what an address may send, so its connections are held for a moment only.
    const { clock, heard, open, encode } = await setup('tcp', { lines: 1000 });
    const crowd = await Promise.all(Array.from({ length: 9 }, () => open(CROWD)));
    for (const each of crowd) each.write(encode(numbered(LINES)));
    const honest = await open(OTHER);
    honest.write(encode(['{"id":"honest"}']));
    await expect.poll(() => heard.length).toBeGreaterThan(8_000);
    await expect.poll(() => heard.some(({ from }) => from === OTHER)).toBe(true);
    await delay(500);
    const handled = heard.length;
    expect(handled).toBeLessThan(LINES * crowd.length);
    // The pool's clock stands still, so the debt is as large as ever when the holds are over.
    await delay(1_500);
    expect(heard.length).toBe(handled);
    clock.advance(3_600_000);
    await expect.poll(() => heard.length, { timeout: 20_000 }).toBe(LINES * crowd.length + 1);
  });
});
