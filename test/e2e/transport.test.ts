import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificate } from '../support/certificate.ts';
import { PoolFolder, PoolProcess } from '../support/pool-process.ts';
import { StratumClient, tcpTransport } from '../support/stratum-client.ts';
import { WebSocketClient } from '../support/websocket.ts';

const USER = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080.rig';
const MINER = '2001:db8::7';

describe.each([1, 2])('a pool of %d gateways on IPv6, behind a balancer', (gateways) => {
  const files = mkdtempSync(join(tmpdir(), 'sluice-e2e-ipv6-'));
  const { cert, key } = makeCertificate(files, 'ipv6');
  const folder = new PoolFolder(
    `[stratum]\ngateways = ${gateways}\nproxy-protocol = true\nproxy-from = ["::1"]\n` +
      `tls = { listen = "[::1]:0", cert = ${JSON.stringify(cert)}, key = ${JSON.stringify(key)} }\n` +
      '[stratum.difficulty]\nstart = 1e-9\nvardiff = false\n',
  );
  let pool: PoolProcess;
  beforeAll(async () => {
    const everywhere = ['SLUICE_STRATUM__TCP', 'SLUICE_STRATUM__WEBSOCKET', 'SLUICE_HTTP__LISTEN'];
    pool = await PoolProcess.start(folder, Object.fromEntries(everywhere.map((name) => [name, '[::1]:0'])));
  });
  afterAll(async () => {
    await pool.stop();
    await folder.remove();
    rmSync(files, { recursive: true });
  });

  it('uses the address from the balancer’s header, down to the tables', async () => {
    const { host, port } = pool.endpoints.tcp;
    expect(host).toBe('::1');
    const transport = await tcpTransport(host, port);
    transport.send(`PROXY TCP6 ${MINER} ::1 40000 3333\r`);
    const client = new StratumClient(transport);
    await client.login(USER);
    expect((await client.submit(client.solve(USER))).result).toBe(true);
    client.close();
    const seen = (): Promise<unknown> => folder.sql('SELECT DISTINCT remote_ip FROM sluice.shares');
    await expect.poll(seen).toEqual([{ remote_ip: MINER }]);
  });

  it('demands its header, over every transport', async () => {
    const { tcp, websocket, tls } = pool.endpoints;
    const plain = connect(tcp);
    plain.on('error', () => undefined);
    plain.resume().write('{"id":1,"method":"mining.subscribe","params":[]}\n');
    await once(plain, 'close');
    expect(plain.bytesRead).toBe(0);
    await expect(WebSocketClient.open(websocket.host, websocket.port)).rejects.toThrow();
    const secure = connectTls({ ...tls, rejectUnauthorized: false });
    await expect(once(secure, 'secureConnect')).rejects.toThrow();
  });

  it('takes TLS behind the header', async () => {
    const socket = connect({ ...pool.endpoints.tls, host: '::1' } as { host: string; port: number });
    await once(socket, 'connect');
    socket.write(`PROXY TCP6 ${MINER} ::1 40000 3335\r\n`);
    const secure = connectTls({ socket, rejectUnauthorized: false });
    await once(secure, 'secureConnect');
    secure.write('{"id":1,"method":"mining.subscribe","params":[]}\n');
    expect(JSON.parse(String((await once(secure, 'data'))[0]).split('\n')[0] ?? '')).toMatchObject({ error: null });
    secure.destroy();
  });

  it('bans the miner, not the balancer', async () => {
    const attack = async (): Promise<void> => {
      const socket = connect(pool.endpoints.tcp);
      socket.on('error', () => undefined);
      socket.resume().write(`PROXY TCP6 2001:db8:bad::1 ::1 40000 3333\r\n${'x'.repeat(9000)}`);
      await new Promise((closed) => socket.once('close', closed));
    };
    // What is wrong before a login is one point a connection; with two gateways each counts its own.
    for (let i = 0; i < 250; i += 1) await attack();
    const listed = await folder.run('bans', 'list', '--json', '--config', folder.config);
    expect(JSON.parse(listed.stdout).bans).toMatchObject([{ address: '2001:db8:bad::/64' }]);
    const transport = await tcpTransport('::1', pool.endpoints.tcp.port);
    transport.send(`PROXY TCP6 ${MINER} ::1 40000 3333\r`);
    const client = new StratumClient(transport);
    await client.login(USER);
    client.close();
  });
});
