import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PoolFolder, PoolProcess } from '../support/pool-process.ts';
import { StratumClient } from '../support/stratum-client.ts';

const ADDRESS = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const HOME = '127.9.1.1';
const HEALTHY = 3;
/** More than twice as many as it takes to ban an address with nobody else. */
const VISITS = 250;

const page = 'GET / HTTP/1.1\r\nHost: pool.lan:3333\r\nUser-Agent: Mozilla/5.0\r\nAccept: text/html\r\n\r\n';
const subscribe = '{"id":1,"method":"mining.subscribe","params":["x"]}\n';

describe.each([1, 2])('a pool of %d gateways', (gateways) => {
  const folder = new PoolFolder(
    `[stratum]\ngateways = ${gateways}\n[stratum.limits]\nexempt = []\n[stratum.difficulty]\nstart = 1e-9\nvardiff = false\n`,
  );
  let pool: PoolProcess;
  let healthy: StratumClient[] = [];
  beforeAll(async () => {
    pool = await PoolProcess.start(folder);
    const { host, port } = pool.endpoints.tcp;
    healthy = await Promise.all(Array.from({ length: HEALTHY }, () => StratumClient.tcp(host, port, HOME)));
    await Promise.all(healthy.map((miner, at) => miner.login(`${ADDRESS}.good${at}`)));
    await mine();
  });
  afterAll(async () => {
    for (const miner of healthy) miner.close();
    await pool.stop();
    await folder.remove();
  });

  /** Each has a share accepted. */
  async function mine(): Promise<void> {
    const replies = await Promise.all(healthy.map((miner, at) => miner.submit(miner.solve(`${ADDRESS}.good${at}`))));
    expect(replies.map(({ result }) => result)).toEqual(healthy.map(() => true));
  }

  async function nobodyIsBanned(): Promise<void> {
    const { stdout } = await folder.run('bans', 'list', '--json', '--config', folder.config);
    expect(JSON.parse(stdout)).toMatchObject({ bans: [] });
  }

  /** A connection from the same address, until it ends. */
  async function visit(bytes: string | Uint8Array): Promise<void> {
    const socket: Socket = connect({ ...pool.endpoints.tcp, localAddress: HOME });
    socket.on('error', () => undefined);
    socket.end(bytes);
    await new Promise<void>((resolve) => socket.resume().once('close', () => resolve()));
  }

  it.each([
    ['a browser', page],
    ['a TLS client', Buffer.from('16030100c8010000c40303', 'hex')],
    ['a Stratum V2 client', Buffer.from(Array.from({ length: 64 }, (_, at) => (at * 151 + 7) & 0xff))],
    ['an SSH client', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['a mail client', 'EHLO pool\r\n'],
    ['a port scanner', ''],
    ['a monitor that subscribes', subscribe],
    ['a client of broken JSON', '{"id":1,\n'.repeat(20)],
  ])('serves healthy miners at the address of every kind of bad neighbour: %s', async (_name, bytes) => {
    await Promise.all(Array.from({ length: VISITS }, () => visit(bytes)));
    await mine();
    await nobodyIsBanned();
  });

  it.each([
    'a device that ignores its difficulty',
    'a device that repeats a share',
    'firmware that writes bad extranonces',
  ])('serves healthy miners beside %s, which is kept out', async (name) => {
    const user = `${ADDRESS}.${name.replace(/ /g, '-')}`;
    let refused: unknown;
    // Each gateway finds out for itself.
    for (let round = 0; round < 50 && refused === undefined; round += 1) {
      const bad = await StratumClient.tcp(pool.endpoints.tcp.host, pool.endpoints.tcp.port, HOME);
      const login = await bad.login(user).catch((error: unknown) => error);
      if (login instanceof Error) refused = login.message;
      for (let sent = 0; sent < 200 && !bad.closed && refused === undefined; sent += 1) {
        const share = bad.solve(user, name.includes('ignores') ? { accept: (hash, target) => hash > target } : {});
        if (name.includes('extranonces')) share.params[2] = 'zz';
        const times = name.includes('repeats') ? 10 : 1;
        for (let again = 0; again < times && !bad.closed; again += 1) await bad.submit(share);
      }
      bad.close();
      await mine();
    }
    expect(refused).toContain('too many bad shares of this worker');
    await mine();
    await nobodyIsBanned();
    const next = await StratumClient.tcp(pool.endpoints.tcp.host, pool.endpoints.tcp.port, HOME);
    await next.login(`${ADDRESS}.next`);
    next.close();
  });
});
