import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { readTree } from '../../bench/run/process-tree.ts';

const MIB = 2 ** 20;

describe.skipIf(process.platform !== 'linux')('a tree of processes', () => {
  it('counts a child that uses CPU and memory to its parent, and no longer when it is gone', async () => {
    const before = readTree(process.pid);
    const work = `const kept = Buffer.alloc(64 * ${MIB}, 1);
      while (process.cpuUsage().user < 300_000);
      console.log(kept.length);
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['-e', work], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = new Promise((resolve) => child.once('exit', resolve));
    await new Promise((resolve) => createInterface({ input: child.stdout }).once('line', resolve));
    const during = readTree(process.pid);
    const alone = readTree(child.pid ?? 0);
    expect(during.processes).toBe(before.processes + 1);
    expect(alone.processes).toBe(1);
    expect(alone.cpuSeconds).toBeGreaterThanOrEqual(0.25);
    expect(alone.rssBytes).toBeGreaterThan(64 * MIB);
    expect(during.rssBytes).toBeGreaterThan(alone.rssBytes);
    expect(during.cpuSeconds - before.cpuSeconds).toBeGreaterThanOrEqual(0.25);
    child.kill('SIGKILL');
    await exited;
    expect(readTree(process.pid).processes).toBe(before.processes);
  });
});
