import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openDataFolder } from '#pool/data-folder';
import { keptLogger } from '../shares/sharelog/fixtures.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-test-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

it('makes a data folder for its owner alone', () => {
  const logger = keptLogger();
  openDataFolder(join(root, 'data'), logger);
  expect(statSync(join(root, 'data')).mode & 0o777).toBe(0o700);
  expect(logger.lines).toEqual([]);
});

it('leaves the mode of a folder that is there, and says that others may look into it', () => {
  const logger = keptLogger();
  chmodSync(root, 0o755);
  openDataFolder(root, logger);
  expect(statSync(root).mode & 0o777).toBe(0o755);
  expect(logger.lines).toEqual([expect.stringContaining('chmod 700')]);
});
