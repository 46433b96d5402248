import { Readable } from 'node:stream';
import { type ClickHouseClient, ClickHouseError, createClient } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf, TokenGuard } from '#show/api/admin-token';
import { openRig, type Rig, someShares } from '../../books/analytics/support.ts';
import { dataFolder } from '../../shares/sharelog/fixtures.ts';
import { type StartedHttp, startHttp } from '../../support/http.ts';

const TOKEN = 'a-token-of-the-analysts';
const SHARES = 3_000;

let folder: ReturnType<typeof dataFolder>;
let rig: Rig;
let http: StartedHttp;
let client: ClickHouseClient;

beforeAll(async () => {
  folder = dataFolder();
  rig = await openRig(folder.path);
  await rig.commit(someShares(0, SHARES));
  const sqlGuard = new TokenGuard(digestOf(TOKEN), () => performance.now());
  http = await startHttp({ sqlGuard }, { folder: folder.path });
  client = createClient({ url: http.url, pathname: '/sql', username: 'grafana', password: TOKEN });
}, 120_000);

afterAll(async () => {
  await client.close();
  await http.server.close();
  await rig.close();
  await folder.remove();
});

/** A request as other clients send it. */
function ask(search: Record<string, string>, init: RequestInit = {}): Promise<Response> {
  // A connection of its own: one that was kept may be closed just then, on a machine that is full.
  const headers = { connection: 'close', 'x-clickhouse-user': 'default', 'x-clickhouse-key': TOKEN, ...init.headers };
  return fetch(`${http.url}/sql?${new URLSearchParams(search)}`, { ...init, headers });
}

const bytesOf = async (answer: Response): Promise<Buffer> => Buffer.from(await answer.arrayBuffer());

/** Whether both turns of the engine are taken: then a query gets no answer. The tables of processes are not to be asked. */
async function running(mark: string): Promise<boolean> {
  const late = AbortSignal.timeout(4_000);
  return ask({ query: `SELECT 1 /* ${mark} */` }, { signal: late }).then(
    async (answer) => (await answer.text()) !== '1\n',
    () => true,
  );
}

describe('@clickhouse/client on the embedded engine', () => {
  it('pings, by path and by a query', async () => {
    expect(await client.ping()).toEqual({ success: true });
    expect(await client.ping({ select: true })).toEqual({ success: true });
  });

  it('reads rows in one piece and as a stream', async () => {
    const query = 'SELECT verdict, toUInt32(count()) AS shares FROM shares GROUP BY verdict ORDER BY verdict';
    const expected = [
      { verdict: 'accepted', shares: 2000 },
      { verdict: 'duplicate', shares: 1000 },
    ];
    for (const format of ['JSONEachRow', 'JSONCompactEachRow'] as const) {
      const rows = await (await client.query({ query, format })).json();
      expect(rows).toEqual(format === 'JSONEachRow' ? expected : expected.map(Object.values));
    }
    const whole = await (await client.query({ query, format: 'JSON' })).json();
    expect(whole).toMatchObject({ data: expected, rows: 2, meta: [{ name: 'verdict' }, { name: 'shares' }] });
    const numbers = await client.query({ query: 'SELECT number FROM numbers(300000)', format: 'JSONEachRow' });
    let sum = 0;
    for await (const rows of numbers.stream<{ number: number }>()) {
      for (const row of rows) sum += Number(row.json().number);
    }
    expect(sum).toBe((300_000 * 299_999) / 2);
  });

  it('binds parameters of every type as what they are', async () => {
    const hostile = "',\t\\N\n\r\\'; DROP TABLE shares -- \u{1f4a9}";
    const answer = await client.query({
      query: `SELECT {s:String} AS s, {n:UInt64} AS n, {list:Array(String)} AS list, {none:Nullable(String)} AS none,
                {at:DateTime64(3, 'UTC')} AS at, {map:Map(String, UInt8)} AS map, count() AS rows
              FROM {table:Identifier} WHERE worker != {s:String}`,
      query_params: {
        s: hostile,
        n: 42,
        list: [hostile, 'b'],
        none: null,
        at: new Date(1_700_000_000_123),
        map: { k: 1 },
        table: 'shares',
      },
      format: 'JSONEachRow',
    });
    expect(await answer.json()).toEqual([
      {
        s: hostile,
        n: 42,
        list: [hostile, 'b'],
        none: null,
        at: '2023-11-14 22:13:20.123',
        map: { k: 1 },
        rows: SHARES,
      },
    ]);
    const long = await client.query({
      query: 'SELECT length({s:String}) AS length',
      query_params: { s: 'x'.repeat(50_000) },
      use_multipart_params: true,
      format: 'JSONEachRow',
    });
    expect(await long.json()).toEqual([{ length: 50_000 }]);
  });

  it('takes settings that say how values are written, and refuses those that change what may be done', async () => {
    const settings = { output_format_json_quote_64bit_integers: 1, date_time_output_format: 'iso' } as const;
    const query = "SELECT toUInt64(1) AS n, toDateTime64('2026-01-01 00:00:00', 3, 'UTC') AS t";
    const answer = await client.query({ query, format: 'JSONEachRow', clickhouse_settings: settings });
    expect(await answer.json()).toEqual([{ n: '1', t: '2026-01-01T00:00:00.000Z' }]);
    const limited = await client.query({
      query: 'SELECT 1 FROM numbers(9)',
      format: 'CSV',
      clickhouse_settings: { limit: '2' },
    });
    expect(await limited.text()).toBe('1\n1\n');
    for (const setting of ['allow_ddl', 'additional_result_filter', 'log_queries_probability']) {
      const refused = client.query({ query: 'SELECT 1', clickhouse_settings: { [setting]: '1' } });
      await expect(refused).rejects.toMatchObject({ code: '164', type: 'READONLY' });
    }
  });

  it('reads a compressed answer', async () => {
    const compressed = createClient({
      url: http.url,
      pathname: '/sql',
      password: TOKEN,
      compression: { response: true },
    });
    const answer = await compressed.query({ query: 'SELECT number FROM numbers(100000)', format: 'TabSeparated' });
    expect(answer.response_headers['content-encoding']).toBe('gzip');
    expect((await answer.text()).length).toBe(588_890);
    await compressed.close();
  });

  it('gets the engine’s errors with their codes, before the first row and after it', { timeout: 120_000 }, async () => {
    const failing: readonly (readonly [string, string, string])[] = [
      ['SELECT nonsense FROM shares', '47', 'UNKNOWN_IDENTIFIER'],
      ['SELECT * FROM nowhere', '60', 'UNKNOWN_TABLE'],
      ['SELECT 1 FROM (SELECT', '62', 'SYNTAX_ERROR'],
      ['DROP TABLE shares', '164', 'READONLY'],
      ["SELECT * FROM url('http://127.0.0.1:1', CSV)", '164', 'READONLY'],
    ];
    for (const [query, code, type] of failing) {
      const error = await client.query({ query }).catch((reason: unknown) => reason);
      expect(error, query).toBeInstanceOf(ClickHouseError);
      expect(error, query).toMatchObject({ code, type });
    }
    const late = await client.query({
      query: "SELECT throwIf(number = 400000, 'these words') FROM numbers(1000000)",
      format: 'JSONEachRow',
    });
    let rows = 0;
    const reading = (async () => {
      for await (const some of late.stream()) rows += some.length;
    })();
    await expect(reading).rejects.toThrow(/these words/);
    expect(rows).toBeGreaterThan(100_000);
  });

  it('ends its queries in the engine by an abort, also one that gives no rows', { timeout: 120_000 }, async () => {
    const query = 'SELECT count() FROM system.numbers';
    const aborting = new AbortController();
    const asked = [1, 2].map(() => client.query({ query, format: 'TabSeparated', abort_signal: aborting.signal }));
    await expect.poll(() => running('both turns taken'), { timeout: 45_000 }).toBe(true);
    aborting.abort();
    await Promise.allSettled(asked);
    await expect.poll(() => running('free again'), { timeout: 45_000 }).toBe(false);
    expect(rig.analytics.status().restarts).toBe(0);
  });

  it('ends the query of a reader that goes away half-way', { timeout: 120_000 }, async () => {
    const streams = await Promise.all(
      [1, 2, 3].map(async () => {
        const answer = await client.query({ query: 'SELECT number FROM system.numbers', format: 'TabSeparated' });
        return Readable.from(answer.stream());
      }),
    );
    for (const stream of streams) {
      await new Promise((resolve) => stream.once('data', resolve));
      stream.destroy();
    }
    await expect.poll(() => running('free again'), { timeout: 45_000 }).toBe(false);
  });
});

describe('formats over HTTP', () => {
  const rows = 200_000;
  const query = `SELECT number AS n, toString(number) AS "a\nb" FROM numbers(${rows})`;

  it('puts the chunks of a stream together as one result', async () => {
    const lines: readonly (readonly [string, number])[] = [
      ['CSV', 0],
      ['TSKV', 0],
      ['CSVWithNames', 2],
      ['CSVWithNamesAndTypes', 3],
      ['TSVWithNames', 1],
      ['TabSeparatedWithNamesAndTypes', 2],
      ['JSONCompactEachRowWithNamesAndTypes', 2],
    ];
    for (const [format, head] of lines) {
      const answer = await ask({ query, default_format: format });
      const text = await answer.text();
      expect(text.split('\n').length - 1, format).toBe(rows + head);
      expect(text.split('\n').at(-2), format).toContain(String(rows - 1));
    }
  });

  it('streams Native as blocks and RowBinaryWithNamesAndTypes behind one head', async () => {
    const plain = 'SELECT number AS n FROM numbers(200000)';
    const binary = await bytesOf(await ask({ query: plain, default_format: 'RowBinaryWithNamesAndTypes' }));
    expect(binary.subarray(0, 10).toString('latin1')).toBe('\u0001\u0001n\u0006UInt64');
    expect(binary.length).toBe(10 + rows * 8);
    expect(binary.readBigUInt64LE(binary.length - 8)).toBe(199_999n);
    const native = await bytesOf(await ask({ query: plain, default_format: 'Native' }));
    let [at, sum] = [0, 0];
    while (at < native.length) {
      // The number of columns, of rows (LEB128), a name, a type, and the values.
      at += 1;
      let count = 0;
      for (let shift = 1, more = true; more; shift *= 128, at += 1) {
        count += ((native[at] ?? 0) & 0x7f) * shift;
        more = (native[at] ?? 0) >= 0x80;
      }
      expect(native.subarray(at, at + 9).toString('latin1')).toBe('\u0001n\u0006UInt64');
      at += 9 + count * 8;
      sum += count;
    }
    expect(sum).toBe(rows);
  });

  it('gives Parquet, Arrow and ORC whole, and Arrow as a stream', async () => {
    const magic: readonly (readonly [string, string, string])[] = [
      ['Parquet', 'PAR1', 'PAR1'],
      ['Arrow', 'ARROW1', 'ARROW1'],
      ['ORC', 'ORC', ''],
    ];
    for (const [format, head, foot] of magic) {
      const bytes = await bytesOf(await ask({ query: `${query} FORMAT ${format}` }));
      expect(bytes.subarray(0, head.length).toString('latin1'), format).toBe(head);
      expect(bytes.subarray(bytes.length - foot.length).toString('latin1'), format).toBe(foot);
    }
    const stream = await bytesOf(await ask({ query, default_format: 'ArrowStream' }));
    expect(stream.subarray(-8).toString('hex')).toBe('ffffffff00000000');
    let [at, schemas, batches] = [0, 0, 0];
    while (at < stream.length - 8) {
      const message = stream.subarray(at + 8, at + 8 + stream.readUInt32LE(at + 4));
      const [kind, bodyBytes] = arrowMessage(message);
      if (kind === 1) schemas += 1;
      if (kind === 3) batches += 1;
      at += 8 + message.length + bodyBytes;
    }
    expect({ schemas, more: batches > 1, at }).toEqual({ schemas: 1, more: true, at: stream.length - 8 });
  });

  it('gives a result without rows its head', async () => {
    const none = async (format: string): Promise<string> =>
      (await bytesOf(await ask({ query: 'SELECT 1 AS x WHERE 0', default_format: format }))).toString('latin1');
    expect(await none('CSVWithNames')).toBe('"x"\n');
    expect(await none('JSONCompactEachRowWithNamesAndTypes')).toBe('["x"]\n["UInt8"]\n');
    expect(await none('ArrowStream')).toMatch(/^\xff{4}[\s\S]+\xff{4}\0{4}$/);
    expect(await none('TSV')).toBe('');
  });

  it('refuses formats that are no results, and says what it knows in headers', async () => {
    for (const format of ['MySQLWire', 'PostgreSQLWire', 'Template', 'Protobuf', 'nonsense', 'a b']) {
      const answer = await ask({ query: 'SELECT 1', default_format: format });
      expect([answer.status, answer.headers.get('x-clickhouse-exception-code')], format).toEqual([400, '73']);
    }
    expect((await ask({ query: 'SELECT 1 FORMAT MySQLWire' })).headers.get('x-clickhouse-exception-code')).toBe('73');
    const answer = await ask({ query: 'SELECT 1 FORMAT csv', query_id: 'mine-1' });
    expect(await answer.text()).toBe('1\n');
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'text/csv; charset=UTF-8',
      'x-clickhouse-query-id': 'mine-1',
      'x-clickhouse-format': 'CSV',
      'x-clickhouse-timezone': 'UTC',
      'x-content-type-options': 'nosniff',
    });
  });
});

/** The kind of an Arrow message (1: schema, 3: record batch) and the length of its body, from its flatbuffer. */
function arrowMessage(message: Buffer): [number, number] {
  const table = message.readUInt32LE(0);
  const vtable = table - message.readInt32LE(table);
  const field = (index: number): number => {
    const at = vtable + 4 + index * 2;
    return at < vtable + message.readUInt16LE(vtable) ? message.readUInt16LE(at) : 0;
  };
  const [kind, body] = [field(1), field(3)];
  return [
    kind === 0 ? 0 : message.readUInt8(table + kind),
    body === 0 ? 0 : Number(message.readBigInt64LE(table + body)),
  ];
}
