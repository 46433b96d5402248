import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exitCodes } from '#cli/io';
import { run } from '#cli/program';
import { BAN_FILE } from '#front/net/door/ban-file';
import { Bans } from '#front/net/door/bans';
import { lockFile } from '#shares/sharelog/journal/folder-lock';
import { journalLock, POOL_JOURNAL } from '#shares/sharelog/journal/journals';
import { AdminSocket } from '#show/api/admin-socket';
import { FakeIo } from './harness.ts';

let folder = '';
let data = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-cli-bans-'));
  data = join(folder, 'data');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function sluice(...args: string[]) {
  const io = new FakeIo({ SLUICE_DATA: data });
  const code = await run(['bans', ...args], io);
  return { code, out: io.out, err: io.err };
}

describe('sluice bans, on a stopped pool', () => {
  beforeEach(() => mkdirSync(data));

  it('adds, lists and lifts on the file', async () => {
    expect(await sluice('list')).toEqual({ code: exitCodes.fine, out: 'Nobody is banned.\n', err: '' });
    const added = await sluice('add', '198.51.100.7/24', '--for', '7d', '--reason', 'spam');
    expect(added.out).toMatch(/^198\.51\.100\.0\/24 is banned until \d{4}-\d\d-\d\dT\S+\.\n$/);
    expect((await sluice('list')).out).toMatch(/^198\.51\.100\.0\/24 {2}until \S+ {2}spam\n$/);
    const json = JSON.parse((await sluice('list', '--json')).out);
    expect(json).toMatchObject({ bans: [{ address: '198.51.100.0/24', reason: 'spam', times: 1 }] });
    expect((await sluice('lift', '198.51.100.0/24')).code).toBe(exitCodes.fine);
    expect((await sluice('list')).out).toBe('Nobody is banned.\n');
    expect(JSON.parse(readFileSync(join(data, BAN_FILE), 'utf8'))).toEqual({ format: 1, bans: [] });
  });

  it('says what is wrong', async () => {
    const unknown = await sluice('lift', '192.0.2.1');
    expect(unknown).toMatchObject({ code: exitCodes.failed, out: '' });
    expect(unknown.err).toContain('192.0.2.1 is not banned');
    expect((await sluice('add', 'nobody', '--for', '1h')).code).toBe(exitCodes.usage);
    expect((await sluice('add', '192.0.2.1', '--for', 'ever')).code).toBe(exitCodes.usage);
    expect((await sluice('add', '192.0.2.1')).code).toBe(exitCodes.usage);
    expect((await sluice('add', '127.0.0.1', '--for', '1h')).err).toContain('is on the allow list');
    writeFileSync(join(data, BAN_FILE), '{');
    const damaged = await sluice('list');
    expect(damaged.code).toBe(exitCodes.failed);
    expect(damaged.err).toMatch(/bans\.json is damaged/);
  });

  it('leaves the file alone while a pool starts or stops', async () => {
    const lock = lockFile(journalLock(data, POOL_JOURNAL));
    const { code, err } = await sluice('add', '192.0.2.1', '--for', '1h');
    lock?.release();
    expect(code).toBe(exitCodes.failed);
    expect(err).toContain('try again in a moment');
  });
});

describe('sluice bans', () => {
  it('makes no data folder', async () => {
    const { code, err } = await sluice('list');
    expect(code).toBe(exitCodes.failed);
    expect(err).toContain('no pool has run there yet');
  });

  it('asks the pool if one is running', async () => {
    mkdirSync(data);
    const bans = new Bans(
      { enabled: true, allow: [], deny: [], entriesMax: 10 },
      { clock: { nowMs: () => Date.now() }, changed: () => undefined, banned: () => undefined },
    );
    const socket = new AdminSocket({ bans, log: { hold: () => () => {} } });
    await socket.listen(join(data, 'admin.sock'));
    expect((await sluice('add', '2001:db8::1', '--for', '90s')).code).toBe(exitCodes.fine);
    expect(bans.list()).toMatchObject([{ address: '2001:db8::/64', reason: 'by the operator' }]);
    expect((await sluice('list')).out).toContain('2001:db8::/64');
    expect((await sluice('lift', '2001:db8::1')).code).toBe(exitCodes.fine);
    expect(bans.list()).toEqual([]);
    await socket.close();
  });
});
