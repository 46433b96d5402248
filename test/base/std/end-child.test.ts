import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { endOf } from '#base/std/end-child';
import { goneOf } from '#base/std/supervised-child';

/** A process that ends when it is told, or never by itself. */
async function start(obeys: boolean): Promise<{ gone: Promise<string>; kill(): void; ask(): void }> {
  const code = `process.on('message', () => { if (${obeys}) process.exit(); }); process.send('up'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  const gone = goneOf(child);
  await once(child, 'message');
  return { gone, kill: () => void child.kill('SIGKILL'), ask: () => void child.send('end') };
}

describe('endOf', () => {
  it('waits for a process that ends', async () => {
    const { gone, kill, ask } = await start(true);
    ask();
    expect(await endOf({ gone, kill }, 60_000)).toBe(true);
  });

  it('kills a process that does not end in time', async () => {
    const { gone, kill, ask } = await start(false);
    ask();
    expect(await endOf({ gone, kill }, 400)).toBe(false);
    expect(await gone).toContain('SIGKILL');
  });
});
