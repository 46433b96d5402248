import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type AnalyticsOptions, analyticsAvailable } from '#books/analytics/analytics';
import { requestQuery } from '#books/analytics/query-client';
import { SOCKET_FILE } from '#books/analytics/query-server';
import { querySql } from '#books/analytics/query-sql';
import { columnsOf, tables } from '#shares/sharelog/rows/rows';
import { dataFolder, foundBlock, job, judgedShare, NOW_MS } from '../../shares/sharelog/fixtures.ts';
import { openRig, type Rig, someShares, TOTALS_SQL, textOf, totalsOf } from './support.ts';

/** proc(5): the scheduling policy's place in `stat`, of which the first two end with the bracket behind the name. */
const POLICY_FIELD = 41;
const SCHED_IDLE = '5';

let folder: ReturnType<typeof dataFolder>;
let rigs: Rig[] = [];
const rig = async (options: Partial<AnalyticsOptions> = {}): Promise<Rig> => {
  const opened = await openRig(folder.path, options);
  rigs.push(opened);
  return opened;
};

/** Opens an engine in a process of its own, without the gate, and runs `body` for each `sql`. Returns the lines that it prints. */
async function straightToTheEngine(statements: readonly string[], body: string): Promise<string[]> {
  const script = `
    import { openChdb } from ${JSON.stringify(new URL('../../../dist/books/analytics/chdb-warehouse.js', import.meta.url).href)};
    const warehouse = await openChdb(process.argv[1]);
    await warehouse.command('CREATE DATABASE IF NOT EXISTS sluice');
    for (const sql of JSON.parse(process.argv[2])) { ${body} }
    process.kill(process.pid, 'SIGKILL');`;
  const args = ['--input-type=module', '-e', script, folder.path, JSON.stringify(statements)];
  const engine = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  return (await text(engine.stdout)).trim().split('\n');
}

/** Sends a query on the socket, and resolves, when the server has it, with what closes the connection. */
function askAndGo(path: string, sql: string, format: string): Promise<() => void> {
  return new Promise((resolve) => {
    const sent = request({ socketPath: join(path, SOCKET_FILE), path: `/?format=${format}`, method: 'POST' });
    sent.on('error', () => {});
    sent.once('information', () => resolve(() => sent.destroy()));
    sent.end(sql);
  });
}

beforeEach(() => {
  folder = dataFolder();
  rigs = [];
});
afterEach(async () => {
  await Promise.all(rigs.map((opened) => opened.close()));
  await folder.remove();
});

const guide = readFileSync(new URL('../../../src/books/analytics/README.md', import.meta.url), 'utf8');

describe('the embedded ClickHouse', () => {
  it('has every column of a share, a job and a block as it was logged', async () => {
    const { log, commit, analytics } = await rig();
    log.job(job);
    log.candidate(foundBlock());
    log.outcome(foundBlock(), { status: 'orphaned', reason: 'inconclusive' });
    const hostile = "',\t\\N\n\u0000<b>\u{1f4a9}";
    await commit([judgedShare({ block: true, worker: { name: 'x', account: 'bcrt1qminer', rig: hostile } })]);
    const read = (table: string): Promise<unknown> =>
      textOf(analytics.query(`SELECT * FROM ${table}`, 'JSONEachRow')).then((line) => JSON.parse(line));
    expect(await read('shares')).toEqual({
      time: '2026-01-02 03:04:05.678',
      node: 'pool-1',
      account: 'bcrt1qminer',
      worker: hostile,
      session: 7,
      job_id: '0000100001',
      height: 812,
      difficulty: 1024,
      work: 2 ** 42,
      share_difficulty: 2048.5,
      verdict: 'accepted',
      block: true,
      extranonce1: '000aff01',
      extranonce2: '0000000000000001',
      ntime: 1_767_323_046,
      nonce: 0xdeadbeef,
      version: 0x20002000,
      job_variant: 3,
      remote_ip: '192.0.2.7',
      user_agent: 'cgminer/4.12.0',
      latency_us: 321,
      coinb2: '',
    });
    expect(await read('jobs')).toMatchObject({
      job_id: '0000100001',
      previous_hash: '1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100',
      merkle_branch: ['11'.repeat(32), 'fe'.repeat(32)],
      coinb1: '01000000ab0000',
      clean: true,
    });
    // One row: the block's earlier state is not shown.
    expect(await read('blocks')).toMatchObject({ hash: foundBlock().hash, status: 'orphaned', reason: 'inconclusive' });
  });

  it('finds the share of a block by the guide’s query', async () => {
    const { log, commit, one } = await rig();
    log.job(job);
    log.candidate(foundBlock());
    const others = [{ nonce: 1 }, { extranonce2: '0000000000000002' }, { ntime: 1_767_323_047 }].map((share) =>
      judgedShare({ block: true, share }),
    );
    await commit([...others, judgedShare({ block: true, variant: 4 }), judgedShare({ block: true, receivedMs: 1000 })]);
    const [query = ''] = /SELECT b\.hash[\s\S]*?ORDER BY s\.time/.exec(guide) ?? [];
    expect(await one(query)).toBe(`${foundBlock().hash}\t1970-01-01 00:00:01.000\tbcrt1qminer\t${2n ** 42n}`);
  });

  it('gives back a share’s header hash by the guide’s query', async () => {
    const [query = ''] = /^ {4}SELECT s\.worker, lower\(hex\([\s\S]*?\n\n/m.exec(guide) ?? [];
    const { log, commit, one } = await rig();
    log.job(job);
    await commit([judgedShare({ receivedMs: Date.now() })]);
    const sha256d = (...parts: readonly Uint8Array[]): Buffer => {
      const once = createHash('sha256').update(Buffer.concat(parts)).digest();
      return createHash('sha256').update(once).digest();
    };
    const u32 = (value: number): Buffer => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(value);
      return bytes;
    };
    const coinbase = [
      job.coinb1,
      Buffer.from('0003', 'hex'),
      Buffer.from('000aff01', 'hex'),
      Buffer.from('0000000000000001', 'hex'),
      job.coinb2,
    ];
    const root = job.merkleBranch.reduce<Uint8Array>((hash, sibling) => sha256d(hash, sibling), sha256d(...coinbase));
    const times = [u32(1_767_323_046), u32(job.bits), u32(0xdeadbeef)];
    const hash = sha256d(u32(0x20002000), job.previousHash, root, ...times).reverse();
    expect(await one(query)).toBe(`rig1\t${hash.toString('hex')}`);
  });

  it('has the columns that the log writes, with the same types', async () => {
    const { one } = await rig();
    for (const table of tables) {
      const columns = columnsOf[table];
      const described = await one(`SELECT name, type FROM system.columns WHERE table = '${table}' ORDER BY name`);
      const expected = columns.map(([name, type]) => `${name}\t${type.replaceAll("'", "\\'")}`).toSorted();
      expect(described.split('\n')).toEqual(expected);
    }
  });

  it.each(['pool{a,b}', 'pool{1..3}', '{main}', 'a*?[b]', 'x.zip :: y', "it's %20 \\ #1?a=b"])(
    'takes shares in a data folder called %s',
    async (name) => {
      const data = join(folder.path, name);
      mkdirSync(data);
      const opened = await openRig(data);
      rigs.push(opened);
      await opened.commit(someShares(0, 30));
      expect(await opened.one(TOTALS_SQL)).toBe(totalsOf(30));
    },
  );

  it('says so when rows that it had confirmed are gone', async () => {
    const first = await rig();
    await first.commit(someShares(0, 300));
    const uuid = await first.one("SELECT uuid FROM system.tables WHERE database = 'sluice' AND name = 'shares'");
    await first.close();
    const table = join(folder.path, 'chdb/store', uuid.slice(0, 3), uuid);
    for (const part of readdirSync(table).filter((name) => name.startsWith('2026'))) {
      truncateSync(join(table, part, 'data.bin'), 10);
    }
    const second = await rig();
    await second.commit(someShares(300, 30));
    expect(await second.one('SELECT count() FROM shares')).toBe('30');
    await expect.poll(() => second.analytics.status().missingRows).toBe(300);
    expect(second.lines.join()).toContain('ClickHouse has lost rows that it had confirmed');
    expect(second.lines.join()).toContain('damaged parts of a table');
  });

  it('answers a query with everything that was acknowledged before it', async () => {
    const { commit, one } = await rig();
    for (let shares = 0; shares < 500; shares += 100) {
      await commit(someShares(shares, 100));
      expect(await one(TOTALS_SQL)).toBe(totalsOf(shares + 100));
    }
  });

  it('lets the log delete what has arrived, and says how far it is', async () => {
    const { log, commit, analytics } = await rig();
    await commit(someShares(0, 1000));
    await expect.poll(() => log.status().keptRows).toBe(0);
    await expect
      .poll(() => analytics.status())
      .toMatchObject({
        mode: 'embedded',
        healthy: true,
        reason: '',
        lagRows: 0,
        shippedRows: 1000,
      });
  });

  it('keeps rows of one worker and minute together in the rollups', async () => {
    const { commit, one } = await rig();
    const at = (receivedMs: number, rig: string): ReturnType<typeof judgedShare> =>
      judgedShare({ receivedMs, worker: { name: rig, account: 'a', rig } });
    await commit([at(NOW_MS, 'x'), at(NOW_MS + 50_000, 'x'), at(NOW_MS + 60_000, 'x'), at(NOW_MS, 'y')]);
    expect(await one('SELECT time, worker, accepted, work FROM hashrate_1m ORDER BY ALL')).toBe(
      [
        `2026-01-02 03:04:00\tx\t2\t${2n ** 43n}`,
        `2026-01-02 03:04:00\ty\t1\t${2n ** 42n}`,
        `2026-01-02 03:05:00\tx\t1\t${2n ** 42n}`,
      ].join('\n'),
    );
    expect(await one('SELECT time, worker, accepted FROM hashrate_1h ORDER BY ALL')).toBe(
      '2026-01-02 03:00:00\tx\t3\n2026-01-02 03:00:00\ty\t1',
    );
  });
});

describe('its process', () => {
  it.each(['serves', 'hangs'])(
    'that %s ends with a pool that is killed, and the next pool’s takes over with what was acknowledged',
    async (state) => {
      const script = fileURLToPath(new URL('pool-process.mjs', import.meta.url));
      const pool = spawn(process.execPath, [script, folder.path], { stdio: ['ignore', 'pipe', 'inherit'] });
      const exited = once(pool, 'exit');
      const [pid] = (await once(pool.stdout, 'data')) as [Buffer];
      if (state === 'hangs') process.kill(Number(pid.toString()), 'SIGSTOP');
      pool.kill('SIGKILL');
      await exited;
      // The first child would hold the folder's lock for as long as it lived.
      const { one, analytics } = await rig();
      expect(analytics.status()).toMatchObject({ reason: '', restarts: 0 });
      expect(await one('SELECT node, worker FROM shares')).toBe('killed\twho');
    },
  );

  it('is killed where it hangs, and started again', async () => {
    const { analytics, commit, one, lines } = await rig({ hungSecondsMax: 10 });
    const { pid } = analytics.status();
    if (pid === undefined) throw new Error('no child runs');
    process.kill(pid, 'SIGSTOP');
    await commit(someShares(0, 300));
    await expect.poll(() => analytics.status().restarts).toBeGreaterThan(0);
    expect(lines).toContain('the analytics process hangs; it is killed');
    await expect.poll(() => analytics.status().healthy).toBe(true);
    expect(await one(TOTALS_SQL)).toBe(totalsOf(300));
  });

  it('takes no more than its turn: the pool’s processes come first', { timeout: 120_000 }, async () => {
    const { analytics, commit, one } = await rig();
    await commit(someShares(0, 10));
    expect(await one('SELECT count() FROM shares')).toBe('10');
    // Every thread: those of ClickHouse do its work. (MemoryWorker sets its own nice value.)
    const { pid } = analytics.status();
    const threads = (): readonly string[] => readdirSync(`/proc/${pid}/task`);
    const nameOf = (thread: string): string => readFileSync(`/proc/${pid}/task/${thread}/comm`, 'utf8').trim();
    const eager = (): readonly string[] =>
      threads().filter((thread) => nameOf(thread) !== 'MemoryWorker' && getPriority(Number(thread)) !== 19);
    // On a busy machine it may have starved, and has a turn for some seconds more.
    const untilIdle = { timeout: 45_000 };
    await expect.poll(eager, untilIdle).toEqual([]);
    // As soon as it serves, and what is started later as well.
    const policyOf = (thread: string): string | undefined =>
      readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[POLICY_FIELD - 3];
    const busy = (): readonly string[] => threads().filter((thread) => policyOf(thread) !== SCHED_IDLE);
    await expect.poll(busy, untilIdle).toEqual([]);
    expect(await one('SELECT count() FROM numbers_mt(1000000)')).toBe('1000000');
    await expect.poll(busy, untilIdle).toEqual([]);
  });

  it('gets its turn on a core that another program takes whole', { timeout: 120_000 }, async () => {
    const { analytics, commit, one } = await rig();
    await commit(someShares(0, 10));
    const { pid } = analytics.status();
    // As soon as it is under the idle policy, which needs no turn before.
    const policyOf = (): string | undefined =>
      readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[POLICY_FIELD - 3];
    await expect.poll(policyOf).toBe(SCHED_IDLE);
    const busy = spawn('taskset', ['-c', '0', process.execPath, '-e', 'for (;;);'], { stdio: 'ignore' });
    try {
      execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', '0', String(pid)], { stdio: 'ignore' });
      // About half a second's work: three minutes of what the idle policy leaves it.
      expect(await one('SELECT count() FROM numbers(40000000) WHERE NOT ignore(sipHash64(number))')).toBe('40000000');
      expect(analytics.status()).toMatchObject({ restarts: 0, reason: '' });
    } finally {
      busy.kill('SIGKILL');
    }
    // Nothing waits any more: it comes last again.
    await expect.poll(policyOf, { timeout: 60_000 }).toBe(SCHED_IDLE);
  });

  it('shows no password of a server in a command line', async () => {
    const { analytics } = await rig({ url: 'http://writer:s3cret-of-the-server@127.0.0.1:9/sluice' });
    const commandLine = readFileSync(`/proc/${analytics.status().pid}/cmdline`, 'utf8');
    expect(commandLine).toContain('analytics-child');
    expect(commandLine).not.toContain('s3cret');
  });

  it('is not started where there is no ClickHouse to be had', async () => {
    vi.stubEnv('CHDB_LIBCHDB_PATH', join(folder.path, 'none'));
    try {
      expect(analyticsAvailable()).toBe(false);
      expect(analyticsAvailable('http://127.0.0.1:8123')).toBe(true);
      const { analytics, lines } = await rig();
      expect(lines).toEqual([expect.stringMatching(/analytics is off/)]);
      expect(analytics.status()).toMatchObject({ mode: 'off', healthy: false, pid: undefined });
      await expect(analytics.query('SELECT 1', 'TSV')).rejects.toThrow(/clickhouse\.url/);
      await expect(querySql({ folder: folder.path }, 'SELECT 1', 'TSV')).rejects.toThrow(/clickhouse\.url/);
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

describe('its SQL', () => {
  it('comes in every format, streamed or not', async () => {
    const { analytics } = await rig();
    const read = (format: string, sql = 'SELECT number AS n FROM numbers(200000)'): Promise<string> =>
      textOf(analytics.query(sql, format));
    const lines = Array.from({ length: 200_000 }, (_, i) => i);
    expect(await read('TSV')).toBe(`${lines.join('\n')}\n`);
    expect(await read('CSVWithNames')).toBe(`"n"\n${lines.join('\n')}\n`);
    expect(JSON.parse(await read('JSON')).rows).toBe(200_000);
    expect(JSON.parse(await read('TSV', 'SELECT number AS n FROM numbers(100000) FORMAT JSON')).rows).toBe(100_000);
    expect(await read('Pretty', 'SELECT 1 AS one')).toContain('one');
    expect(await read('TSV', 'SHOW TABLES')).toContain('shares\n');
    expect(await read('TSV', 'DESCRIBE shares')).toContain('share_difficulty');
  });

  it('is refused where it could write, read files or change settings, in words for the user', async () => {
    const { analytics, one } = await rig();
    const target = join(folder.path, 'out');
    for (const [sql, reason] of [
      ['DROP TABLE shares', /only SELECT/],
      ["INSERT INTO shares (node) VALUES ('x')", /only SELECT/],
      [`SELECT 1 INTO OUTFILE '${target}'`, /INTO is not allowed/],
      ["SELECT file('/etc/passwd')", /function file is not allowed/],
      ["SELECT * FROM file('/etc/passwd', 'LineAsString')", /not allowed/],
      ['SELECT 1 SETTINGS readonly = 0', /SETTINGS are not allowed/],
      ['SELECT frm', /frm/],
    ] as const) {
      await expect(analytics.query(sql, 'TSV'), sql).rejects.toThrow(reason);
    }
    expect(() => statSync(target)).toThrow(/ENOENT/);
    await expect(analytics.query('SELECT 1', "TSV' --")).rejects.toThrow(/format/);
    expect(await one('SELECT 1')).toBe('1');
  });

  it('is served on a socket for its owner alone', async () => {
    await rig();
    expect(statSync(join(folder.path, 'analytics.sock')).mode & 0o777).toBe(0o600);
  });

  it('keeps its files for its owner alone, in a folder of an earlier version as well', async () => {
    mkdirSync(join(folder.path, 'chdb'), { mode: 0o755 });
    const { commit, one } = await rig();
    await commit(someShares(0, 3));
    expect(await one('SELECT count() FROM shares')).toBe('3');
    expect(statSync(join(folder.path, 'chdb')).mode & 0o077).toBe(0);
    const modes = (): [string, number][] =>
      readdirSync(folder.path, { recursive: true, encoding: 'utf8' })
        .filter((name) => /^(chdb|analytics)/.test(name))
        .flatMap((name) => {
          const found = statSync(join(folder.path, name), { throwIfNoEntry: false });
          return found ? [[found.isDirectory() ? `${name}/` : name, found.mode & 0o777]] : [];
        });
    // Looked at again where ClickHouse moves its folders meanwhile.
    await expect.poll(() => modes().filter(([, mode]) => (mode & 0o077) !== 0)).toEqual([]);
    // And lets the owner in: a mask that is only right for files, while ClickHouse made its folders, would not.
    await expect.poll(() => modes().filter(([name, mode]) => name.endsWith('/') && mode !== 0o700)).toEqual([]);
  });

  it('says what is wrong where nobody answers, or nobody may ask', async () => {
    const silent = createServer(() => {});
    const socket = join(folder.path, 'analytics.sock');
    await new Promise<void>((resolve) => silent.listen(socket, resolve));
    await expect(requestQuery(folder.path, 'SELECT 1', 'TSV', { answerMsMax: 50 })).rejects.toThrow(/does not answer/);
    chmodSync(socket, 0);
    const root = process.geteuid?.() === 0;
    // Whom no mode keeps out.
    if (root) process.seteuid?.(65_534);
    try {
      await expect(requestQuery(folder.path, 'SELECT 1', 'TSV')).rejects.toThrow(/as the user who runs the pool/);
    } finally {
      if (root) process.seteuid?.(0);
      silent.close();
      silent.closeAllConnections();
    }
  });

  it('ends a query in the engine when its client has gone, streamed or not', async () => {
    const { analytics, one } = await rig();
    const endless = 'SELECT count() FROM system.numbers';
    for (const format of ['TSV', 'Pretty']) {
      // More than run at a time: each of them holds a turn, or waits for one.
      const asked = [1, 2, 3].map(() => askAndGo(folder.path, endless, format));
      for (const go of await Promise.all(asked)) go();
      expect(await one('SELECT 1')).toBe('1');
    }
    expect(analytics.status().restarts).toBe(0);
  });

  it('gives a result of more than 256 MiB whole, however slowly it is read', async () => {
    const { analytics, one } = await rig();
    const large = await analytics.query('SELECT number FROM numbers(40000000)', 'TSV');
    await once(large, 'readable');
    // While its reader takes nothing it has no turn, nor has another such.
    const slow = await analytics.query('SELECT number FROM numbers(40000000)', 'TSV');
    expect(await one('SELECT 1')).toBe('1');
    slow.destroy();
    let bytes = 0;
    for await (const chunk of large) bytes += chunk.length;
    expect(bytes).toBe(348_888_890);
  });

  it('says that a result is cut off, and why', async () => {
    const { analytics } = await rig();
    const broken = await analytics.query(
      "SELECT throwIf(number = 5000000, 'these words') FROM numbers(10000000)",
      'TSV',
    );
    await expect(text(broken)).rejects.toThrow(/cut off.*these words/);
    const killed = await analytics.query('SELECT number FROM numbers(100000000)', 'TSV');
    process.kill(analytics.status().pid ?? 0, 'SIGKILL');
    await expect(text(killed)).rejects.toThrow(/cut off.*has ended/);
  });

  it('keeps its walls where the gate has a hole: no files, no servers, no writing, no other tables', async () => {
    const walled = [
      "SELECT * FROM file('/etc/passwd', 'LineAsString')",
      "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
      "SELECT * FROM remote('127.0.0.1:1', system.one)",
      "SELECT * FROM s3('http://127.0.0.1:1/bucket/x', 'LineAsString')",
      "SELECT * FROM mysql('127.0.0.1:1', 'd', 't', 'u', 'p')",
      "SELECT * FROM executable('id', 'TSV', 'a String')",
      'SELECT * FROM system.users',
      'CREATE TABLE sluice.x (a Int8) ENGINE = Memory',
    ];
    const reasons = await straightToTheEngine(
      walled,
      `const reason = await warehouse.query({ sql, format: 'TSV' }, new AbortController().signal).then(() => 'passed', (e) => e.message);
       console.log(JSON.stringify(reason));`,
    );
    expect(reasons).toHaveLength(walled.length);
    for (const reason of reasons) expect(reason).toMatch(/Not enough privileges|readonly/);
  });

  it('kills no query that has ended, also one that the engine refused at once or that nobody read', async () => {
    const ways = [
      'SELECT nothing_of_that_name',
      'SELECT @@nothing_of_that_name',
      'SELECT 1 FROM (SELECT',
      "SELECT throwIf(number = 1, 'these words') FROM numbers(2)",
      'SHOW TABLES',
      'SELECT 1',
      'SELECT 1 WHERE 0',
    ];
    // A client that goes away has the engine end its query, again and again until the query has ended.
    const timers = await straightToTheEngine(
      ways,
      `const client = new AbortController();
       const stream = await warehouse.query({ sql, format: 'TSV' }, client.signal).catch(() => undefined);
       if (stream) await new Promise((resolve) => stream.once('close', resolve).destroy());
       client.abort();
       console.log(process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length);`,
    );
    expect(timers).toEqual(ways.map(() => '0'));
  });

  it('survives a client that goes away and queries that fail half-way', async () => {
    const { analytics, one } = await rig();
    const stream = await analytics.query('SELECT number FROM numbers(100000000)', 'TSV');
    stream.destroy();
    const broken = await analytics.query('SELECT throwIf(number = 5000000) FROM numbers(10000000)', 'TSV');
    await expect(text(broken)).rejects.toThrow();
    const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => one(`SELECT ${i}`)));
    expect(answers).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
  });

  it('works in a folder whose path is too long for a socket', async () => {
    const long = join(folder.path, 'd'.repeat(120));
    mkdirSync(long);
    const { one } = await rig({ folder: long });
    expect(await one('SELECT 1')).toBe('1');
  });

  it('works on a stopped pool, with what its log still held', async () => {
    const first = await rig();
    await first.commit(someShares(0, 300));
    await first.analytics.close();
    await first.commit(someShares(300, 300));
    await first.log.close();
    const options = { folder: folder.path };
    expect(await textOf(querySql(options, TOTALS_SQL, 'TSV'))).toBe(`${totalsOf(600)}\n`);
    expect(await textOf(querySql(options, 'SELECT count() FROM shares', 'JSONEachRow'))).toBe('{"count()":600}\n');
    await expect(querySql(options, 'DROP TABLE shares', 'TSV')).rejects.toThrow(/only SELECT/);
    // Several at once wait for one another: the end of one ends no other.
    const many = Array.from({ length: 4 }, (_, i) => textOf(querySql(options, `SELECT ${i}, sleep(${i % 2})`, 'TSV')));
    expect(await Promise.all(many)).toEqual(['0\t0\n', '1\t0\n', '2\t0\n', '3\t0\n']);
    // Another user's ClickHouse would write what the pool's could not read.
    const someone = vi.spyOn(process, 'geteuid').mockReturnValue(12_345);
    await expect(querySql(options, 'SELECT 1', 'TSV')).rejects.toThrow(/as the user who runs the pool/);
    someone.mockRestore();
    await expect(querySql({ folder: join(folder.path, 'none') }, 'SELECT 1', 'TSV')).rejects.toThrow(/no data folder/);
    const second = await rig();
    expect(await textOf(querySql(options, TOTALS_SQL, 'TSV'))).toBe(`${totalsOf(600)}\n`);
    await expect.poll(() => second.log.status().keptRows).toBe(0);
  });

  it('can not be used after close, which can be repeated', async () => {
    const { analytics } = await rig();
    await Promise.all([analytics.close(), analytics.close()]);
    await expect(analytics.query('SELECT 1', 'TSV')).rejects.toThrow(/after close/);
  });
});
