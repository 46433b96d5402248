import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificate } from '../support/certificate.ts';
import { PoolFolder, PoolProcess } from '../support/pool-process.ts';
import { StratumClient, tcpTransport } from '../support/stratum-client.ts';

const USER = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080.rig';
const ATTACKER = '127.9.0.1';

/** A connection from one of this machine's many addresses; ends of it are told by `closed`. */
async function from(pool: PoolProcess, localAddress: string): Promise<Socket> {
  const socket = connect({ ...pool.endpoints.tcp, localAddress });
  socket.on('error', () => undefined);
  await earliest(socket, 'connect', 'close');
  return socket;
}

/** Resolves with the name of the event that comes first. A reset is an end like any other here, which `once` rejects. */
function earliest(socket: Socket, ...events: string[]): Promise<string> {
  return new Promise((resolve) => {
    if (socket.closed) resolve('close');
    for (const event of events) socket.once(event, () => resolve(event));
  });
}

const subscribe = '{"id":1,"method":"mining.subscribe","params":[]}\n';
const authorize = `{"id":2,"method":"mining.authorize","params":["${USER}","x"]}\n`;
/** For a job that was never given out: the kind of bad share that counts least, so a ban takes 5,000 in one gateway. */
const badSubmit = `{"id":3,"method":"mining.submit","params":["${USER}","0","zz","0","0"]}\n`;

/** True if the pool talks to this address. */
async function served(pool: PoolProcess, localAddress: string): Promise<boolean> {
  const socket = await from(pool, localAddress);
  socket.write(subscribe);
  const answered = (await earliest(socket, 'data', 'close')) === 'data';
  socket.destroy();
  return answered;
}

describe.each([1, 2])('a pool of %d gateways under attack', (gateways) => {
  const folder = new PoolFolder(
    `[stratum]\ngateways = ${gateways}\n[stratum.difficulty]\nstart = 1e-9\nvardiff = false\n`,
  );
  let pool: PoolProcess;
  beforeAll(async () => {
    pool = await PoolProcess.start(folder);
  });
  afterAll(async () => {
    await pool.stop();
    await folder.remove();
  });

  it('bans an address that floods it with bad shares, while an honest miner loses nothing', async () => {
    const honest = await StratumClient.tcp(pool.endpoints.tcp.host, pool.endpoints.tcp.port);
    await honest.login(USER);
    const floods = [await from(pool, ATTACKER), await from(pool, ATTACKER)];
    const closed = floods.map((socket) => earliest(socket.resume(), 'close'));
    for (const socket of floods) socket.write(subscribe + authorize + badSubmit.repeat(12_000));
    for (let share = 0; share < 50; share += 1) {
      expect((await honest.submit(honest.solve(USER))).result).toBe(true);
    }
    await Promise.all(closed);
    // The other gateway hears of it a moment later.
    await expect.poll(() => served(pool, ATTACKER)).toBe(false);
    expect(await served(pool, '127.9.0.2')).toBe(true);
    expect((await honest.submit(honest.solve(USER))).result).toBe(true);
    honest.close();
  });

  it('answers the last share of a client that has ended its half of the connection', async () => {
    const { host, port } = pool.endpoints.tcp;
    const transport = await tcpTransport(host, port);
    const client = new StratumClient(transport);
    await client.login(USER);
    const reply = client.submit(client.solve(USER));
    transport.finish();
    expect(await reply).toMatchObject({ result: true, error: null });
    await client.whenClosed;
  });

  it('says whom it has banned, and keeps that over a restart', async () => {
    const listed = await folder.run('bans', 'list', '--json', '--config', folder.config);
    expect(JSON.parse(listed.stdout).bans).toMatchObject([{ address: ATTACKER, times: 1, reason: expect.any(String) }]);
    // Gateways in processes of their own report now and then.
    const metrics = async (): Promise<string> => (await fetch(`${pool.endpoints.http}/metrics`)).text();
    await expect.poll(metrics).toMatch(/^sluice_connections_banned_total [1-9]/m);
    expect(await metrics()).toMatch(/^sluice_bans 1$/m);
    expect(await pool.stop()).toBe(0);
    pool = await PoolProcess.start(folder);
    expect(await served(pool, ATTACKER)).toBe(false);
  });

  it('lets it in again when the operator says so, and shows out whom the operator bans', async () => {
    expect((await folder.run('bans', 'lift', ATTACKER, '--config', folder.config)).code).toBe(0);
    expect(await served(pool, ATTACKER)).toBe(true);
    const guest = await from(pool, ATTACKER);
    guest.write(subscribe);
    await earliest(guest, 'data');
    const gone = earliest(guest.resume(), 'close');
    const added = await folder.run('bans', 'add', '127.9.0.0/24', '--for', '1h', '--config', folder.config);
    expect(added.code).toBe(0);
    await gone;
    expect(await served(pool, '127.9.0.77')).toBe(false);
  });

  it('never bans 127.0.0.1, the address of proxies beside the pool', async () => {
    const socket = await from(pool, '127.0.0.1');
    let replies = 0;
    socket.on('data', (chunk: Buffer) => {
      replies += chunk.toString().split('\n').length - 1;
    });
    socket.write(subscribe + badSubmit.repeat(1000));
    await expect.poll(() => replies).toBe(1001);
    socket.destroy();
    expect(await served(pool, '127.0.0.1')).toBe(true);
  });
});

describe.each([1, 2])('a pool of %d gateways with a certificate', (gateways) => {
  const files = mkdtempSync(join(tmpdir(), 'sluice-e2e-tls-'));
  const [first, second] = [makeCertificate(files, 'first'), makeCertificate(files, 'second')];
  const [cert, key] = [join(files, 'cert.pem'), join(files, 'key.pem')];
  copyFileSync(first.cert, cert);
  copyFileSync(first.key, key);
  const folder = new PoolFolder(
    `[stratum]\ngateways = ${gateways}\ntls = { listen = "127.0.0.1:0", cert = ${JSON.stringify(cert)}, key = ${JSON.stringify(key)} }\n`,
  );
  let pool: PoolProcess;
  beforeAll(async () => {
    pool = await PoolProcess.start(folder);
  });
  afterAll(async () => {
    await pool.stop();
    await folder.remove();
    rmSync(files, { recursive: true });
  });

  /** Subscribes over TLS; resolves with the certificate's name and the answer. */
  const ask = async (): Promise<{ name: string; answer: unknown }> => {
    const socket = connectTls({ ...pool.endpoints.tls, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    socket.write(subscribe);
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    const name = String(socket.getPeerCertificate().subject.CN);
    socket.destroy();
    return { name, answer: JSON.parse(chunk.toString().split('\n')[0] ?? '') };
  };

  it('serves Stratum over TLS, and a new certificate after SIGHUP', async () => {
    expect(await ask()).toMatchObject({ name: 'first', answer: { id: 1, error: null } });
    copyFileSync(second.cert, cert);
    copyFileSync(second.key, key);
    pool.child.kill('SIGHUP');
    await expect.poll(() => pool.log.some((line) => line.includes('TLS certificate reloaded'))).toBe(true);
    expect(await ask()).toMatchObject({ name: 'second', answer: { id: 1, error: null } });
    expect(await pool.stop()).toBe(0);
  });
});
