import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { exitCodes } from '#cli/io';
import { run } from '#cli/program';
import { removeFolder } from '../support/remove-folder.ts';
import { FakeIo } from './harness.ts';

const folders: string[] = [];
afterAll(() => Promise.all(folders.map(removeFolder)));

/** A data folder of its own for each query. */
function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-sql-'));
  folders.push(folder);
  return folder;
}

async function sql(args: string[], data = newFolder()) {
  const io = new FakeIo({ SLUICE_DATA: data });
  const code = await run(['sql', ...args], io);
  return { code, out: io.out, err: io.err };
}

describe('sluice sql', () => {
  it('answers in the format asked for, from the data of a pool that never ran', async () => {
    const query = 'SELECT count() AS shares, toString(1) AS one FROM shares';
    const { code, out, err } = await sql([query]);
    expect({ code, out }).toEqual({ code: exitCodes.fine, out: '0\t1\n' });
    // On a busy machine the engine is waited for, which is said.
    expect(err).toMatch(/^(sluice: waiting for ClickHouse to start.*\n)?$/);
    expect((await sql(['--format', 'CSV', query])).out).toBe('0,"1"\n');
    expect((await sql(['--json', query])).out).toMatch(/^\{"shares":"?0"?,"one":"1"\}\n$/);
  });

  it('passes on what the engine or the gate has against a query', async () => {
    for (const query of ['SELECT nonsense FROM shares', 'DROP TABLE shares', 'SELECT 1; SELECT 2']) {
      const { code, out, err } = await sql([query]);
      expect({ code, out }, query).toEqual({ code: exitCodes.failed, out: '' });
      expect(err).toMatch(/^sluice: ./);
      expect(err).not.toContain('please report');
    }
  });

  it('says when there is no data, or no query', async () => {
    const { code, err } = await sql(['SELECT 1'], join(newFolder(), 'none'));
    expect(code).toBe(exitCodes.failed);
    expect(err).toContain('there is no data folder');
    expect(await sql([' '])).toMatchObject({ code: exitCodes.usage, out: '' });
  });
});
