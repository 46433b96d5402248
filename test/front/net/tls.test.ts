import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ListenModules } from '#front/net/listen/listener';
import { listenTls, type TlsListener, type TlsListenOptions } from '#front/net/listen/tls';
import { makeCertificate } from '../../support/certificate.ts';
import { recordedLogger } from '../../support/recorded-logger.ts';
import { echoEnds } from './ends.ts';

let folder = '';
let first: ReturnType<typeof makeCertificate>;
let second: ReturnType<typeof makeCertificate>;
const closing: (() => Promise<void> | void)[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-tls-'));
  first = makeCertificate(folder, 'first');
  second = makeCertificate(folder, 'second');
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function setup(options: Partial<TlsListenOptions> = {}, modules: Partial<ListenModules> = {}) {
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  copyFileSync(first.cert, files.cert);
  copyFileSync(first.key, files.key);
  const { ends, accept } = echoEnds();
  const logger = recordedLogger();
  const listener = await listenTls(
    { host: '127.0.0.1', port: 0, certificate: files, ...options },
    { accept, logger, ...modules },
  );
  closing.push(() => listener.close());
  return { listener, ends, logger, files };
}

/** Resolves when the handshake is over; rejects where it fails. */
async function secure({ address }: TlsListener, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connectTls({ ...address, rejectUnauthorized: false, servername: 'localhost', ...options });
  closing.push(() => void socket.destroy());
  await once(socket, 'secureConnect');
  socket.on('error', () => undefined);
  return socket;
}

function plain({ address }: TlsListener): Socket {
  const socket = connect(address);
  closing.push(() => void socket.destroy());
  socket.on('error', () => undefined);
  return socket;
}

/** Sends a line and resolves with the answer. */
async function ask(socket: Socket, line: string): Promise<string> {
  socket.write(`${line}\n`);
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  return chunk.toString();
}

/** Everything that comes until the other end closes. */
async function until(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  if (!socket.closed) await once(socket, 'close');
  return Buffer.concat(chunks);
}

describe('tls', () => {
  it('carries the same lines as TCP, in TLS 1.2 and 1.3', async () => {
    const { listener, ends } = await setup();
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = await secure(listener, { minVersion: version, maxVersion: version });
      expect(socket.getProtocol()).toBe(version);
      expect(await ask(socket, '{"id":1}')).toBe('echo {"id":1}\n');
      socket.end();
      await once(socket, 'close');
    }
    expect(ends.map(({ wire }) => [wire.transport, wire.remoteIp])).toEqual([
      ['tls', '127.0.0.1'],
      ['tls', '127.0.0.1'],
    ]);
    for (const { closed } of ends) await closed;
    expect(listener.connections).toBe(0);
    expect(listener.counters).toMatchObject({ accepted: 2, badHandshakes: 0 });
  });

  it('can not be talked down: TLS 1.1 and 1.0 are refused', async () => {
    const { listener, ends } = await setup();
    for (const version of ['TLSv1', 'TLSv1.1'] as const) {
      const old = { minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' } as const;
      await expect(secure(listener, old)).rejects.toThrow(/protocol version|unsupported protocol/);
    }
    expect(ends).toEqual([]);
    expect((await secure(listener)).getProtocol()).toBe('TLSv1.3');
  });

  it('never answers plaintext', async () => {
    const { listener, ends } = await setup();
    for (const line of ['{"id":1,"method":"mining.subscribe","params":[]}\n', 'GET / HTTP/1.1\r\n\r\n', '\n', '\0']) {
      const socket = plain(listener);
      const answer = until(socket);
      socket.end(line);
      const bytes = await answer;
      // At most a TLS alert: record type 21.
      expect(bytes.length === 0 || bytes[0] === 21, `${JSON.stringify(line)}: ${bytes.toString('latin1')}`).toBe(true);
    }
    // Nor once it has talked TLS to somebody else.
    const good = await secure(listener);
    expect(await ask(good, '{"id":1}')).toBe('echo {"id":1}\n');
    expect(ends).toHaveLength(1);
    expect(listener.counters.badHandshakes).toBe(4);
  });

  it('reloads its certificate for new connections, and keeps the old one if the new one is bad', async () => {
    const { listener, logger, files } = await setup();
    const subject = async (): Promise<string> => {
      const socket = await secure(listener);
      return `${socket.getPeerCertificate().subject.CN}`;
    };
    const open = await secure(listener);
    expect(await subject()).toBe('first');
    copyFileSync(second.cert, files.cert);
    // Half of a new pair, and then nonsense.
    listener.reload();
    expect(await subject()).toBe('first');
    writeFileSync(files.key, 'no key');
    listener.reload();
    rmSync(files.key);
    listener.reload();
    expect(await subject()).toBe('first');
    copyFileSync(second.key, files.key);
    listener.reload();
    expect(await subject()).toBe('second');
    expect(logger.lines.map(({ level, message }) => [level, message])).toEqual([
      ...new Array(3).fill(['error', 'TLS certificate not reloaded, the old one stays in use']),
      ['info', 'TLS certificate reloaded'],
    ]);
    expect(await ask(open, '{"id":1}')).toBe('echo {"id":1}\n');
  });

  it('does not start without a certificate that fits its key, and says which file is wrong', async () => {
    const missing = { cert: join(folder, 'none.crt'), key: first.key };
    await expect(setup({ certificate: missing })).rejects.toThrow(
      /^stratum\.tls\.cert: ".*none\.crt" can not be read \(ENOENT\)$/,
    );
    const mixed = { cert: first.cert, key: second.key };
    await expect(setup({ certificate: mixed })).rejects.toThrow(
      /^stratum\.tls: its cert and its key can not be used together: .*mismatch/,
    );
  });

  it('ends a handshake that takes too long, and no session', async () => {
    const { listener, ends } = await setup({ handshakeMsMax: 1_500 });
    const good = await secure(listener);
    const silent = plain(listener);
    const dripping = plain(listener);
    dripping.write(Buffer.from([0x16, 3, 1]));
    await Promise.all([until(silent), until(dripping)]);
    expect(listener.counters.badHandshakes).toBe(2);
    expect(await ask(good, '{"id":1}')).toBe('echo {"id":1}\n');
    expect(ends).toHaveLength(1);
  });

  it('closes connections within their handshake when it closes', async () => {
    const { listener } = await setup();
    const half = plain(listener);
    half.write(Buffer.from([0x16, 3, 1]));
    await once(half, 'connect');
    const good = await secure(listener);
    await ask(good, '{"id":1}');
    await listener.close();
    await until(half);
  });
});

/** What a client sends in a handshake, by way of a server that passes everything on. */
async function recordHandshake(listener: TlsListener): Promise<Buffer> {
  const sent: Buffer[] = [];
  const proxy = createServer((socket) => {
    const onward = connect(listener.address);
    socket.on('data', (chunk) => sent.push(chunk));
    socket.pipe(onward).pipe(socket);
    socket.on('error', () => undefined);
    onward.on('error', () => undefined);
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const address = proxy.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const client = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, servername: 'localhost' });
  await once(client, 'secureConnect');
  await ask(client, '{"id":1}');
  client.destroy();
  proxy.close();
  return Buffer.concat(sent);
}

describe('a cut during the TLS handshake', () => {
  it('at every byte, by an end or a reset, leaves the next client served', async () => {
    const { listener, ends } = await setup();
    const hello = await recordHandshake(listener);
    expect(hello.length).toBeGreaterThan(200);
    await ends[0]?.closed;
    for (let at = 0; at < hello.length; at += 25) {
      const cuts = Array.from({ length: Math.min(25, hello.length - at) }, async (_, i) => {
        const socket = plain(listener);
        await once(socket, 'connect');
        socket.write(hello.subarray(0, at + i));
        if (i % 2 === 0) socket.end();
        else setImmediate(() => socket.resetAndDestroy());
        await until(socket);
      });
      await Promise.all(cuts);
    }
    const good = await secure(listener);
    expect(await ask(good, '{"id":2}')).toBe('echo {"id":2}\n');
    // A recorded handshake has no use for another connection: none of them became a session.
    expect(ends).toHaveLength(2);
    expect(listener.connections).toBe(1);
  });
});
