import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { listenTcp } from '#front/net/listen/tcp';
import { listenTls } from '#front/net/listen/tls';
import { WaitingBytes } from '#front/net/listen/waiting-bytes';
import { listenWebSocket } from '#front/net/listen/websocket';
import { makeCertificate } from '../../support/certificate.ts';
import { recordedLogger } from '../../support/recorded-logger.ts';
import { echoEnds } from './ends.ts';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const BYTES_MAX = 1024 * 1024;
const READERS = 10;
/** Less than what may wait for one of so many connections. */
const CHUNK = 'z'.repeat(40_000);

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe.each([
  ['tcp', listenTcp],
  ['websocket', listenWebSocket],
] as const)('what waits to be written over %s', (name, listen) => {
  it('is bounded in all, by closing those with the most', async () => {
    const waiting = new WaitingBytes(BYTES_MAX);
    const { ends, accept } = echoEnds();
    const listener = await listen({ host: '127.0.0.1', port: 0 }, { accept, logger: recordedLogger(), waiting });
    closing.push(() => listener.close());
    const open = async (): Promise<Socket> => {
      const socket = connect(listener.address);
      closing.push(() => void socket.destroy());
      socket.on('error', () => undefined);
      const before = ends.length;
      if (name === 'websocket') {
        socket.write('GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n');
        socket.write('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n');
        await once(socket, 'data');
      }
      while (ends.length === before) await turn();
      return socket;
    };
    const sockets: Socket[] = [];
    for (let i = 0; i < READERS; i += 1) sockets.push(await open());
    for (const socket of sockets) socket.pause();
    const reader = await open();
    let read = 0;
    reader.on('data', (chunk: Buffer) => {
      read += chunk.length;
    });
    let sumMax = 0;
    const [slow, wellRead] = [ends.slice(0, READERS), ends[READERS]];
    // More than the system's buffers take, and then more than may wait in all, though not for one.
    for (let round = 0; round < 2000 && listener.counters.overMemory === 0; round += 1) {
      for (const { wire } of slow) wire.send(CHUNK);
      wellRead?.wire.send('{"fine":true}');
      await turn();
      sumMax = Math.max(sumMax, waiting.sum);
    }
    expect(listener.counters).toMatchObject({ slowReaders: 0 });
    expect(listener.counters.overMemory).toBeGreaterThan(0);
    expect(listener.counters.overMemory).toBeLessThan(READERS);
    expect(sumMax).toBeGreaterThan(BYTES_MAX / 2);
    expect(sumMax).toBeLessThanOrEqual(BYTES_MAX);
    const seen = read;
    wellRead?.wire.send('{"fine":true}');
    await expect.poll(() => read).toBeGreaterThan(seen);
    for (const socket of sockets) socket.destroy();
    await expect.poll(() => listener.connections).toBe(1);
    expect([waiting.sum, waiting.holders]).toEqual([0, 0]);
  });
});

describe('the sum of what waits', () => {
  /** A connection with as much waiting as the test says. */
  const holder = (bytes: number) => ({
    waitingBytes: bytes,
    dropped: false,
    drop() {
      this.dropped = true;
      this.waitingBytes = 0;
    },
  });

  it('closes no connection for bytes that were written since', () => {
    const waiting = new WaitingBytes(1000);
    const [written, small] = [holder(500), holder(801)];
    waiting.note(written, 500);
    written.waitingBytes = 0;
    waiting.note(small, 801);
    expect([written.dropped, small.dropped, waiting.sum]).toEqual([false, false, 801]);
  });

  it('closes a connection once though its close is noted', () => {
    const waiting = new WaitingBytes(1000);
    const noting = [100, 100].map((bytes) => ({
      waitingBytes: bytes,
      drops: 0,
      drop() {
        this.drops += 1;
        // Not all of it goes at once.
        this.waitingBytes -= 1;
        waiting.note(this, this.waitingBytes);
        this.waitingBytes = 0;
      },
    }));
    for (const each of noting) waiting.note(each, each.waitingBytes);
    for (const each of noting) each.waitingBytes = 3000;
    waiting.note(holder(2000), 2000);
    expect(noting.map(({ drops }) => drops)).toEqual([1, 1]);
  });

  it('has nothing of TLS clients that read, when a broadcast is on its way', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-waiting-'));
    closing.push(() => rmSync(folder, { recursive: true }));
    const certificate = makeCertificate(folder, 'tls');
    const waiting = new WaitingBytes(16 * 1024);
    const { ends, accept } = echoEnds();
    const listener = await listenTls(
      { host: '127.0.0.1', port: 0, certificate },
      { accept, logger: recordedLogger(), waiting },
    );
    closing.push(() => listener.close());
    for (let each = 0; each < 20; each += 1) {
      const socket = connectTls({ ...listener.address, rejectUnauthorized: false });
      closing.push(() => void socket.destroy());
      socket.on('error', () => undefined);
      socket.resume();
      await once(socket, 'secureConnect');
    }
    await expect.poll(() => ends.length).toBe(20);
    for (let broadcast = 0; broadcast < 5; broadcast += 1) {
      for (const { wire } of ends) wire.send('z'.repeat(3_500));
      await turn();
      await turn();
    }
    await expect.poll(() => waiting.sum).toBe(0);
    expect(listener.counters).toMatchObject({ overMemory: 0, slowReaders: 0 });
  });
});

describe('what waits to be handled', () => {
  it('counts as well: lines that have not ended', async () => {
    const waiting = new WaitingBytes(20 * 8_193);
    const { ends, accept } = echoEnds();
    const listener = await listenTcp({ host: '127.0.0.1', port: 0 }, { accept, logger: recordedLogger(), waiting });
    closing.push(() => listener.close());
    const sockets = Array.from({ length: 30 }, () => connect(listener.address));
    for (const socket of sockets) {
      closing.push(() => void socket.destroy());
      socket.on('error', () => undefined);
      socket.write('{'.repeat(4_000));
    }
    await expect.poll(() => ends.length).toBe(30);
    await expect.poll(() => listener.counters.overMemory).toBeGreaterThan(0);
    expect(waiting.sum).toBeLessThanOrEqual(20 * 8_193);
    expect(waiting.holders).toBeGreaterThanOrEqual(14);
  });
});
