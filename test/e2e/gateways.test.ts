import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { LogReaders } from '#shares/sharelog/consumers/log-readers';
import { PoolFolder, PoolProcess } from '../support/pool-process.ts';
import { type LoginOptions, StratumClient } from '../support/stratum-client.ts';
import { WebSocketClient } from '../support/websocket.ts';
import { expectEachAcknowledgedOnce, rowsByVerdict, Tally } from './tally.ts';

const USER = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080.load';

let folder: PoolFolder | undefined;
let pool: PoolProcess | undefined;
afterEach(async () => {
  pool?.child.kill('SIGKILL');
  await folder?.remove();
});

async function connect(transport: 'tcp' | 'websocket' = 'tcp', options: LoginOptions = {}): Promise<StratumClient> {
  const { host, port } = pool?.endpoints[transport] ?? { host: '', port: 0 };
  const client =
    transport === 'tcp'
      ? await StratumClient.tcp(host, port)
      : new StratumClient(await WebSocketClient.open(host, port));
  await client.login(USER, options);
  return client;
}

/** Submits until told to stop; connects again whenever the connection dies, as miners do. */
async function mine(tally: Tally, stopped: () => boolean): Promise<void> {
  while (!stopped()) {
    try {
      const client = await connect();
      while (!client.closed && !stopped()) await tally.submit(client, client.solve(USER));
      client.close();
    } catch {
      // Refused or cut off while its gateway was away.
    }
  }
}

/** Mines until so many more shares are acknowledged; `last` is done while there are still some under way. */
async function mineMore(tally: Tally, shares: number, last: () => Promise<unknown> = async () => {}): Promise<void> {
  let stop = false;
  const miners = Array.from({ length: 6 }, () => mine(tally, () => stop));
  const goal = tally.acknowledged.size + shares;
  await expect.poll(() => tally.acknowledged.size).toBeGreaterThan(goal);
  await last();
  stop = true;
  await Promise.all(miners);
}

it('spreads miners over its gateways, and a killed gateway loses no acknowledged share', {
  timeout: 120_000,
}, async () => {
  folder = new PoolFolder('[stratum]\ngateways = 2\n[stratum.difficulty]\nstart = 1e-9\nvardiff = false\n');
  pool = await PoolProcess.start(folder);
  const tally = new Tally();

  const clients: StratumClient[] = [];
  // Who gets a connection is chance, and one may get many in a row.
  const prefixes = new Set<number>();
  for (let count = 0; count < 24 || (prefixes.size < 2 && count < 200); count += 1) {
    const client = await connect(count % 2 === 0 ? 'tcp' : 'websocket');
    prefixes.add(Number.parseInt(client.extranonce1, 16) >>> 22);
    clients.push(client);
  }
  expect(prefixes.size, 'extranonces of both gateways').toBe(2);
  expect(new Set(clients.map((client) => client.extranonce1)).size).toBe(clients.length);
  for (const client of clients) {
    const solution = client.solve(USER);
    expect((await tally.submit(client, solution)).result).toBe(true);
    expect((await tally.submit(client, solution)).error?.[0]).toBe(22);
    client.close();
  }

  let stop = false;
  const miners = Array.from({ length: 8 }, () => mine(tally, () => stop));
  const seen = new Set<number>();
  for (let kill = 1; kill <= 3; kill += 1) {
    const goal = tally.acknowledged.size + 300;
    await expect.poll(() => tally.acknowledged.size).toBeGreaterThan(goal);
    // One that was killed may be there for a moment yet.
    const others = (): number[] => (pool?.gateways() ?? []).filter((pid) => !seen.has(pid));
    await expect.poll(() => others().length).toBe(2);
    const [victim] = others();
    if (victim === undefined) throw new Error('no gateway runs');
    seen.add(victim);
    process.kill(victim, 'SIGKILL');
  }
  await expect.poll(() => (pool?.gateways() ?? []).length).toBe(2);
  const before = tally.acknowledged.size;
  await expect.poll(() => tally.acknowledged.size).toBeGreaterThan(before + 300);
  stop = true;
  await Promise.all(miners);

  // Gateways report once a second; what one had not reported when it was killed is in the tables alone.
  const counted = async (): Promise<number> =>
    (await pool?.json<{ shares: { accepted: number } }>('/api/v1/pool'))?.shares.accepted ?? 0;
  await expect.poll(counted).toBeGreaterThan(0);
  expect(await pool.stop()).toBe(0);
  await expectEachAcknowledgedOnce(folder, tally);
  expectMarksHold(join(folder.path, 'data'), ['sharelog', 'sharelog-1', 'sharelog-2']);
  // What was answered, whatever the answer, is there; what was cut off may be there as well.
  const rows = await rowsByVerdict(folder);
  for (const [verdict, count] of tally.replies) expect(rows.get(verdict) ?? 0).toBeGreaterThanOrEqual(count);
});

it('gives a client that reconnects to another gateway a new session, in which no old share counts', {
  timeout: 120_000,
}, async () => {
  // No block by chance, which would make the share of before it stale.
  const node = '[node]\nsimulated-block-difficulty = 1e12\n';
  folder = new PoolFolder(`${node}[stratum]\ngateways = 2\n[stratum.difficulty]\nstart = 1e-7\nvardiff = false\n`);
  pool = await PoolProcess.start(folder);
  const tally = new Tally();
  const first = await connect();
  const counted = first.solve(USER);
  const unsent = first.solve(USER);
  expect((await tally.submit(first, counted)).result).toBe(true);
  first.close();

  // The kernel deals connections out by chance.
  let [back, elsewhere] = [0, 0];
  for (let tries = 0; tries < 100 && (back === 0 || elsewhere === 0); tries += 1) {
    const client = await connect('tcp', { sessionId: first.sessionId });
    expect((await client.submit(counted)).result, 'counted already').toBeNull();
    const reply = await client.submit(unsent);
    if (client.sessionId === first.sessionId) {
      expect(client.extranonce1).toBe(first.extranonce1);
      expect(reply.error, 'not counted yet').toEqual(back === 0 ? null : [22, 'Duplicate share', null]);
      back += 1;
    } else {
      expect(Number.parseInt(client.extranonce1, 16) >>> 22).not.toBe(Number.parseInt(first.extranonce1, 16) >>> 22);
      expect(reply.result).toBeNull();
      elsewhere += 1;
    }
    expect((await tally.submit(client, client.solve(USER))).result).toBe(true);
    client.close();
  }
  expect([back, elsewhere].every((count) => count > 0)).toBe(true);
  expect(await pool.stop()).toBe(0);
  await expectEachAcknowledgedOnce(folder, tally);
});

it('loses nothing when the pool itself is killed', { timeout: 120_000 }, async () => {
  folder = new PoolFolder('[stratum]\ngateways = 2\n[stratum.difficulty]\nstart = 1e-9\nvardiff = false\n');
  const tally = new Tally();
  for (let kill = 1; kill <= 2; kill += 1) {
    pool = await PoolProcess.start(folder);
    let gateways: number[] = [];
    await mineMore(tally, 500, async () => {
      gateways = pool?.gateways() ?? [];
      await pool?.kill();
    });
    // No orphan keeps the ports or goes on answering.
    await expect.poll(() => gateways.filter(alive)).toEqual([]);
  }
  await expectEachAcknowledgedOnce(folder, tally);
});

it('delivers the journals of gateways that are not started any more, and removes them', {
  timeout: 120_000,
}, async () => {
  folder = new PoolFolder('[node]\nrefresh-seconds = 0.5\n[stratum.difficulty]\nstart = 1e-9\nvardiff = false\n');
  const data = join(folder.path, 'data');
  const journals = (): string[] => readdirSync(data).filter((name) => /^sharelog(-\d+)?$/.test(name));
  const tally = new Tally();
  for (const gateways of [3, 1, 2]) {
    const started = await PoolProcess.start(folder, { SLUICE_STRATUM__GATEWAYS: String(gateways) });
    pool = started;
    await mineMore(tally, 250);
    const own = gateways === 1 ? [] : Array.from({ length: gateways }, (_, slot) => `sharelog-${slot + 1}`);
    // Nobody mines meanwhile: on a machine that is full rows wait.
    await expect.poll(journals).toEqual(['sharelog', ...own]);
    // With shares that are in no table yet.
    await mineMore(tally, 250, () => started.kill());
  }
  await expectEachAcknowledgedOnce(folder, tally);
  const alone =
    'SELECT toUInt32(count()) AS shares FROM sluice.shares WHERE job_id NOT IN (SELECT job_id FROM sluice.jobs)';
  expect(await folder.sql(alone), 'shares of a job that is not on the disk').toEqual([{ shares: 0 }]);
});

it('does not start if one gateway can not, and leaves nothing running', {
  timeout: 120_000,
}, async () => {
  folder = new PoolFolder('[stratum]\ngateways = 3\n');
  pool = await PoolProcess.start(folder);
  await pool.stop();
  const identity = join(folder.path, 'data', 'sharelog-2', 'identity.json');
  const whole = readFileSync(identity);
  writeFileSync(identity, 'x');
  // Rejects when the process has ended.
  await expect(PoolProcess.start(folder)).rejects.toThrow(/did not start: .*sharelog-2\/identity.json is damaged/);
  writeFileSync(identity, whole);
  pool = await PoolProcess.start(folder);
  expect(await pool.stop()).toBe(0);
});

/** Each of these journals has marks, and behind each mark no accepted share of a job that it closes. */
function expectMarksHold(data: string, names: readonly string[]): void {
  const readers = new LogReaders(data);
  for (const reader of readers.all().filter(({ journal }) => names.includes(journal))) {
    let closed = -1;
    let shares = 0;
    for (const { seq } of reader.heads((reader.oldestSeq() ?? 1) - 1, { rowsMax: 1e9, bytesMax: 1e9 })) {
      for (const { verdict, job_id: id } of reader.rows('shares', seq, seq)) {
        if (verdict !== 'accepted') continue;
        shares += 1;
        expect(Number.parseInt(String(id), 16), `${reader.journal}: a share of a closed job`).toBeGreaterThan(closed);
      }
      closed = Math.max(closed, reader.closedSerial(seq, seq) ?? -1);
    }
    expect(closed, `${reader.journal}: marks`).toBeGreaterThan(0);
    expect(shares > 0, `${reader.journal}: shares`).toBe(reader.journal !== 'sharelog');
  }
  readers.close();
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
