import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { barText } from '#cli/export/bar';
import { parseInstant } from '#cli/export/periods';
import { planPieces, TooManyRows } from '#cli/export/pieces';
import { exitCodes } from '#cli/io';
import { run } from '#cli/program';
import { lockFile } from '#shares/sharelog/journal/folder-lock';
import { openRig, type Rig, someShares } from '../../books/analytics/support.ts';
import { removeFolder } from '../../support/remove-folder.ts';
import { FakeIo } from '../harness.ts';

const HOUR_MS = 3_600_000;
const at = (text: string): number => parseInstant(text) ?? Number.NaN;

describe('the files of an export', () => {
  /** Rows by minute, and files that are there. */
  function plan(rows: Readonly<Record<string, number>>, files: readonly string[], by?: 'day' | 'hour', rowsMax = 100) {
    const period = { fromMs: at('2026-01-01'), toMs: at('2026-01-04') };
    const count = async (within: { fromMs: number; toMs: number }, unitMs: number) => {
      const counts = new Map<number, number>();
      for (const [time, of] of Object.entries(rows)) {
        const ms = Date.parse(`${time}Z`);
        const unit = Math.floor(ms / unitMs) * unitMs;
        if (ms >= within.fromMs && ms < within.toMs) counts.set(unit, (counts.get(unit) ?? 0) + of);
      }
      return counts;
    };
    const done = (name: string): boolean => files.includes(name);
    const begun = (start: string): boolean => files.some((name) => name.startsWith(start));
    return planPieces({ table: 'shares', period, by, rowsMax }, { count, done, begun });
  }
  const names = async (pieces: ReturnType<typeof plan>): Promise<string[]> => (await pieces).map(({ name }) => name);

  it('are one, or one for each unit that has rows', async () => {
    const rows = { '2026-01-01T05:00': 10, '2026-01-01T06:30': 20, '2026-01-03T23:59': 30 };
    expect(await plan(rows, [])).toEqual([
      { name: 'shares-2026-01-01--2026-01-04', period: { fromMs: at('2026-01-01'), toMs: at('2026-01-04') }, rows: 60 },
    ]);
    expect(await names(plan(rows, [], 'day'))).toEqual(['shares-2026-01-01', 'shares-2026-01-03']);
    expect(await names(plan(rows, [], 'hour'))).toEqual([
      'shares-2026-01-01T05',
      'shares-2026-01-01T06',
      'shares-2026-01-03T23',
    ]);
    expect(await names(plan(rows, ['shares-2026-01-01'], 'day'))).toEqual(['shares-2026-01-03']);
    expect(await plan({}, [], 'day')).toEqual([]);
  });

  it('are of smaller units where a unit has too many rows, also when the rows have become fewer since', async () => {
    const rows = { '2026-01-01T05:00': 70, '2026-01-01T06:30': 60, '2026-01-01T06:31': 60, '2026-01-02T00:00': 5 };
    const all = ['shares-2026-01-01T05', 'shares-2026-01-01T06-30', 'shares-2026-01-01T06-31', 'shares-2026-01-02'];
    expect(await names(plan(rows, [], 'day'))).toEqual(all);
    const fewer = { ...rows, '2026-01-01T06:31': 1 };
    expect(await names(plan(fewer, all.slice(0, 2), 'day'))).toEqual(all.slice(2));
    expect(await names(plan(rows, [], 'day', Number.POSITIVE_INFINITY))).toEqual(['shares-2026-01-01', all[3]]);
    await expect(plan({ '2026-01-01T05:00': 101 }, [], 'day')).rejects.toThrow(TooManyRows);
    await expect(plan(rows, [])).rejects.toThrow(TooManyRows);
  });

  it('have times that exist', () => {
    expect(parseInstant('2026-01-31T05')).toBe(Date.UTC(2026, 0, 31, 5));
    expect(parseInstant('2026-01-31T05:00:00Z')).toBe(Date.UTC(2026, 0, 31, 5));
    for (const text of [
      '2026-02-30',
      '2026-01-31T24',
      '2026-01-31T05:30',
      '26-01-31',
      '',
      'yesterday',
      "2026-01-31'",
    ]) {
      expect(parseInstant(text), text).toBeUndefined();
    }
  });

  it('are shown as a bar', () => {
    expect(barText(0, 10, 1000)).toBe(`[${'-'.repeat(30)}] 0 %`);
    expect(barText(5, 10, 2000)).toBe(`[${'#'.repeat(15)}${'-'.repeat(15)}] 50 %, 2 s left`);
    expect(barText(10, 10, 2000)).toBe(`[${'#'.repeat(30)}] 100 %`);
  });
});

describe('sluice export', () => {
  const data = mkdtempSync(join(tmpdir(), 'sluice-export-'));
  const cli = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
  /** 10 ms apart, from 23:58 of 2026-01-31 on: 12,000 of that day, and the rest of the next. */
  const SHARES = 30_000;
  let rig: Rig;

  beforeAll(async () => {
    rig = await openRig(data);
    await rig.commit(someShares(0, SHARES));
  }, 120_000);
  afterAll(async () => {
    await rig.close();
    await removeFolder(data);
  });

  const output = (name: string): string => join(data, name);
  async function exported(...args: string[]) {
    const io = new FakeIo({ SLUICE_DATA: data });
    const code = await run(['export', '--from', '2026-01-31', '--to', '2026-02-02', ...args], io);
    return { code, out: io.out, err: io.err };
  }
  it('writes every row once, a file a day, and nothing twice', async () => {
    const args = ['--format', 'csv', '--by', 'day', '--output', output('days')];
    expect(await exported(...args)).toEqual({
      code: exitCodes.fine,
      out: 'shares-2026-01-31.csv: 12000 rows\nshares-2026-02-01.csv: 18000 rows\n',
      err: '',
    });
    const days = ['shares-2026-01-31.csv', 'shares-2026-02-01.csv'];
    expect(readdirSync(output('days')).filter((name) => !name.startsWith('.'))).toEqual(days);
    const lines = days.map((day) =>
      readFileSync(join(output('days'), day), 'utf8')
        .trimEnd()
        .split('\n'),
    );
    const [head = ''] = lines[0] ?? [];
    const column = head.split(',').indexOf('"nonce"');
    const nonces = lines.flatMap((day) => day.slice(1).map((line) => Number(line.split(',')[column])));
    expect(nonces.toSorted((a, b) => a - b)).toEqual(Array.from({ length: SHARES }, (_, nonce) => nonce));
    expect(statSync(join(output('days'), 'shares-2026-01-31.csv')).mode & 0o077).toBe(0);
    const again = await exported(...args);
    expect(again).toMatchObject({ code: exitCodes.fine, out: '' });
    expect(again.err).toMatch(/nothing to write/);
    // A file that was there is as it was, whatever is in it.
    writeFileSync(join(output('days'), days[0] ?? ''), 'mine');
    await exported(...args);
    expect(readFileSync(join(output('days'), days[0] ?? ''), 'utf8')).toBe('mine');
  });

  it('writes Parquet, with a line of JSON for each file', async () => {
    const { out } = await exported('--json', '--output', output('parquet'));
    const { file, rows, bytes } = JSON.parse(out) as { file: string; rows: number; bytes: number };
    expect([file, rows]).toEqual(['shares-2026-01-31--2026-02-02.parquet', SHARES]);
    const content = readFileSync(join(output('parquet'), file));
    expect([content.length, content.subarray(0, 4).toString(), content.subarray(-4).toString()]).toEqual([
      bytes,
      'PAR1',
      'PAR1',
    ]);
  });

  it('goes on after kill -9 at any moment: whole files, each once', { timeout: 240_000 }, async () => {
    const folder = output('killed');
    const args = ['export', '--from', '2026-01-31', '--to', '2026-02-02', '--format', 'csv', '--by', 'hour'];
    const files = (): readonly string[] => (existsSync(folder) ? readdirSync(folder) : []);
    for (const afterMs of [0, 3, 20]) {
      const known = files().length;
      const child = spawn(process.execPath, [cli, ...args, '--output', folder], {
        env: { ...process.env, SLUICE_DATA: data },
        stdio: 'ignore',
      });
      const ended = new Promise((resolve) => child.once('exit', resolve));
      // Its first file has been begun, or it has nothing to do any more.
      const looking = setInterval(() => {
        if (files().length > Math.max(1, known)) setTimeout(() => child.kill('SIGKILL'), afterMs);
      }, 1);
      await ended;
      clearInterval(looking);
      for (const name of files()) {
        if (name.endsWith('.csv')) expect(readFileSync(join(folder, name), 'utf8').at(-1)).toBe('\n');
      }
    }
    writeFileSync(join(folder, '.sluice-export-shares-2026-01-31T23.csv.new'), 'half');
    expect((await exported('--format', 'csv', '--by', 'hour', '--output', folder)).code).toBe(exitCodes.fine);
    const whole = files().filter((name) => name !== '.sluice-export.lock');
    expect(whole).toEqual(['shares-2026-01-31T23.csv', 'shares-2026-02-01T00.csv']);
    const rows = whole.map((name) => readFileSync(join(folder, name), 'utf8').trimEnd().split('\n').length - 1);
    expect(rows).toEqual([12_000, 18_000]);
  });

  it('says what to do', async () => {
    const future = new Date(Date.now() + 48 * HOUR_MS).toISOString().slice(0, 10);
    const usage: readonly (readonly [string[], RegExp])[] = [
      [['--from', 'yesterday'], /--from must be a day or an hour of UTC/],
      [['--to', '2026-01-31'], /--to must be after --from/],
      [['--to', future], /--to is not over yet/],
      [['--from', '2026-01-31T05', '--by', 'day'], /--by day needs whole days/],
      [['--table', 'system.users'], /Allowed choices/],
      [['--format', 'native'], /Allowed choices/],
    ];
    for (const [args, reason] of usage) {
      const { code, err } = await exported(...args);
      expect([code, err], args.join(' ')).toEqual([exitCodes.usage, expect.stringMatching(reason)]);
    }
    writeFileSync(output('file'), '');
    expect((await exported('--output', output('file'))).err).toMatch(/choose another --output/);
    const lock = lockFile(join(output('days'), '.sluice-export.lock'));
    expect((await exported('--output', output('days'))).err).toMatch(/another export writes/);
    lock?.release();
  });
});
