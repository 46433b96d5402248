import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PoolFolder, PoolProcess } from '../support/pool-process.ts';
import { StratumClient } from '../support/stratum-client.ts';

const ADDRESS = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const IDLE_ADDRESS = 'bcrt1qy7yl6pjgjct4qgael8e5dp2csn9f9k068fnq9n';

interface Miner {
  readonly address: string;
  readonly workers: number;
  readonly lastShare: string | null;
  readonly hashrate: Record<'1m' | '10m' | '1h', number>;
  readonly acceptedDifficulty: number;
  readonly shares: { readonly accepted: number; readonly rejected: Record<string, number> };
}

interface Page {
  readonly workers: readonly {
    readonly name: string;
    readonly connections: number;
    readonly shares: { readonly accepted: number; readonly rejected: number };
  }[];
  readonly next: string | null;
}

describe.each([1, 2])('the miners of a pool of %d gateways', (gateways) => {
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

  const connect = async (user: string): Promise<StratumClient> => {
    const client = await StratumClient.tcp(pool.endpoints.tcp.host, pool.endpoints.tcp.port);
    await client.login(user);
    return client;
  };
  const miner = async (address: string): Promise<{ status: number; body: Miner }> => {
    const response = await fetch(`${pool.endpoints.http}/api/v1/miners/${address}`);
    return { status: response.status, body: (await response.json()) as Miner };
  };

  it('are counted over all their connections, worker by worker, and forgotten when they have gone', async () => {
    // As many of each worker until every gateway has some: who gets a connection is chance, and one may get many in a row.
    const clients: StratumClient[] = [];
    const seated = new Set<number>();
    while (clients.length < 16 || (seated.size < gateways && clients.length < 200)) {
      for (let rig = 0; rig < 4; rig += 1) {
        const client = await connect(`${ADDRESS}.rig${rig}`);
        seated.add(Number.parseInt(client.extranonce1, 16) >>> 22);
        clients.push(client);
      }
    }
    expect(seated.size).toBe(gateways);
    const each = clients.length / 4;
    for (const [i, client] of clients.entries()) {
      const solution = client.solve(`${ADDRESS}.rig${i % 4}`);
      expect((await client.submit(solution)).result).toBe(true);
      if (i % 4 === 3) expect((await client.submit(solution)).error?.[0]).toBe(22);
    }
    // A gateway that is busy is not waited for.
    await expect.poll(async () => (await miner(ADDRESS)).status).toBe(200);
    const { body } = await miner(ADDRESS.toUpperCase());
    expect(body).toMatchObject({
      address: ADDRESS,
      workers: 4 * each,
      lastShare: expect.any(String),
      shares: { accepted: 4 * each, rejected: { duplicate: each, stale: 0 } },
    });
    expect(body.acceptedDifficulty).toBeCloseTo(4e-9 * each, 15);
    // At least: all of it in a minute. At most: in the ten seconds that are the shortest that is taken for a basis.
    expect(body.hashrate['1m']).toBeGreaterThan((4e-9 * each * 2 ** 32) / 60);
    expect(body.hashrate['1m']).toBeLessThan((4e-9 * each * 2 ** 32) / 8);
    const page = await pool.json<Page>(`/api/v1/miners/${ADDRESS}/workers`);
    expect(
      page.workers.map(({ name, connections, shares }) => [name, connections, shares.accepted, shares.rejected]),
    ).toEqual([0, 1, 2, 3].map((rig) => [`rig${rig}`, each, each, rig === 3 ? each : 0]));
    expect(page.next).toBeNull();

    expect((await miner(IDLE_ADDRESS)).status).toBe(404);
    for (const hostile of [
      'nobody',
      `${ADDRESS}x`,
      '__proto__',
      '..%2f..%2fetc',
      '%27%3bdrop%20table',
      '%3Cscript%3E',
      '%00',
    ]) {
      const answer = await miner(hostile);
      expect(answer.status, hostile).toBe(400);
      expect(JSON.stringify(answer.body)).not.toMatch(/[<>]/);
    }
    for (const client of clients) client.close();
    // An answer is given for a second.
    await expect.poll(async () => (await miner(ADDRESS)).status).toBe(404);
  });

  it('are counted in the API and the metrics, without their names', async () => {
    const client = await connect(`${ADDRESS}.a_name_that_is_nowhere`);
    await client.request('mining.no_such_method', []);
    expect((await client.request('mining.authorize', ['not an address', 'x'])).error?.[0]).toBe(24);
    const metrics = async (): Promise<string> => (await fetch(`${pool.endpoints.http}/metrics`)).text();
    await expect.poll(metrics).toMatch(/^sluice_protocol_errors_total\{kind="unknown-method"\} 1$/m);
    await expect.poll(metrics).toMatch(/^sluice_workers_refused_total 1$/m);
    expect(await metrics()).not.toContain('a_name_that_is_nowhere');
    expect(await metrics()).not.toContain(ADDRESS);
    await expect
      .poll(() => pool.json('/api/v1/pool'))
      .toMatchObject({
        workers: 1,
        stratum: { refusedWorkers: 1, timeouts: 0, protocolErrors: { 'unknown-method': 1, unparsable: 0 } },
      });
    client.sendRaw(`{"id":1,"x":"${'x'.repeat(9000)}"}`);
    await client.whenClosed;
    await expect.poll(metrics).toMatch(/^sluice_overlong_messages_total 1$/m);
  });
});
