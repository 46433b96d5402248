import { afterAll, beforeAll, expect, it } from 'vitest';
import { hostileNames } from '../support/hostile-names.ts';
import { PoolFolder, PoolProcess } from '../support/pool-process.ts';
import { StratumClient } from '../support/stratum-client.ts';

const COUNT = 10_000;
/** Characters that must be in no name that got past the door: controls, formats, separators, halves of pairs. */
const unprintable = /[\p{C}\p{Zl}\p{Zp}]/u;

const folder = new PoolFolder(
  // No block by chance: it would be a line of log.
  '[node]\nsimulated-block-difficulty = 1e12\n[stratum]\nauthorization = "open"\n[stratum.difficulty]\nstart = 1e-9\nvardiff = false\n',
);
let pool: PoolProcess;
beforeAll(async () => {
  pool = await PoolProcess.start(folder);
});
afterAll(async () => {
  await pool.stop();
  await folder.remove();
});

const seriesOf = async (): Promise<string[]> =>
  (await (await fetch(`${pool.endpoints.http}/metrics`)).text())
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.slice(0, line.lastIndexOf(' ')));

it('10,000 hostile names leave no line of log, no broken row, no tag of HTML, no series of metrics and no error of SQL', {
  timeout: 180_000,
}, async () => {
  const series = await seriesOf();
  const logged = pool.log.length;
  const names = hostileNames(COUNT);
  const client = await StratumClient.tcp(pool.endpoints.tcp.host, pool.endpoints.tcp.port);
  await client.login('first', { agent: names[14] ?? '' });
  let [shares, refused] = [0, 0];
  for (let at = 0; at < COUNT; at += 100) {
    await Promise.all(
      names.slice(at, at + 100).map(async (name) => {
        const authorized = await client.request('mining.authorize', [name, name]);
        if (authorized.result !== true) refused += 1;
        const submitted = await client.submit(client.solve(name));
        expect(submitted.result ?? submitted.error?.[0]).toBe(authorized.result === true ? true : 24);
        shares += 1;
      }),
    );
  }
  client.close();
  // Every one of these has a name once it is clean.
  expect([shares, refused]).toEqual([COUNT, 0]);

  const arrived = 'SELECT toUInt32(count()) AS rows FROM sluice.shares';
  await expect.poll(async () => (await folder.sql<{ rows: number }>(arrived))[0]?.rows).toBe(COUNT);
  // The pool's own page of every 25th, found by what the pool made of the name.
  const rows = await folder.sql<{ account: string; worker: string; user_agent: string; verdict: string }>(
    'SELECT account, worker, user_agent, verdict FROM sluice.shares',
  );
  for (const { account, worker, user_agent: agent } of rows) {
    for (const text of [account, worker, agent]) {
      expect(unprintable.test(text), JSON.stringify(text)).toBe(false);
      expect(text.length).toBeLessThanOrEqual(128);
    }
  }
  expect(new Set(rows.map(({ verdict }) => verdict))).toEqual(new Set(['accepted']));
  // A name as data in a query: each comes back as it was put in.
  const counted = await folder.sql<{ names: string; hash: string }>(
    'SELECT toString(uniqExact(account, worker)) AS names FROM sluice.shares',
  );
  expect(counted[0]?.names).toBe(String(new Set(rows.map(({ account, worker }) => `${account}\n${worker}`)).size));

  expect(await seriesOf()).toEqual(series);
  expect(pool.log.slice(logged)).toEqual([]);
  for (const line of pool.log) expect(() => JSON.parse(line)).not.toThrow();
  expect((await fetch(`${pool.endpoints.http}/readyz`)).status).toBe(200);
});

it('and are data, not HTML and not a path, in the answers about them', async () => {
  const client = await StratumClient.tcp(pool.endpoints.tcp.host, pool.endpoints.tcp.port);
  await client.login('first');
  const names = hostileNames(400);
  for (const name of names) expect((await client.request('mining.authorize', [`mine.${name}`, 'x'])).result).toBe(true);
  const answer = await fetch(`${pool.endpoints.http}/api/v1/miners/mine/workers`);
  const text = await answer.text();
  expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(text).not.toMatch(/[<>&]/);
  const { workers } = JSON.parse(text) as { workers: { name: string }[] };
  expect(workers).toHaveLength(400);
  for (const { name } of workers) expect(unprintable.test(name), JSON.stringify(name)).toBe(false);
  for (const name of names) {
    const { status } = await fetch(
      `${pool.endpoints.http}/api/v1/miners/${encodeURIComponent(Buffer.from(name).toString())}`,
    );
    expect([400, 404], name).toContain(status);
  }
  client.close();
});
