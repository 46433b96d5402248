import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Bans } from '#front/net/door/bans';
import { Door } from '#front/net/door/door';
import { doorOptions, ranges } from '#front/net/door/door-options';
import type { Visit } from '#front/net/door/visit';
import type { Listener, ListenModules, ListenOptions } from '#front/net/listen/listener';
import { listenTcp } from '#front/net/listen/tcp';
import { listenTls } from '#front/net/listen/tls';
import type { SessionModules } from '#front/session/workers/registry';
import { makeCertificate } from '../../support/certificate.ts';
import { recordedLogger } from '../../support/recorded-logger.ts';
import { makeBench, makeJob } from '../session/support.ts';
import { ManualClock } from './manual-clock.ts';

let folder = '';
let certificate: ReturnType<typeof makeCertificate>;
const closing: (() => Promise<void> | void)[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-half-close-'));
  certificate = makeCertificate(folder, 'cert');
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Kind {
  listen(options: ListenOptions, modules: ListenModules): Promise<Listener>;
  open(listener: Listener): Promise<Socket>;
}

const kinds: Record<'tcp' | 'tls', Kind> = {
  tcp: {
    listen: listenTcp,
    async open({ address }) {
      const socket = connect(address);
      await once(socket, 'connect');
      return socket;
    },
  },
  tls: {
    listen: (options, modules) => listenTls({ ...options, certificate }, modules),
    async open({ address }) {
      const socket = connectTls({ ...address, rejectUnauthorized: false });
      await once(socket, 'secureConnect');
      return socket;
    },
  },
};

/** A listener with real sessions, whose shares and passwords are judged when the test says so. */
async function setUp(kind: Kind, options: Partial<ListenOptions> = {}, modules: Partial<SessionModules> = {}) {
  const bench = makeBench({}, modules);
  bench.registry.broadcast(makeJob(1));
  const accept = bench.stratum.accept.bind(bench.stratum);
  const listener = await kind.listen({ host: '127.0.0.1', port: 0, ...options }, { accept, logger: recordedLogger() });
  closing.push(() => listener.close());
  return { ...bench, listener };
}

/** A door that remembers what was done wrong. */
class WatchedDoor extends Door {
  readonly offences: string[] = [];

  override enter(...args: Parameters<Door['enter']>): Visit | undefined {
    const visit = super.enter(...args);
    if (visit === undefined) return undefined;
    const offend = visit.offend.bind(visit);
    visit.offend = (offence) => {
      this.offences.push(offence);
      offend(offence);
    };
    return visit;
  }
}

async function setUpDoor() {
  const clock = new ManualClock();
  const logger = recordedLogger();
  const changes = { changed: () => undefined, banned: () => undefined };
  const bans = new Bans({ enabled: true, allow: [], deny: [], entriesMax: 10 }, { clock, ...changes });
  const places = { connections: 10, connectionsPerAddress: 10, connectionsPerSubnet: 10 };
  const rates = { handshakes: 10, handshakesPerAddress: 10, handshakesPerSubnet: 10 };
  const traffic = { lines: 1000, bytes: 100_000, submits: 1000 };
  const settings = { limits: { ...places, ...rates, ...traffic, exempt: [] }, bans: { enabled: true } };
  const door = new WatchedDoor(doorOptions(settings), { clock, logger, bans });
  const { stratum } = makeBench();
  const accept = stratum.accept.bind(stratum);
  const listener = await listenTcp({ host: '127.0.0.1', port: 0 }, { accept, logger, door });
  closing.push(() => listener.close());
  return { listener, door };
}

async function open(
  kind: Kind,
  listener: Listener,
): Promise<{ socket: Socket; received: () => string; gone: Promise<unknown> }> {
  const socket = await kind.open(listener);
  closing.push(() => void socket.destroy());
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return { socket, received: () => text, gone: once(socket, 'close') };
}

const line = (id: number, method: string, params: unknown[]): string => `${JSON.stringify({ id, method, params })}\n`;
const login = line(1, 'mining.subscribe', []) + line(2, 'mining.authorize', ['me', 'x']);
const submit = (id: number): string =>
  line(id, 'mining.submit', ['me', '00000000010001', '00000000000000aa', '6553f164', hex(id)]);
const hex = (nonce: number): string => nonce.toString(16).padStart(8, '0');

describe.each(['tcp', 'tls'] as const)('a client that ends its half of the connection, over %s', (name) => {
  const kind = kinds[name];

  it('gets the replies to its shares, and then the end', async () => {
    const { listener, intake, registry } = await setUp(kind);
    const { socket, received, gone } = await open(kind, listener);
    socket.end(login + submit(3) + submit(4));
    await expect.poll(() => intake.held.length).toBe(2);
    await expect.poll(() => received()).toContain('mining.notify');
    // Its end has come by now: that of a second connection has.
    const second = await open(kind, listener);
    second.socket.end();
    await second.gone;
    expect(registry.sessions).toBe(1);
    intake.settle('accepted');
    await expect.poll(() => received()).toContain('{"id":3,"result":true,"error":null}');
    expect(registry.sessions).toBe(1);
    intake.settle('stale');
    await gone;
    expect(received().trim().split('\n').at(-1)).toContain('{"id":4,"result":null,"error":[21,');
    await expect.poll(() => registry.sessions).toBe(0);
    expect(listener.connections).toBe(0);
  });

  it('is closed at once if nothing is outstanding', async () => {
    const { listener, registry } = await setUp(kind);
    const { socket, received, gone } = await open(kind, listener);
    socket.end(line(1, 'mining.ping', []));
    await gone;
    expect(received()).toBe('{"id":1,"result":"pong","error":null}\n');
    await expect.poll(() => registry.sessions).toBe(0);
  });

  it('gets the replies to its login and to later requests', async () => {
    let decide = (): void => undefined;
    const authorize: SessionModules['authorize'] = (user) =>
      new Promise((resolve) => {
        decide = () => resolve({ name: user, account: user, rig: '' });
      });
    const { listener, intake } = await setUp(kind, {}, { authorize });
    const { socket, received, gone } = await open(kind, listener);
    socket.end(login + submit(3));
    await expect.poll(() => received()).toContain('"id":1');
    const second = await open(kind, listener);
    second.socket.end();
    await second.gone;
    decide();
    await expect.poll(() => intake.held.length).toBe(1);
    intake.settle('accepted');
    await gone;
    expect(received()).toContain('{"id":2,"result":true,"error":null}');
    expect(received()).toContain('{"id":3,"result":true,"error":null}');
  });

  it('waits for a bounded time', async () => {
    const { listener, intake, registry } = await setUp(kind, { halfOpenMsMax: 50 });
    const { socket, received, gone } = await open(kind, listener);
    socket.end(login + submit(3));
    await gone;
    expect(intake.held).toHaveLength(1);
    expect(received()).not.toContain('"id":3');
    await expect.poll(() => registry.sessions).toBe(0);
  });
});

it('a client that ends its half within the PROXY header is closed at once', async () => {
  const proxies = ranges(['127.0.0.1']);
  const { listener } = await setUp(kinds.tcp, { proxies });
  const { socket, gone } = await open(kinds.tcp, listener);
  const began = performance.now();
  socket.end('PROXY TCP4');
  await gone;
  expect(performance.now() - began).toBeLessThan(5_000);
  expect(listener.counters.badHandshakes).toBe(1);
});

it('a client that ends its half within the TLS handshake is closed at once', async () => {
  const { listener } = await setUp(kinds.tls);
  const socket = connect(listener.address);
  closing.push(() => void socket.destroy());
  const began = performance.now();
  socket.resume().end(Buffer.from('1603010200', 'hex'));
  await once(socket, 'close');
  expect(performance.now() - began).toBeLessThan(5_000);
  expect(listener.counters.badHandshakes).toBe(1);
});

it('a client that connects and half-closes counts as disconnected, not as silent', async () => {
  const { listener, door } = await setUpDoor();
  const socket = await kinds.tcp.open(listener);
  closing.push(() => void socket.destroy());
  socket.resume().end();
  await once(socket, 'close');
  await expect.poll(() => listener.connections).toBe(0);
  expect(door.offences).toEqual(['empty']);
});
