import { execFile, execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { RECEIVE_BYTES_MAX } from '#front/net/listen/receive-buffer';
import { listeners, PoolFolder } from '../support/pool-process.ts';

const script = fileURLToPath(new URL('fragments.mjs', import.meta.url));
/** The loopback interface of a new network is down. */
const NETWORK =
  'ip link set lo up && echo "4096 65536 $1" > /proc/sys/net/ipv4/tcp_rmem && exec "$2" "$3" measure "$4"';

function hasOwnNetworks(): boolean {
  try {
    execFileSync('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
const runs = hasOwnNetworks();
if (!runs) {
  const reason = 'not run: empty fragments: a network of its own needs root, and the command ip (Debian: iproute2)';
  if (process.env['CI']) throw new Error(reason);
  process.stderr.write(`${reason}\n`);
}

describe.skipIf(!runs)('a flood of empty WebSocket fragments', () => {
  it('delays no client if the kernel’s receive buffers are as small as advised', async () => {
    const folder = new PoolFolder('[clickhouse]\nurl = "http://127.0.0.1:9/sluice"\n');
    const args = [
      '--net',
      'sh',
      '-c',
      NETWORK,
      'sh',
      String(RECEIVE_BYTES_MAX),
      process.execPath,
      script,
      folder.config,
    ];
    const { stdout } = await promisify(execFile)('unshare', args, { env: { ...process.env, ...listeners } });
    await folder.remove();
    const { answered, bytes } = JSON.parse(stdout) as { answered: number; bytes: number };
    // As fast as the pool reads, so with larger buffers its loop would not come round before the flood is over.
    expect(bytes).toBeGreaterThan(100_000_000);
    expect(answered).toBeGreaterThan(10);
  });
});
