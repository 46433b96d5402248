import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { NotRun } from './not-run.ts';
import { root } from './project.ts';

const sources = join(root, 'bench/native');
const built = join(root, 'dist/bench/native');

/**
 * Compiles bench/native/`name`.c with gcc and returns the program's path; what was compiled from the same sources before
 * is used again. Throws NotRun if there is no gcc or it does not like the source (`flags` may ask for what this
 * processor lacks).
 */
export function compileNative(name: string, flags: readonly string[] = []): string {
  const args = ['-O2', '-Wall', ...flags];
  const hash = createHash('sha256').update(JSON.stringify(args));
  for (const file of readdirSync(sources).sort()) {
    if (file === `${name}.c` || file.endsWith('.h')) hash.update(readFileSync(join(sources, file)));
  }
  const program = join(built, `${name}-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(program)) return program;
  mkdirSync(built, { recursive: true });
  const unfinished = `${program}.${process.pid}`;
  const { error, status, stderr } = spawnSync('gcc', [...args, '-o', unfinished, join(sources, `${name}.c`)], {
    encoding: 'utf8',
  });
  if (error) throw new NotRun(`no gcc: the load is made by a small C program (on Debian: apt install gcc libc6-dev)`);
  if (status !== 0) throw new NotRun(`gcc did not compile bench/native/${name}.c:\n${stderr}`);
  renameSync(unfinished, program);
  return program;
}
