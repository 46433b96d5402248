import { chmodSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lockFile } from '#shares/sharelog/journal/folder-lock';
import { dataFolder } from './fixtures.ts';

let folder: ReturnType<typeof dataFolder>;
beforeEach(() => {
  folder = dataFolder();
});
afterEach(() => folder.remove());

it('makes a lock that other users can not read, and so can not hold', () => {
  const path = join(folder.path, 'a.lock');
  const lock = lockFile(path);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  lock?.release();
});

it('takes the rights of others from the lock of an earlier version', () => {
  const path = join(folder.path, 'a.lock');
  writeFileSync(path, '');
  chmodSync(path, 0o644);
  const lock = lockFile(path);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(lockFile(path)).toBeUndefined();
  lock?.release();
  const next = lockFile(path);
  expect(next).toBeDefined();
  next?.release();
});
