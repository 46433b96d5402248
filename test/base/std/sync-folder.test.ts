import fs, { mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { syncFolder, syncFolderSync } from '#base/std/sync-folder';

const folder = mkdtempSync(join(tmpdir(), 'sluice-sync-'));
afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

/** Descriptors that this process has open. */
const descriptors = (): number => fs.readdirSync('/proc/self/fd').length;

describe('a folder that is synced', () => {
  it('is with the disk, and closed again', async () => {
    const handle = await open(folder);
    const sync = vi.spyOn(Object.getPrototypeOf(handle) as typeof handle, 'sync');
    await handle.close();
    const before = descriptors();
    await syncFolder(folder);
    expect(sync).toHaveBeenCalledTimes(1);
    await expect(sync.mock.results[0]?.value).resolves.toBeUndefined();
    expect(descriptors()).toBe(before);
  });

  it('is with the disk when the call returns, and closed again', () => {
    const sync = vi.spyOn(fs, 'fsyncSync');
    syncBuiltinESMExports();
    const before = descriptors();
    syncFolderSync(folder);
    expect(sync).toHaveReturnedTimes(1);
    expect(descriptors()).toBe(before);
  });

  it('must be there', async () => {
    const none = join(folder, 'none');
    await expect(syncFolder(none)).rejects.toThrow('ENOENT');
    expect(() => syncFolderSync(none)).toThrow('ENOENT');
    rmSync(folder, { recursive: true });
  });
});
