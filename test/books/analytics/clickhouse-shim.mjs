// Speaks as much of ClickHouse's HTTP interface as Sluice uses, in front of the embedded engine, in a process of its own
// that can be killed. Not a ClickHouse server: see server.test.ts for what it shows and what not.
// Usage: clickhouse-shim.mjs PORT FOLDER FAULTS, where FAULTS is "", or "lose-answers": every other insert is done and
// its answer lost.
import { randomUUID } from 'node:crypto';
import { unlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const { Session } = createRequire(import.meta.url)('chdb');
const [port, folder, faults] = process.argv.slice(2);
const path = join(folder, 'server');
const main = new Session(path);
let inserts = 0;
let inTurn = Promise.resolve();

/** `INSERT … FORMAT RowBinary` with a body, as the engine can take it. */
async function insert(sql, body) {
  const match = /^INSERT INTO (\S+) \(([^)]*)\) SETTINGS ([\s\S]*) FORMAT RowBinary$/.exec(sql);
  if (match === null) throw new Error(`Code: 62. DB::Exception: the shim can not read: ${sql}. (SYNTAX_ERROR)`);
  const [, table, columns, settings] = match;
  const described = await main.queryAsync(
    `SELECT name, type FROM system.columns WHERE database || '.' || table = '${table}'`,
    {
      format: 'JSONCompactEachRow',
    },
  );
  const types = new Map(
    described
      .text()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  );
  const structure = columns
    .split(', ')
    .map((name) => `${name} ${types.get(name)}`)
    .join(', ')
    .replaceAll("'", "\\'");
  const file = join(folder, `${randomUUID()}.rowbinary`);
  writeFileSync(file, body);
  await main.queryAsync(
    `INSERT INTO ${table} (${columns}) SETTINGS ${settings}, deduplicate_insert_select = 'force_enable', max_threads = 1
     SELECT * FROM file('${file}', 'RowBinary', '${structure}')`,
  );
  unlinkSync(file);
}

async function select(sql, url) {
  const session = new Session(path);
  try {
    await session.queryAsync(`USE ${url.searchParams.get('database')}`).catch(() => {});
    for (const name of ['final', 'max_execution_time', 'max_memory_usage', 'readonly']) {
      const value = url.searchParams.get(name);
      if (value !== null) await session.queryAsync(`SET ${name} = ${Number(value)}`);
    }
    const format = url.searchParams.get('default_format') ?? 'TabSeparated';
    return Buffer.from((await session.queryAsync(sql, { format })).bytes());
  } finally {
    session.close();
  }
}

createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const url = new URL(request.url, 'http://shim');
  const body = Buffer.concat(chunks);
  const query = url.searchParams.get('query');
  const before = inTurn;
  let done = () => {};
  inTurn = new Promise((resolve) => {
    done = resolve;
  });
  await before;
  try {
    if (query !== null) {
      await insert(query, body);
      inserts += 1;
      if (faults === 'lose-answers' && inserts % 2 === 1) return request.socket.destroy();
      return response.end();
    }
    return response.end(await select(body.toString(), url));
  } catch (error) {
    return response.writeHead(500, { 'x-clickhouse-exception-code': '1' }).end(String(error.message));
  } finally {
    done();
  }
}).listen(Number(port), '127.0.0.1', function listening() {
  process.stdout.write(`${this.address().port}\n`);
});
