import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listeners, PoolFolder } from '../support/pool-process.ts';

/** A device that has no room, ever. */
const FULL = '/dev/full';
const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
let folder: PoolFolder;

beforeEach(() => {
  folder = new PoolFolder();
});
afterEach(() => folder.remove());

describe('a pool', () => {
  it.skipIf(!existsSync(FULL))('goes on and ends when told, with stderr on a full disk', async () => {
    const full = openSync(FULL, 'w');
    const pool = spawn(process.execPath, [cli, 'start', '--config', folder.config, '--json'], {
      stdio: ['ignore', 'pipe', full],
      env: { ...process.env, ...listeners },
    });
    const exited = once(pool, 'exit');
    try {
      if (pool.stdout === null) throw new Error('no output');
      const [line] = await once(createInterface({ input: pool.stdout }), 'line');
      const { http } = JSON.parse(line) as { http: string };
      // It has said in its log that it has started, and that could not be written.
      expect((await fetch(`${http}/healthz`)).status).toBe(200);
      pool.kill('SIGTERM');
      expect(await exited).toEqual([0, null]);
    } finally {
      pool.kill('SIGKILL');
      closeSync(full);
    }
    const next = await folder.run('sql', '--config', folder.config, 'SELECT 1');
    expect(next.code).toBe(0);
  });
});
