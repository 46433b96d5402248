import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { limits } from '#base/limits';
import { Bans } from '#front/net/door/bans';
import type { Offence } from '#front/net/door/conduct';
import { Door } from '#front/net/door/door';
import { doorOptions } from '#front/net/door/door-options';
import type { Visit, Visitor } from '#front/net/door/visit';
import { listenTls, type TlsListener } from '#front/net/listen/tls';
import { makeCertificate } from '../../support/certificate.ts';
import { recordedLogger } from '../../support/recorded-logger.ts';
import { echoEnds } from './ends.ts';
import { CIPHER, KeyUpdates, written } from './key-updates.ts';
import { ManualClock } from './manual-clock.ts';

const many = 1_000_000;
const settings = {
  limits: {
    connections: many,
    connectionsPerAddress: many,
    connectionsPerSubnet: many,
    handshakes: many,
    handshakesPerAddress: many,
    handshakesPerSubnet: many,
    lines: many,
    bytes: many,
    submits: many,
    exempt: [],
  },
  bans: { enabled: true },
};

let folder = '';
let files: ReturnType<typeof makeCertificate>;
const closing: (() => Promise<void> | void)[] = [];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-tls-conduct-'));
  files = makeCertificate(folder, 'pool');
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A door that remembers every visit, and what was held against each. */
class WatchedDoor extends Door {
  readonly entered: Visit[] = [];
  readonly offences: Offence[] = [];
  /** How long connections were held, ms each time. */
  readonly holds: number[] = [];

  override enter(address: string, visitor: Visitor): Visit | undefined {
    const hold = visitor.hold.bind(visitor);
    visitor.hold = (ms) => {
      this.holds.push(ms);
      hold(ms);
    };
    const visit = super.enter(address, visitor);
    if (visit === undefined) return undefined;
    const offend = visit.offend.bind(visit);
    visit.offend = (offence) => {
      this.offences.push(offence);
      offend(offence);
    };
    this.entered.push(visit);
    return visit;
  }
}

async function setup(changes: Partial<(typeof settings)['limits']> = {}) {
  const clock = new ManualClock();
  const logger = recordedLogger();
  const bans = new Bans(
    { enabled: true, allow: [], deny: [], entriesMax: 1000 },
    { clock, changed: () => undefined, banned: (ban) => door.evict(ban) },
  );
  const door: WatchedDoor = new WatchedDoor(doorOptions({ ...settings, limits: { ...settings.limits, ...changes } }), {
    clock,
    logger,
    bans,
  });
  const { ends, accept } = echoEnds();
  const listener = await listenTls({ host: '127.0.0.1', port: 0, certificate: files }, { accept, logger, door });
  closing.push(() => {
    door.close();
    return listener.close();
  });
  return { bans, door, ends, listener };
}

/** A connection whose handshake is over, with the plain one below it. */
async function open({ address }: TlsListener, version: 'TLSv1.2' | 'TLSv1.3'): Promise<[TLSSocket, Socket]> {
  const below = connect({ ...address });
  const socket = connectTls({ socket: below, rejectUnauthorized: false, minVersion: version, maxVersion: version });
  for (const each of [below, socket]) each.on('error', () => undefined);
  closing.push(() => void below.destroy());
  await once(socket, 'secureConnect');
  socket.write('{"id":1}\n');
  await once(socket, 'data');
  return [socket, below];
}

/** What a client sends first. */
function clientHello(version: 'TLSv1.2' | 'TLSv1.3'): Promise<Buffer> {
  return new Promise((resolve) => {
    const sink = new Duplex({ read: () => undefined, write: (chunk: Buffer) => resolve(chunk) });
    connectTls({ socket: sink, minVersion: version, maxVersion: version });
  });
}

async function gone(socket: Socket): Promise<void> {
  socket.resume();
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
}

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('over %s', (version) => {
  it('a client that says that it refuses the certificate does nothing wrong', async () => {
    const { listener, door, bans } = await setup();
    for (let i = 0; i < 3; i += 1) {
      const socket = connect({ ...listener.address });
      closing.push(() => void socket.destroy());
      socket.on('error', () => undefined);
      socket.write(await clientHello(version));
      await once(socket, 'data');
      // Record type 21, fatal, 45: certificate_expired (RFC 8446, section 6).
      socket.write(Buffer.from('1503030002022d', 'hex'));
      await gone(socket);
    }
    await expect.poll(() => listener.counters.badHandshakes).toBe(3);
    expect(door.offences).toEqual([]);
    expect(door.entered.map(({ peer }) => peer.standing.knocks.points)).toEqual([0, 0, 0]);
    expect(bans.list()).toEqual([]);
  });

  it('what can not be decrypted after the handshake ends its connection', async () => {
    const { listener, door, ends } = await setup();
    const [socket, below] = await open(listener, version);
    below.write(Buffer.concat([Buffer.from('1703030020', 'hex'), Buffer.alloc(32, 0xaa)]));
    await gone(socket);
    await ends[0]?.closed;
    expect(door.offences).toEqual(['bad-handshake']);
    expect(listener.connections).toBe(0);
  });
});

describe('records that bring no data', () => {
  const perSecond = limits.linesPerSecondMax;

  it('count as lines, and hold a connection that asks for new keys without end', async () => {
    const { listener, door } = await setup({ lines: perSecond });
    const below = connect({ ...listener.address });
    const socket = connectTls({ socket: below, rejectUnauthorized: false, minVersion: 'TLSv1.3', ciphers: CIPHER });
    for (const each of [below, socket]) each.on('error', () => undefined);
    closing.push(() => void below.destroy());
    const updates = new KeyUpdates(socket);
    await once(socket, 'secureConnect');
    const bytes = await updates.take(10_000);
    // What Node.js says of the handshake comes before its last bytes do.
    await sleep(10);
    await written(below, bytes);
    await expect.poll(() => door.entered[0]?.lines, { timeout: 10_000 }).toBeGreaterThan(0);
    await expect.poll(() => Math.max(...door.holds), { timeout: 10_000 }).toBeGreaterThan(1000);
    // They were taken for what they are.
    expect(door.offences).toEqual([]);
    expect(listener.connections).toBe(1);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'are none of a client that sends each line in a record, over %s',
    async (version) => {
      const { listener, door } = await setup({ lines: perSecond });
      const [socket] = await open(listener, version);
      for (let i = 0; i < 1000; i += 1) socket.write(`{"id":${i},"method":"mining.ping"}\n`);
      await expect.poll(() => door.entered[0]?.lines, { timeout: 10_000 }).toBe(1001);
      await sleep(limits.tlsLookMs * 2);
      expect(door.entered[0]?.lines).toBe(1001);
      expect(door.holds).toEqual([]);
    },
  );
});

describe('renegotiation', () => {
  it('ends its connection the first time', async () => {
    const { listener, door, ends } = await setup();
    const [socket] = await open(listener, 'TLSv1.2');
    socket.renegotiate({ rejectUnauthorized: false }, () => undefined);
    await gone(socket);
    await ends[0]?.closed;
    expect(door.offences).toEqual(['bad-handshake']);
  });
});

describe('an address that has misbehaved', () => {
  it('is served a moment later, over TLS as over TCP', async () => {
    const { listener, door } = await setup();
    for (let i = 0; i < limits.banPoints; i += 1) {
      const visit = door.enter('127.0.0.1', { close: () => undefined, hold: () => undefined, expel: () => undefined });
      visit?.admits('rig');
      visit?.offend('slow-reader');
    }
    const began = performance.now();
    await open(listener, 'TLSv1.3');
    expect(performance.now() - began).toBeGreaterThanOrEqual(limits.slowedMs - 1);
    expect(door.counters.slowed).toBe(1);
  });
});
