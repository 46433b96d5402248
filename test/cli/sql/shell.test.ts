import { existsSync, mkdtempSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitCodes } from '#cli/io';
import { run } from '#cli/program';
import { fittedTable } from '#cli/sql/fitted-table';
import { readEntry } from '#cli/sql/statement';
import { openRig, type Rig, someShares } from '../../books/analytics/support.ts';
import { removeFolder } from '../../support/remove-folder.ts';
import { FakeIo } from '../harness.ts';

describe('what is entered at the prompt of SQL', () => {
  it.each([
    ['SELECT 1;', 'query'],
    ['SELECT 1', 'open'],
    ["SELECT ';", 'open'],
    ["SELECT ';'\n;", 'query'],
    ['SELECT 1 -- ;', 'open'],
    ['SELECT /* ; */ 1; -- so', 'query'],
    ['SELECT `a;', 'open'],
    ['', 'nothing'],
    [' ;', 'nothing'],
    ['\\q', 'quit'],
    ['exit', 'quit'],
    ['\\?', 'help'],
    ['\\nonsense', 'unknown'],
    ['\\d', 'query'],
  ] as const)('%j is: %s', (text, kind) => {
    expect(readEntry(text).kind).toBe(kind);
  });

  it('names a table in \\d as a text that can hold nothing else', () => {
    const entry = readEntry("\\d sluice.sha'res`;");
    expect(entry).toMatchObject({ kind: 'query', sql: expect.stringContaining("table = 'shares'") });
  });
});

describe('a table that fits', () => {
  const result = {
    names: ['worker', 'shares', 'agent'],
    types: ['String', 'UInt64', 'LowCardinality(String)'],
    rows: [
      ['rig1', '12', 'cgminer/4.12.0'],
      ['a\u001b[2Jb', '3', null],
    ],
  };

  it('has numbers to the right, and nothing in it moves the cursor', () => {
    expect(fittedTable(result, 80).split('\n')).toEqual([
      'worker       shares  agent',
      '───────────  ──────  ──────────────',
      'rig1             12  cgminer/4.12.0',
      'a\\u001b[2Jb       3  NULL',
      '',
    ]);
  });

  it.each([80, 30, 24, 20, 10])('is no wider than %i', (width) => {
    for (const line of fittedTable(result, width).split('\n')) {
      // A line for each value is as long as the value.
      if (width > 20) expect(line.length).toBeLessThanOrEqual(width);
    }
    expect(fittedTable(result, width)).toContain(width > 20 ? 'rig1' : '── row 1');
  });

  it('is only its head where there are no rows', () => {
    expect(fittedTable({ ...result, rows: [] }, 80)).toBe('worker  shares  agent\n──────  ──────  ─────\n');
  });
});

describe('sluice sql at a terminal', () => {
  const data = mkdtempSync(join(tmpdir(), 'sluice-shell-'));
  let rig: Rig;

  beforeAll(async () => {
    rig = await openRig(data);
    await rig.commit(someShares(0, 300));
  }, 120_000);
  afterAll(async () => {
    await rig.close();
    await removeFolder(data);
  });

  /** A terminal: what is typed goes in, and what is shown comes out. */
  function open() {
    const [input, output] = [new PassThrough(), Object.assign(new PassThrough(), { columns: 60 })];
    let shown = '';
    output.on('data', (chunk: Buffer) => {
      shown += chunk.toString();
    });
    const io = Object.assign(new FakeIo({ SLUICE_DATA: data, XDG_STATE_HOME: join(data, 'state') }), {
      terminal: { input, output },
    });
    const done = run(['sql'], io);
    const type = async (text: string, until: RegExp): Promise<string> => {
      shown = '';
      input.write(text);
      await expect.poll(() => shown, { timeout: 40_000 }).toMatch(until);
      return shown;
    };
    return { type, done, input };
  }

  it('runs statements over lines, shows tables, keeps a history, and ends a query by Ctrl-C', {
    timeout: 180_000,
  }, async () => {
    const { type, done, input } = open();
    const answer = await type('SELECT verdict, count() AS n\nFROM shares\nGROUP BY verdict ORDER BY n;\n', /2 rows \(/);
    expect(answer).toContain('   ...> ');
    expect(answer).toMatch(/duplicate +100\n.*accepted +200\n/s);
    expect(await type('\\d\n', /rows \(/)).toMatch(/shares +300/);
    expect(await type('\\d shares\n', /rows \(/)).toMatch(/verdict +LowCardinality/);
    expect(await type('DROP TABLE shares;\n', /only SELECT/)).toContain('sluice> ');
    expect(await type('SELECT number FROM numbers(100000);\n', /are shown of more/)).toContain('500 rows');
    await type("SELECT 1 UNION ALL SELECT throwIf(sleep(2) = 0, 'late words');\n", /late words/);
    await type('SELECT count() FROM system.numbers;\n', /Ctrl-C ends the query/);
    await type('\u0003', /the query was ended/);
    // The engine has its turns back, for both.
    for (let i = 0; i < 3; i += 1) await type('SELECT 7 AS seven;\n', /seven[\s\S]*1 rows \(/);
    await type('SELECT half', /half/);
    await type('\u0003', /\n[\s\S]*sluice> /);
    expect(await type('SELECT 8 AS eight;\n', /1 rows \(/)).toContain('eight');
    input.write('\\q\n');
    expect(await done).toBe(exitCodes.fine);
    const history = join(data, 'state', 'sluice', 'sql-history');
    expect(readFileSync(history, 'utf8')).toContain('SELECT 7 AS seven;');
    expect(statSync(history).mode & 0o077).toBe(0);
  });

  it('is for terminals: without one a query is to be said', async () => {
    const io = new FakeIo({ SLUICE_DATA: data });
    expect(await run(['sql'], io)).toBe(exitCodes.usage);
    expect(io.err).toMatch(/say a query/);
    expect(existsSync(data)).toBe(true);
  });
});
