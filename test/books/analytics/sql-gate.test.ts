import { describe, expect, it } from 'vitest';
import { jointOf } from '#books/analytics/formats';
import { checkQuery } from '#books/analytics/sql-gate';

/** Some of the engine's functions; sql-engine.test.ts asks the engine itself. */
const engine = new Set(['count', 'file', 'getsetting', 'showcertificate', 'dictget', 'uniq', 'sum', 'arraymap']);
const check = (sql: string): string | undefined => checkQuery(sql, engine);

const allowed = [
  'SELECT 1',
  'select count() from shares;',
  '  (SELECT 1) UNION ALL (SELECT 2)',
  '-- why\nSELECT 1 /* and */ -- how',
  "WITH 1 AS x SELECT x, 'a;b', \"a;b\", `a;b`, 'INTO OUTFILE', 'it''s', 'a\\'b'",
  'FROM shares SELECT count()',
  'SHOW TABLES',
  'DESCRIBE TABLE shares',
  'DESC sluice.shares',
  'DESCRIBE (SELECT count() FROM shares)',
  'EXPLAIN SELECT uniq(account) FROM shares',
  'EXISTS TABLE shares',
  'SELECT url, path FROM (SELECT 1 AS url, 2 AS path)',
  "SELECT sumIf(work, block), uniqExactMergeState(x), countIf(verdict = 'stale') FILTER (WHERE 1) FROM shares",
  'SELECT quantile(0.9)(latency_us) OVER (PARTITION BY (account)) FROM shares WHERE (1) AND (2) LIMIT (1)',
  'WITH t AS (SELECT 1) SELECT CAST(x AS Decimal(9, 2)), x::DateTime64(3) FROM t JOIN (SELECT 1) USING (x)',
  'SELECT name FROM system.columns',
  'EXPLAIN indexes = 1, actions = 0 SELECT 1',
  'EXPLAIN QUERY TREE (SELECT 1)',
  'SHOW FULL TABLES',
  'SHOW CREATE TABLE shares',
  "SELECT * APPLY(sum), COLUMNS('x') APPLY(y -> y + 1) FROM shares",
  "SELECT '\u{1f4a9}', `\u{e9}` FROM (SELECT 1 AS `\u{e9}`)",
  'SELECT * FROM numbers(3), values(1, 2)',
  'SELECT toUInt8(1.5e3), [1, 2][1], {a: 1}, 1 ? 2 : 3, a::String, -1 % 2',
];

const refused: readonly (readonly [string, RegExp])[] = [
  ['', /empty/],
  [' ; ', /empty/],
  ['SELECT 1; SELECT 2', /one statement/],
  ['DROP TABLE shares', /only SELECT/],
  ['SET readonly = 0', /only SELECT/],
  ['USE system', /only SELECT/],
  ['KILL QUERY WHERE 1', /only SELECT/],
  ['SYSTEM SHUTDOWN', /only SELECT/],
  ["'SELECT' 1", /only SELECT/],
  ["SELECT 1 INTO OUTFILE '/tmp/x'", /INTO is not/],
  ["SELECT 1 into/**/outfile '/tmp/x'", /into is not/],
  ["SELECT 1 INTO\u00a0OUTFILE '/tmp/x'", /character/],
  ["SELECT file('/etc/passwd')", /function file/],
  ["SELECT `file` ('/etc/passwd')", /function file/],
  ['SELECT "file"/* */(\'/etc/passwd\')', /function file/],
  ["SELECT `fi\\x6ce`('/etc/passwd')", /quote/],
  ["SELECT 1file('/etc/passwd')", /number/],
  ["SELECT * FROM S3Cluster('x')", /function S3Cluster/],
  ["SELECT * FROM url('http://127.0.0.1')", /function url/],
  ["SELECT * FROM eval('SELECT 1')", /function eval/],
  ["SELECT * APPLY(file) FROM (SELECT '/etc/passwd' AS x)", /file is a function/],
  ["SELECT * APPLY file FROM (SELECT '/etc/passwd' AS x)", /file is a function/],
  ["SELECT * APPLY(`file`) FROM (SELECT '/etc/passwd' AS x)", /file is a function/],
  ["SELECT arrayMap(FILE, ['/etc/passwd'])", /FILE is a function/],
  ["SELECT (SELECT 1 AS file), arrayMap(file, ['/etc/passwd'])", /file is a function/],
  ["SELECT arrayMap(t.file, ['/etc/passwd'])", /file is a function/],
  ["SELECT newFunction('/etc/passwd')", /function newFunction/],
  ["SELECT * FROM newTable('/etc/passwd')", /function newTable/],
  ["SELECT fileIf('/etc/passwd', 1)", /function fileIf/],
  ['SELECT * FROM system.processes', /system tables/],
  ['SELECT * FROM "system"."users"', /system tables/],
  ['SELECT * FROM system /**/ . /**/ users', /system tables/],
  ['SELECT * FROM INFORMATION_SCHEMA.tables', /system tables/],
  ['SHOW TABLES FROM system', /system tables/],
  ['SHOW PROCESSLIST', /SHOW is allowed/],
  ['SHOW GRANTS', /SHOW is allowed/],
  ['SHOW CREATE USER default', /SHOW is allowed/],
  ['EXPLAIN AST DROP TABLE shares', /EXPLAIN is allowed/],
  ["EXPLAIN PIPELINE INSERT INTO shares (node) VALUES ('x')", /EXPLAIN is allowed/],
  ["WITH 1 AS x INSERT INTO shares (node) SELECT 'x'", /INSERT is not allowed/],
  ['SELECT 1 PARALLEL WITH DROP TABLE shares', /PARALLEL is not allowed/],
  ['SELECT 1 SETTINGS max_memory_usage = 0', /SETTINGS/],
  ["DESCRIBE format(CSV, 'x')", /DESCRIBE/],
  ["DESCRIBE TABLE `x`('y')", /DESCRIBE/],
  ["SELECT 'open", /quote/],
  ['SELECT /* open', /quote|comment/],
  ['SELECT /* /* */ file(1) */', /quote|comment/],
  ["SELECT $a$'$a$", /character/],
  ['SELECT 1 # comment', /character/],
  ['SELECT 1\\G', /character/],
  ['SELECT \u201cx\u201d', /character/],
  ['SELECT 1\u0000', /character/],
  [`SELECT ${'1'.repeat(70_000)}`, /longer/],
];

describe('the gate before SQL', () => {
  it.each(allowed)('lets pass: %s', (sql) => {
    expect(check(sql)).toBeUndefined();
  });

  it.each(refused)('refuses: %s', (sql, reason) => {
    expect(check(sql)).toMatch(reason);
  });

  it('reads long and deep statements', () => {
    const long = `SELECT '${"\\'".repeat(15_000)}', ${'('.repeat(10_000)}${')'.repeat(10_000)} /*${'*'.repeat(5_000)}*/`;
    expect(check(long)).toBeUndefined();
    expect(check(`SELECT '${"\\'".repeat(30_000)}`)).toMatch(/quote/);
  });
});

describe('streaming', () => {
  it.each([
    ['SELECT 1', 'TSV', true],
    ['with 1 as x select x', 'JSONEachRow', true],
    ['SELECT 1', 'Pretty', false],
    ['SELECT 1 FORMAT JSON', 'TSV', false],
    ['SELECT 1 FORMAT CSV;', 'JSON', true],
    ['SHOW TABLES', 'TSV', false],
    ["SELECT 'FORMAT', 1", 'TSV', true],
  ] as const)('%s as %s: %s', (sql, format, streamable) => {
    expect(jointOf({ sql, format }) !== undefined).toBe(streamable);
  });
});
