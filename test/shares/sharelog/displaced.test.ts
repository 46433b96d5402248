import { cpSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openLogReader } from '#shares/sharelog/consumers/log-reader';
import { openShareLog, type ShareLog } from '#shares/sharelog/log';
import { clock, folderPerTest, keptLogger, noncesOf, put } from './fixtures.ts';

const folder = folderPerTest();
const data = (): string => join(folder.path, 'data');
const away = (): string => join(folder.path, 'away');

async function openLog(): Promise<ShareLog> {
  const log = await openShareLog(
    { folder: data(), node: 'n', consumers: ['analytics'], closeMsMax: 50 },
    { clock, logger: keptLogger() },
  );
  return folder.opened(log);
}

/** Logs a share; `acknowledged` says whether it has been. */
function logged(log: ShareLog, nonce: number): { acknowledged: boolean; readonly done: Promise<void> } {
  const state = { acknowledged: false, done: Promise.resolve() };
  state.done = put(log, nonce).then(() => {
    state.acknowledged = true;
  });
  return state;
}

const nonces = (): unknown[] => {
  const reader = openLogReader(data());
  const found = reader && noncesOf(reader);
  reader?.close();
  return found ?? [];
};

describe('a running log', () => {
  it.each([
    ['the data folder', () => rmSync(data(), { recursive: true })],
    ['its journal', () => rmSync(join(data(), 'sharelog'), { recursive: true })],
    [
      'the file that it writes',
      () => {
        for (const name of readdirSync(join(data(), 'sharelog'))) {
          if (name.endsWith('.segment')) rmSync(join(data(), 'sharelog', name));
        }
      },
    ],
  ])('acknowledges nothing when %s is removed', async (_what, remove) => {
    const log = await openLog();
    await put(log, 1);
    remove();
    const share = logged(log, 2);
    await expect.poll(() => log.status().healthy).toBe(false);
    expect(log.status().reason).toMatch(/removed|ENOENT/);
    expect(share.acknowledged).toBe(false);
  });

  it('is reported even if no share arrives', async () => {
    const log = await openLog();
    await put(log, 1);
    rmSync(data(), { recursive: true });
    await expect.poll(() => log.status().reason, { timeout: 5_000 }).toMatch(/was removed/);
  });

  it('acknowledges nothing while another folder is in its place, and goes on when its own is back', async () => {
    const log = await openLog();
    await put(log, 1);
    renameSync(data(), away());
    mkdirSync(data());
    await expect.poll(() => log.status().reason, { timeout: 5_000 }).toMatch(/another folder is in the place of data/);
    const share = logged(log, 2);
    await expect.poll(() => log.status().reason).toMatch(/another folder|ENOENT/);
    expect(share.acknowledged).toBe(false);
    rmSync(data(), { recursive: true });
    renameSync(away(), data());
    await share.done;
    await expect.poll(() => log.status().healthy, { timeout: 5_000 }).toBe(true);
    expect(nonces()).toEqual([1, 2]);
  });

  it('writes nothing into a copy that replaces the removed folder', async () => {
    const log = await openLog();
    await put(log, 1);
    cpSync(data(), away(), { recursive: true });
    await put(log, 2);
    rmSync(data(), { recursive: true });
    const share = logged(log, 3);
    await expect.poll(() => log.status().healthy).toBe(false);
    renameSync(away(), data());
    await expect.poll(() => log.status().reason, { timeout: 5_000 }).toMatch(/in the place of the share log/);
    expect(share.acknowledged).toBe(false);
    expect(nonces()).toEqual([1]);
  });

  it('loses nothing when its folder is renamed and comes back', async () => {
    const log = await openLog();
    await put(log, 1);
    renameSync(data(), away());
    await put(log, 2);
    renameSync(away(), data());
    await put(log, 3);
    expect(log.status().healthy).toBe(true);
    expect(nonces()).toEqual([1, 2, 3]);
  });
});
