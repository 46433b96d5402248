import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { replaceFile, replaceFileSync, UNFINISHED } from '#base/std/atomic-file';

const writer = fileURLToPath(new URL('atomic-writer.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sluice-atomic-'));
const path = join(folder, 'file');
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => writeFileSync(path, 'old'));

describe.each(['sync', 'async'] as const)('a file that is replaced (%s)', (kind) => {
  const run = (what: string) => spawnSync(process.execPath, [writer, path, kind, what], { encoding: 'utf8' });

  it('is whole and for its owner alone', async () => {
    rmSync(path);
    if (kind === 'sync') replaceFileSync(path, 'new');
    else await replaceFile(path, ['n', 'e', 'w']);
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(existsSync(path + UNFINISHED)).toBe(false);
  });

  it('is the old one if the process dies between the write and the rename', () => {
    expect(run('die').signal).toBe('SIGKILL');
    expect(readFileSync(path + UNFINISHED, 'utf8')).toBe('new');
    expect(readFileSync(path, 'utf8')).toBe('old');
  });

  it('is on the disk before it has its name, and its name before the call ends', () => {
    expect(run('trace').stdout).toBe('open write sync rename open sync');
  });

  it('is the old one or the new one whenever the process is killed', async () => {
    writeFileSync(path, '0'.repeat(10_000));
    for (let kill = 0; kill < 8; kill += 1) {
      const child = fork(writer, [path, kind, 'loop'], { execArgv: [] });
      await once(child, 'message');
      await new Promise((resolve) => setTimeout(resolve, 5 + 7 * kill));
      child.kill('SIGKILL');
      await once(child, 'exit');
      expect(readFileSync(path, 'utf8')).toMatch(/^(\d)\1{9999}$/);
    }
  });
});

it('leaves the old file if its pieces throw', async () => {
  function* pieces(): Generator<string> {
    yield 'new';
    expect(readFileSync(path, 'utf8')).toBe('old');
    throw new Error('no more');
  }
  await expect(replaceFile(path, pieces())).rejects.toThrow('no more');
  expect(readFileSync(path, 'utf8')).toBe('old');
});

it('rejects with the system’s error', async () => {
  const nowhere = join(folder, 'none', 'file');
  await expect(replaceFile(nowhere, ['x'])).rejects.toThrow('ENOENT');
  expect(() => replaceFileSync(nowhere, 'x')).toThrow('ENOENT');
});
