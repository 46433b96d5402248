import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Contender } from './interleave.ts';
import type { Workload } from './kernel-contenders.ts';

const source = fileURLToPath(new URL('../../bench/native/sha-ni.c', import.meta.url));

/** Why the native program can not run here; undefined if it can. */
export function nativeObstacle(): string | undefined {
  try {
    if (!/\bsha_ni\b/.test(readFileSync('/proc/cpuinfo', 'utf8'))) return 'this processor has no SHA instructions';
  } catch {
    return 'whether this processor has SHA instructions is unknown';
  }
  try {
    execFileSync('gcc', ['--version'], { stdio: 'pipe' });
  } catch {
    return 'there is no gcc';
  }
  return undefined;
}

/** The native program with one job, hashing `streams` shares side by side. */
export class NativeContender implements Contender {
  readonly name: string;
  readonly #folder: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: Interface;
  /** Of the last run. */
  hash = '';

  constructor(streams: 1 | 2, workload: Workload) {
    this.name = `native SHA-NI, ${streams === 1 ? 'one stream' : 'two streams'}`;
    this.#folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
    const program = join(this.#folder, 'sha-ni');
    execFileSync('gcc', ['-O3', '-msha', '-msse4.1', `-DSTREAMS=${streams}`, source, '-o', program]);
    this.#child = spawn(program);
    this.#lines = createInterface({ input: this.#child.stdout });
    const { job, extranonce1, version, ntime } = workload;
    const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
    const parts = [job.coinb1, extranonce1, job.coinb2, job.previousHash].map(hex);
    const words = ['job', ...parts, version, ntime, job.bits, ...job.merkleBranch.map(hex)];
    this.#child.stdin.write(`${words.join(' ')}\n`);
  }

  run(first: number, count: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const ended = (): void => reject(new Error('the native program ended'));
      this.#child.once('exit', ended);
      this.#lines.once('line', (line) => {
        this.#child.off('exit', ended);
        const [cpuNs, hash] = line.split(' ');
        this.hash = hash ?? '';
        resolve(Number(cpuNs));
      });
      this.#child.stdin.write(`run ${first} ${count}\n`);
    });
  }

  close(): void {
    this.#child.stdin.end();
    rmSync(this.#folder, { recursive: true });
  }
}
