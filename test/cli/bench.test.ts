import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { exitCodes } from '#cli/io';
import { run } from '#cli/program';
import { FakeIo } from './harness.ts';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

async function bench(...args: string[]) {
  const io = new FakeIo();
  const code = await run(['bench', ...args], io);
  return { code, out: io.out, err: io.err };
}

describe('sluice bench', () => {
  it('lists the benchmarks', async () => {
    const { code, out } = await bench('--list', '--json');
    expect(code).toBe(exitCodes.fine);
    const { benchmarks } = JSON.parse(out) as { benchmarks: string[] };
    for (const name of ['verify', 'stratum-tcp', 'stratum-websocket', 'broadcast', 'memory']) {
      expect(benchmarks).toContain(name);
    }
    expect((await bench('--list')).out).toContain('\n  stratum-tcp\n');
  });

  it('runs nothing for an unknown name or two sizes', async () => {
    const unknown = await bench('stratum-tcp', 'stratum-udp');
    expect(unknown).toMatchObject({ code: exitCodes.usage, out: '' });
    expect(unknown.err).toContain('there is no benchmark "stratum-udp"');
    expect(await bench('--quick', '--full')).toMatchObject({ code: exitCodes.usage, out: '' });
  });

  it('runs one as a process of its own and prints its result', () => {
    const out = execFileSync(process.execPath, [main, 'bench', 'verify', '--quick', '--json'], { encoding: 'utf8' });
    const result = JSON.parse(out) as { rows: { values: Record<string, { median: number; count: number }> }[] };
    expect(result).toMatchObject({
      benchmark: 'verify',
      command: 'sluice bench verify --quick',
      node: process.version,
    });
    expect(result.rows.length).toBeGreaterThan(1);
    for (const { values } of result.rows) expect(values['sharesPerSecond']?.median).toBeGreaterThan(0);
  });
});
