import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkWhole } from '#books/analytics/query-check';
import { askQuery } from '#books/analytics/query-client';
import { checkQuery } from '#books/analytics/sql-gate';
import { openRig, type Rig, textOf } from '../books/analytics/support.ts';
import { dataFolder } from '../shares/sharelog/fixtures.ts';
import { fuzz, fuzzMsMax } from './runs.ts';

/** Stands in a file, and is what a connection to the port would bring: no statement's result may hold it. */
const CANARY = 'canary-4f1c';

let folder: ReturnType<typeof dataFolder>;
let rig: Rig;
let server: Server;
let connections = 0;
let path = '';
let url = '';
/** What the engine knows, in lower case. */
let engineFunctions: ReadonlySet<string> = new Set();

beforeAll(async () => {
  folder = dataFolder();
  path = join(folder.path, 'canary.txt');
  writeFileSync(path, `${CANARY}\n`);
  server = createServer((socket) => {
    connections += 1;
    socket.end(`HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n${CANARY}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x`;
  rig = await openRig(folder.path);
  const names = await textOf(rig.analytics.query('SELECT DISTINCT lower(name) FROM system.functions', 'TSV'));
  engineFunctions = new Set(names.trim().split('\n'));
}, 120_000);

afterAll(async () => {
  await rig.close();
  server.close();
  await folder.remove();
});

/** Functions and table functions that reach a file, a server or a secret, and some that the engine may get. */
const REACHING = [
  'file fileCluster filesystem url urlCluster remote remoteSecure cluster clusterAllReplicas s3 s3Cluster gcs hdfs azureBlobStorage',
  'mysql postgresql mongodb redis sqlite odbc jdbc executable input python eval dictionary loop merge mergeTreeIndex format',
  'icebergLocal deltaLakeLocal paimonLocal icebergS3 arrowstream ytsaurus prometheusQuery timeSeriesData viewExplain viewIfPermitted',
  'dictGet dictGetString joinGet getServerSetting getSetting getMacro showCertificate catboostEvaluate evalMLMethod addressToLine',
  'structureToCapnProtoSchema aiGenerate fuzzQuery generateRandom getClientHTTPHeader hostName fileIf urlState newFunctionOfThem',
].flatMap((line) => line.split(' '));

/** A name as it may be spelt. */
const spelt = fc.tuple(fc.constantFrom(...REACHING), fc.nat(9)).map(([name, way]) => {
  if (way === 0) return name.toUpperCase();
  if (way === 1) return `\`${name}\``;
  if (way === 2) return `"${name}"`;
  if (way === 3) return `${name}/* */`;
  if (way === 4) return `${name} -- \n`;
  if (way === 5) return `\`${name.slice(0, 1)}\\x${name.charCodeAt(1).toString(16)}${name.slice(2)}\``;
  if (way === 6) return `system.${name}`;
  return name;
});

/** `F`: a name; `A`: arguments for it; `P`: where the canary is. */
const POSITIONS = `
  SELECT F(A)
  SELECT * FROM F(A)
  FROM F(A) SELECT *
  SELECT * APPLY(F) FROM (SELECT P AS x)
  SELECT * APPLY F FROM (SELECT P AS x)
  SELECT * APPLY(F, '') FROM (SELECT P AS x)
  SELECT COLUMNS('x') APPLY(F) FROM (SELECT P AS x)
  SELECT t.* APPLY(lower) APPLY(F) FROM (SELECT P AS x) AS t
  SELECT * EXCEPT (y) APPLY(y -> F(y)) FROM (SELECT P AS x, 1 AS y)
  SELECT * REPLACE(F(A) AS x) FROM (SELECT P AS x)
  SELECT arrayMap(F, [P])
  SELECT arrayMap((F), [P])
  SELECT arrayFilter(F, [P])
  SELECT arrayFold(F, [P], '')
  SELECT arrayMap(x -> F(x), [P])
  SELECT mapApply((k, v) -> (k, F(v)), map('a', P))
  SELECT arrayReduce('F', [P])
  SELECT initializeAggregation('F', P)
  WITH F AS f SELECT arrayMap(f, [P])
  WITH (x -> F(x)) AS g SELECT g(P)
  WITH F AS (SELECT P AS x) SELECT * FROM F
  WITH t AS (SELECT F(A)) SELECT * FROM t
  SELECT (SELECT 1 AS F), arrayMap(F, [P])
  SELECT P AS F, arrayMap(F, [F])
  SELECT tuple(F)(P)
  SELECT F(A)(A)
  SELECT F.1 FROM (SELECT P AS x)
  SELECT F FROM (SELECT P AS x)
  SELECT {F:String}
  SELECT {F:Identifier}(A)
  SELECT @@F
  SELECT CAST(F(A) AS String)
  SELECT F(A)::String
  SELECT CASE WHEN F(A) = '' THEN 1 ELSE 2 END
  SELECT sumIf(1, F(A) = '') FROM numbers(2)
  SELECT sum(1) OVER (ORDER BY F(A)) FROM numbers(2)
  SELECT count() FILTER (WHERE F(A) = '') FROM numbers(2)
  SELECT 1 WHERE P IN F(A)
  SELECT 1 WHERE P IN (SELECT F(A))
  SELECT 1 WHERE P IN F
  SELECT 1 FROM numbers(1) WHERE F(A) != ''
  SELECT 1 FROM numbers(1) GROUP BY F(A)
  SELECT 1 FROM numbers(1) GROUP BY 1 HAVING F(A) != ''
  SELECT number FROM numbers(2) ORDER BY F(A)
  SELECT number FROM numbers(2) ORDER BY number WITH FILL INTERPOLATE (number AS F(A))
  SELECT number FROM numbers(2) LIMIT 1 BY F(A)
  SELECT y FROM numbers(1) ARRAY JOIN arrayMap(F, [P]) AS y
  SELECT * FROM numbers(1) AS n JOIN F(A) AS t ON 1
  SELECT * FROM numbers(1), F(A)
  SELECT 1 UNION ALL SELECT F(A)
  SELECT 1 EXCEPT SELECT * FROM F(A)
  SELECT * FROM view(SELECT F(A))
  SELECT * FROM values('x String', F(A))
  SELECT * FROM default.F
  SELECT * FROM F
  SELECT * FROM P
  SELECT * FROM Q
  SELECT * FROM default.Q
  DESCRIBE F(A)
  DESCRIBE TABLE F(A)
  DESCRIBE (SELECT F(A))
  DESC F
  EXISTS TABLE F
  EXISTS (SELECT F(A))
  SHOW TABLES LIKE F(A)
  SHOW CREATE TABLE F
  SHOW CREATE DATABASE F
  EXPLAIN SELECT F(A)
  EXPLAIN PLAN actions = 1 SELECT * FROM F(A)
  EXPLAIN SYNTAX SELECT * APPLY(F) FROM (SELECT P AS x)
  EXPLAIN ESTIMATE SELECT * FROM F(A)
  EXPLAIN AST INSERT INTO FUNCTION F(A) SELECT 1
  EXPLAIN TABLE OVERRIDE F(A) COLUMNS (x String)
  WITH 1 AS x INSERT INTO FUNCTION F(A) SELECT 1
  SELECT 1 INTO OUTFILE P
  SELECT 1 FORMAT F
  SELECT 1 SETTINGS F = 1
  SELECT 1 PARALLEL WITH DROP TABLE F
  SELECT * FROM system.F
  SELECT * FROM "system"."F"
`
  .split('\n')
  .map((line) => line.trim())
  .filter((line) => line !== '');

const AROUND = [
  'S',
  'S',
  'S',
  '(S)',
  'SELECT * FROM (S)',
  'WITH q AS (S) SELECT * FROM q',
  'EXPLAIN S',
  '-- x\nS',
  '/* x */ S',
  'SELECT 1; S',
  'S;',
  'SELECT (S)',
  'SELECT * FROM shares WHERE account IN (S)',
  'S UNION ALL S',
];

const statement = fc
  .record({
    name: spelt,
    position: fc.constantFrom(...POSITIONS),
    around: fc.array(fc.constantFrom(...AROUND), { maxLength: 2 }),
    argument: fc.nat(4),
    cut: fc.option(fc.nat(200), { freq: 20 }),
  })
  .map(({ name, position, around, argument, cut }) => (): string => {
    const where = `'${argument % 2 === 0 ? path : url}'`;
    const all = [
      where,
      `${where}, 'LineAsString'`,
      `${where}, 'LineAsString', 'x String'`,
      `'127.0.0.1:1', 'a', 'b', 'c', 'd'`,
      '',
    ];
    const values: Readonly<Record<string, string>> = {
      F: name,
      A: all[argument] ?? '',
      P: where,
      Q: where.replaceAll("'", '`'),
    };
    const inner = position.replace(/(?<![A-Za-z])[FAPQ](?![A-Za-z])/g, (letter) => values[letter] ?? '');
    const sql = around.reduce((text, frame) => frame.replaceAll(/(?<![A-Za-z])S(?![A-Za-z])/g, () => text), inner);
    // Numbers without an argument have no end, and neither has the query: a streamed result may take any time.
    return cut === null ? sql : (sql.slice(0, cut) + sql.slice(cut + 1)).replaceAll('numbers()', 'numbers(1)');
  });

describe('SQL with a forbidden name in every position', () => {
  it('reads no canary file and reaches no canary port', { timeout: fuzzMsMax }, async () => {
    expect(engineFunctions.has('file')).toBe(true);
    let [passed, refused] = [0, 0];
    await fc.assert(
      fc.asyncProperty(statement, async (make) => {
        const sql = make();
        if (checkQuery(sql, engineFunctions) !== undefined) {
          refused += 1;
          return;
        }
        passed += 1;
        const answer = await textOf(rig.analytics.query(sql, 'TSV')).catch((error: unknown) => String(error));
        expect(answer.includes(CANARY), sql).toBe(false);
        expect(connections, sql).toBe(0);
      }),
      fuzz(400, 20),
    );
    // Statements of both kinds: the engine's walls are tried as well as the gate.
    expect(Math.min(passed, refused)).toBeGreaterThan(0);
  });
});

describe('SQL with a forbidden name in a parameter', () => {
  const FORMS = [
    '{p:Identifier}',
    '{p: Identifier}',
    '{`p`:Identifier}',
    '{p:/**/Identifier}',
    '{p:String}',
    '{p:`Identifier`}',
  ];
  const query = fc
    .record({
      form: fc.constantFrom(...FORMS),
      position: fc.constantFrom(
        'SELECT arrayMap(P, [W])',
        'SELECT arrayFilter(P, [W])',
        'SELECT * FROM P',
        'SELECT * FROM P.P',
        'SELECT * FROM sluice.P',
        'SELECT P(W)',
        'SELECT * FROM P(W)',
        'SELECT * APPLY(P) FROM (SELECT W AS x)',
        'SELECT P FROM (SELECT W AS x)',
        'SELECT x AS P, arrayMap(P, [W]) FROM (SELECT W AS x)',
        'WITH P AS f SELECT arrayMap(f, [W])',
        'SELECT * FROM view(SELECT P)',
      ),
      value: fc.oneof(spelt, fc.constantFrom('system.users', 'system', 'shares', 'a.b.c', 'file(1)', "'x'", '', 'x y')),
      where: fc.boolean(),
      setting: fc.option(fc.constantFrom('additional_result_filter', 'limit', 'format_schema', 'readonly'), {
        freq: 3,
      }),
    })
    .map(({ form, position, value, where, setting }) => () => ({
      sql: position.replaceAll('P', form).replaceAll('W', `'${where ? path : url}'`),
      format: 'TSV',
      parameters: { p: value },
      settings: setting === null ? {} : { [setting]: where ? '0' : `file('${path}')` },
    }));

  it('reads no canary file and reaches no canary port by a parameter or a setting', {
    timeout: fuzzMsMax,
  }, async () => {
    let [passed, refused] = [0, 0];
    await fc.assert(
      fc.asyncProperty(query, async (make) => {
        const asked = make();
        if (checkWhole(asked, 'sluice', engineFunctions) === undefined) passed += 1;
        else refused += 1;
        const answer = await textOf(askQuery(folder.path, asked).then(({ body }) => body)).catch(String);
        expect(answer.includes(CANARY), JSON.stringify(asked)).toBe(false);
        expect(connections, JSON.stringify(asked)).toBe(0);
      }),
      fuzz(400, 20),
    );
    expect(Math.min(passed, refused)).toBeGreaterThan(0);
  });
});
