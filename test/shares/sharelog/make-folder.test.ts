import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeFolder } from '#shares/sharelog/journal/make-folder';

it('makes missing folders, keeps existing ones, and fails if none can be made', () => {
  const root = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  try {
    const deep = join(root, 'a', 'b', 'c');
    makeFolder(deep);
    makeFolder(deep);
    expect(statSync(deep).isDirectory()).toBe(true);
    writeFileSync(join(root, 'file'), '');
    expect(() => makeFolder(join(root, 'file'))).toThrow('EEXIST');
    expect(() => makeFolder(join(root, 'file', 'below'))).toThrow('ENOTDIR');
    expect(() => makeFolder('/proc/sluice-test')).toThrow('ENOENT');
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
