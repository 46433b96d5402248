import { describe, expect, it } from 'vitest';
import { isStreamable } from '../../src/analytics/formats.ts';
import { checkQuery } from '../../src/analytics/sql-gate.ts';

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
  'SELECT url, file FROM (SELECT 1 AS url, 2 AS file)',
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
  ["SELECT 1 INTO OUTFILE '/tmp/x'", /OUTFILE/],
  ["SELECT 1 into/**/outfile '/tmp/x'", /outfile/],
  ["SELECT 1 INTO\u00a0OUTFILE '/tmp/x'", /character/],
  ["SELECT file('/etc/passwd')", /function file/],
  ["SELECT `file` ('/etc/passwd')", /function file/],
  ['SELECT "file"/* */(\'/etc/passwd\')', /function file/],
  ["SELECT `fi\\x6ce`('/etc/passwd')", /quote/],
  ["SELECT 1file('/etc/passwd')", /number/],
  ["SELECT * FROM S3Cluster('x')", /function S3Cluster/],
  ["SELECT * FROM url('http://127.0.0.1')", /function url/],
  ["SELECT * FROM eval('SELECT 1')", /function eval/],
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
    expect(checkQuery(sql)).toBeUndefined();
  });

  it.each(refused)('refuses: %s', (sql, reason) => {
    expect(checkQuery(sql)).toMatch(reason);
  });

  it('reads long and deep statements', () => {
    const long = `SELECT '${"\\'".repeat(15_000)}', ${'('.repeat(10_000)}${')'.repeat(10_000)} /*${'*'.repeat(5_000)}*/`;
    expect(checkQuery(long)).toBeUndefined();
    expect(checkQuery(`SELECT '${"\\'".repeat(30_000)}`)).toMatch(/quote/);
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
    expect(isStreamable(sql, format)).toBe(streamable);
  });
});
