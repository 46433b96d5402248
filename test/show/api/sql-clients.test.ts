import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { limits } from '#base/limits';
import { digestOf, TokenGuard } from '#show/api/admin-token';
import { openRig, type Rig, someShares } from '../../books/analytics/support.ts';
import { dataFolder } from '../../shares/sharelog/fixtures.ts';
import { type StartedHttp, startHttp } from '../../support/http.ts';

const TOKEN = 'a-token-of-the-analysts';
const basic = (password: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`default:${password}`).toString('base64')}`,
});

let folder: ReturnType<typeof dataFolder>;
let rig: Rig;
let http: StartedHttp;

beforeAll(async () => {
  folder = dataFolder();
  rig = await openRig(folder.path);
  await rig.commit(someShares(0, 300));
  const sqlGuard = new TokenGuard(digestOf(TOKEN), () => performance.now());
  http = await startHttp({ sqlGuard }, { folder: folder.path });
}, 120_000);

afterAll(async () => {
  await http.server.close();
  await rig.close();
  await folder.remove();
});

function post(
  search: Record<string, string>,
  body: NonNullable<RequestInit['body']> = '',
  headers = basic(TOKEN),
): Promise<Response> {
  return fetch(`${http.url}/sql?${new URLSearchParams(search)}`, { method: 'POST', body, headers });
}

/** The columns of a result in ClickHouse's Native format: strings, and integers of up to 64 bits, by name. */
function readNative(bytes: Buffer): Record<string, unknown[]> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at] ?? 0;
      at += 1;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  const string = (): string => {
    const length = varint();
    at += length;
    return bytes.subarray(at - length, at).toString('utf8');
  };
  const columns: Record<string, unknown[]> = {};
  while (at < bytes.length) {
    const [width, rows] = [varint(), varint()];
    for (let column = 0; column < width; column += 1) {
      const [name, type] = [string(), string()];
      const size = Number(/^U?Int(\d+)$/.exec(type)?.[1] ?? 0) / 8;
      if (size === 0) expect(type).toBe('String');
      const values = Array.from({ length: rows }, () => {
        if (size === 0) return string();
        at += size;
        return size === 8 ? Number(bytes.readBigUInt64LE(at - 8)) : bytes.readUIntLE(at - size, size);
      });
      columns[name] = [...(columns[name] ?? []), ...values];
    }
  }
  return columns;
}

const nativeOf = async (answer: Response): Promise<Record<string, unknown[]>> => {
  expect([answer.status, answer.headers.get('x-clickhouse-format')]).toEqual([200, 'Native']);
  return readNative(Buffer.from(await answer.arrayBuffer()));
};

describe('what clickhouse-connect sends', () => {
  it('is answered from its first query to its rows', async () => {
    const hello = await post({}, 'SELECT version(), timezone()');
    const [version = '', zone] = (await hello.text()).slice(0, -1).split('\t');
    expect(version).toMatch(/^\d+\.\d+/);
    expect(zone).toBe('UTC');
    const wait = { wait_end_of_query: '1' };
    const sql = 'SELECT name, value, readonly as readonly FROM system.settings LIMIT 10000\n FORMAT Native';
    const settings = await nativeOf(await post(wait, sql));
    expect(settings['name']?.length).toBeGreaterThan(500);
    // It sends no setting that is read-only.
    expect(new Set(settings['readonly'])).toEqual(new Set([1]));
    const check = await post({ ...wait, client_protocol_version: '54405' }, 'SELECT 1 AS check\n FORMAT Native');
    // No block info, so it goes on without its protocol's version.
    expect(Buffer.from(await check.arrayBuffer()).toString('latin1')).toBe('\u0001\u0001\u0005check\u0005UInt8\u0001');
    const query =
      'SELECT worker, toUInt32(count()) AS n FROM shares WHERE verdict = {v:String} GROUP BY worker\n FORMAT Native';
    const search = { ...wait, database: 'sluice', param_v: 'accepted', session_id: 'a', query_id: 'b' };
    const rows = await post(search, query, { ...basic(TOKEN), 'content-type': 'text/plain; charset=utf-8' });
    expect(rows.headers.get('x-clickhouse-query-id')).toBe('b');
    expect(rows.headers.get('x-clickhouse-timezone')).toBe(zone);
    expect(await nativeOf(rows)).toEqual({ worker: ['rig1'], n: [200] });
    const columns = await post({ database: 'sluice' }, 'SELECT * FROM blocks LIMIT 0\n FORMAT JSON');
    expect(((await columns.json()) as { meta: { name: string }[] }).meta.map(({ name }) => name)).toContain('hash');
    expect((await fetch(`${http.url}/sql/ping`)).status).toBe(200);
  });

  it('is answered as a form with parameters, and without one with a file', async () => {
    const form = new FormData();
    form.set('query', 'SELECT {a:String} AS a\n FORMAT TSV');
    form.set('param_a', 'x\\ty');
    expect(await (await post({}, form)).text()).toBe('x\\ty\n');
    form.set('data', new Blob(['1']), 'data.csv');
    expect((await post({}, form)).headers.get('x-clickhouse-exception-code')).toBe('48');
  });

  it('gets an error with its code and status, also when half of a result was held back for it', async () => {
    const sql = "SELECT throwIf(number = 100000, 'these words') FROM numbers(200000)";
    const failed = await post({ wait_end_of_query: '1' }, sql);
    expect([failed.status, failed.headers.get('x-clickhouse-exception-code')]).toEqual([400, '395']);
    expect(await failed.text()).toMatch(
      /^Code: 395\. DB::Exception: these words.*\(FUNCTION_THROW_IF_VALUE_IS_NON_ZERO\)\n$/s,
    );
  });
});

describe('what Grafana’s data source sends over HTTP', () => {
  const search = { default_format: 'Native', database: 'sluice', enable_http_compression: '1' };
  const send = (sql: string): Promise<Response> => post(search, sql, { ...basic(TOKEN), 'accept-encoding': 'gzip' });

  it('is answered: hello, ping, tables and columns', async () => {
    const hello = await nativeOf(await send('SELECT displayName(), version(), revision(), timezone()'));
    expect(Object.values(hello).map((column) => column.length)).toEqual([1, 1, 1, 1]);
    expect(hello['timezone()']).toEqual(['UTC']);
    expect(await nativeOf(await send('SELECT timeZone()'))).toEqual({ 'timeZone()': ['UTC'] });
    expect(await nativeOf(await send('SELECT 1'))).toEqual({ '1': [1] });
    const tables = await nativeOf(await send('SELECT database, name FROM system.tables ORDER BY database, name'));
    expect(tables['name']).toEqual(expect.arrayContaining(['shares', 'jobs', 'blocks']));
    const named =
      "SELECT database, table, name, type, comment FROM system.columns WHERE (database, table) IN (('sluice', 'shares')) ORDER BY database, table, position";
    expect((await nativeOf(await send(named)))['name']).toEqual(expect.arrayContaining(['time', 'account', 'verdict']));
    expect((await nativeOf(await send('DESCRIBE TABLE "sluice"."shares"')))['name']).toContain('latency_us');
    expect((await nativeOf(await send('SELECT currentDatabase()')))['currentDatabase()']).toEqual(['sluice']);
    // Its probe that nothing but what is allowed can be set.
    const probe = await send("SELECT 1 SETTINGS max_execution_time = '__probe__'");
    expect([probe.status, probe.headers.get('x-clickhouse-exception-code')]).toEqual([403, '164']);
  });

  it('is answered in gzip', async () => {
    const raw = connect(http.server.port, '127.0.0.1');
    const sql = 'SELECT toString(number) AS n FROM numbers(3)';
    const { authorization = '' } = basic(TOKEN);
    raw.write(
      `POST /sql?${new URLSearchParams(search)} HTTP/1.0\r\nAuthorization: ${authorization}\r\nAccept-Encoding: gzip\r\nContent-Length: ${sql.length}\r\n\r\n${sql}`,
    );
    const chunks: Buffer[] = [];
    for await (const chunk of raw as AsyncIterable<Buffer>) chunks.push(chunk);
    const answer = Buffer.concat(chunks);
    const head = answer.indexOf('\r\n\r\n');
    expect(answer.subarray(0, head).toString('latin1')).toMatch(/content-encoding: gzip/i);
    expect(readNative(gunzipSync(answer.subarray(head + 4)))).toEqual({ n: ['0', '1', '2'] });
  });
});

describe('strangers at the door of SQL', () => {
  const codeOf = async (answer: Promise<Response>): Promise<string> => {
    const { status, headers } = await answer;
    return `${status} ${headers.get('x-clickhouse-exception-code')}`;
  };

  it('need the token, in whatever way they send it', async () => {
    const sql = 'SELECT 1';
    const get = (search: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> =>
      fetch(`${http.url}/sql?${new URLSearchParams({ query: sql, ...search })}`, { headers });
    expect(await codeOf(get({}))).toBe('401 194');
    expect(await codeOf(get({ password: '' }))).toBe('401 194');
    for (const given of [
      get({ user: 'x', password: TOKEN }),
      get({}, { 'x-clickhouse-user': 'x', 'x-clickhouse-key': TOKEN }),
      get({}, { authorization: `Bearer ${TOKEN}` }),
      get({}, basic(TOKEN)),
    ]) {
      expect(await (await given).text()).toBe('1\n');
    }
    const wrong = [get({ password: 'wrong' }), get({}, { 'x-clickhouse-key': 'wrong' }), get({}, basic('wrong'))];
    for (const given of wrong) expect(await codeOf(given)).toBe('403 516');
    const open = await startHttp({}, { folder: folder.path });
    expect(await codeOf(fetch(`${open.url}/sql?query=SELECT+1`, { headers: basic(TOKEN) }))).toBe('403 516');
    await open.server.close();
  });

  it('are not listened to when they have guessed too often', async () => {
    const sqlGuard = new TokenGuard(digestOf(TOKEN), () => performance.now());
    const other = await startHttp({ sqlGuard }, { folder: folder.path });
    const guesses = await Promise.all(
      Array.from({ length: limits.adminGuessBurst + 20 }, (_, i) =>
        fetch(`${other.url}/sql?query=SELECT+1`, { headers: basic(`guess-${i}`) }).then(({ status }) => status),
      ),
    );
    expect(guesses.filter((status) => status === 429).length).toBeGreaterThan(0);
    await other.server.close();
  });

  it('get no further with huge queries, many of them, other methods or broken forms', async () => {
    expect(await codeOf(post({}, 'x'.repeat(limits.sqlBodyBytesMax + 1)))).toBe('413 62');
    expect(await codeOf(post({}, 'x'.repeat(2 * limits.sqlBodyBytesMax)))).toBe('413 62');
    expect((await post({ query: 'x'.repeat(limits.httpHeaderBytesMax) })).status).toBe(431);
    expect(await codeOf(fetch(`${http.url}/sql`, { method: 'PUT', headers: basic(TOKEN), body: 'SELECT 1' }))).toBe(
      '405 48',
    );
    expect(await codeOf(post({}, ''))).toBe('403 164');
    expect(await codeOf(post({ compress: '1' }, 'SELECT 1'))).toBe('501 48');
    expect(await codeOf(post({ database: 'system' }, 'SELECT * FROM users'))).toBe('404 81');
    const form = { ...basic(TOKEN), 'content-type': 'multipart/form-data; boundary=x' };
    for (const body of ['', '--x', '--x\r\n\r\n', '\r\n--x--', '--x\r\ncontent-disposition: form-data\r\n\r\n--x--']) {
      expect((await post({}, body, form)).status).toBeGreaterThanOrEqual(400);
    }
    const going = new AbortController();
    let refused = 0;
    const endless = Array.from({ length: limits.sqlQueriesMax + 4 }, async () => {
      const init = { headers: basic(TOKEN), signal: going.signal };
      const answer = fetch(`${http.url}/sql?query=SELECT+count()+FROM+system.numbers`, init);
      if ((await codeOf(answer)) === '503 202') refused += 1;
    });
    await expect.poll(() => refused).toBe(4);
    going.abort();
    await Promise.allSettled(endless);
    await expect.poll(async () => (await post({}, 'SELECT 1')).status, { timeout: 20_000 }).toBe(200);
  });

  it('can put no function and no table of others into a statement by a parameter', async () => {
    const tried: readonly (readonly [string, string])[] = [
      ["SELECT arrayMap({x:Identifier}, ['/etc/passwd'])", 'file'],
      ["SELECT arrayMap({x: /* */ Identifier}, ['/etc/passwd'])", 'FILE'],
      ["SELECT arrayMap({`x`:`Identifier`}, ['/etc/passwd'])", 'file'],
      ['SELECT * FROM {x:Identifier}', 'system.users'],
      ['SELECT * FROM {x:Identifier}.users', 'system'],
      ['SELECT * FROM {x:Identifier}', "url('http://127.0.0.1:1')"],
      ['SELECT * FROM {x:Identifier}', 'information_schema.tables'],
    ];
    for (const [sql, x] of tried) {
      const answer = await post({ param_x: x }, sql);
      expect([answer.status, await answer.text()].join(' '), sql).toMatch(/^(403 Code: 164|400 Code: 457)/);
    }
    const name = await post({ "param_x = 'a', readonly": '0' }, 'SELECT 1');
    expect(await name.text()).toMatch(/a parameter is named by/);
    const text = await post({ param_x: "'; DROP TABLE shares --" }, 'SELECT {x:String}');
    expect(await text.text()).toBe("\\'; DROP TABLE shares --\n");
  });

  it('disturb nobody by taking no answer: others are served meanwhile', async () => {
    const { authorization = '' } = basic(TOKEN);
    const slow = Array.from({ length: limits.sqlQueriesMax - 1 }, () => {
      const socket = connect(http.server.port, '127.0.0.1');
      socket.pause();
      socket.write(
        `GET /sql?query=SELECT+number+FROM+system.numbers HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n\r\n`,
      );
      return socket;
    });
    for (let i = 0; i < 3; i += 1) expect(await (await post({}, 'SELECT 1')).text()).toBe('1\n');
    expect(await rig.one('SELECT count() FROM shares')).toBe('300');
    for (const socket of slow) socket.destroy();
    await expect.poll(async () => (await post({}, 'SELECT 1')).status, { timeout: 20_000 }).toBe(200);
    expect(http.faults).toEqual([]);
  });

  it('are told so when analytics is off', async () => {
    const sqlGuard = new TokenGuard(digestOf(TOKEN), () => performance.now());
    const off = await startHttp({ sqlGuard }, { folder: '/nowhere' });
    const answer = await fetch(`${off.url}/sql?query=SELECT+1`, { headers: basic(TOKEN) });
    expect([answer.status, await text(answer.body as never)]).toEqual([503, expect.stringMatching(/analytics is off/)]);
    await off.server.close();
  });
});
