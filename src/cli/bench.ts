import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { builtFile } from '#base/built';
import { CommandError, type ExitCode, exitCodes, type Io } from './io.ts';

/** Benchmarks run from the build, even if this file does not. */
const folder = builtFile('bench/');
/** `bench/kernel.bench.js` is the benchmark `kernel`. */
const benchFile = /^(?<name>[a-z0-9-]+)\.bench\.m?js$/;

/** What an operator wants to know of a machine, in the order of a share's way. */
const quickNames = ['kernel', 'verify', 'stratum-tcp', 'stratum-websocket', 'broadcast', 'memory'];
/** Read by bench/run/options.ts. */
const sizeVariable = 'BENCH_SIZE';

export interface BenchOptions {
  readonly list?: boolean;
  readonly quick?: boolean;
  readonly full?: boolean;
  readonly json?: boolean;
  /** Pools that are running already, as bench/run/beside.ts has them. */
  readonly beside?: readonly string[];
  /** Two files of results: nothing is measured, they are compared. */
  readonly compare?: readonly string[];
  /** Where a page with the results is written. */
  readonly report?: string;
}

/** `sluice bench`: lists the benchmarks of bench/, or runs some of them one after the other, each in a process of its own. */
export async function bench(names: readonly string[], options: BenchOptions, io: Io): Promise<ExitCode> {
  if (options.compare !== undefined) return compare(options.compare, options);
  if (options.quick && options.full) throw new CommandError('--quick and --full exclude each other', exitCodes.usage);
  const benchmarks = findBenchmarks();
  for (const name of names) {
    if (name !== 'all' && !benchmarks.has(name)) {
      throw new CommandError(`there is no benchmark "${name}"; sluice bench --list names them`, exitCodes.usage);
    }
  }
  if (options.list) {
    list([...benchmarks.keys()], options.json === true, io);
    return exitCodes.fine;
  }
  const { chosen, size } = choose(names, options, [...benchmarks.keys()]);
  if (names.length === 0 && size === 'quick') {
    io.stderr.write(`A quick look at this machine, in about three minutes: ${chosen.join(', ')}\n`);
  }
  const args = [
    ...(options.json === true ? ['--json'] : []),
    ...(options.beside ?? []).flatMap((pool) => ['--beside', pool]),
  ];
  const failed: string[] = [];
  const since = new Date().toISOString();
  for (const name of chosen) {
    const code = await runFile(`${folder}${benchmarks.get(name)}`, args, size);
    // The benchmark has printed the error already.
    if (code === exitCodes.usage) return exitCodes.usage;
    if (code !== 0) failed.push(`"${name}" with exit code ${code}`);
  }
  if (options.report !== undefined) {
    const code = await runFile(`${folder}report.js`, [options.report, '--since', since, ...chosen], size);
    if (code !== 0) failed.push('the report');
  }
  if (failed.length > 0) throw new CommandError(`failed: ${failed.join(', ')}`);
  return exitCodes.fine;
}

/** What one file of results says against another. */
async function compare(files: readonly string[], { json }: BenchOptions): Promise<ExitCode> {
  const code = await runFile(`${folder}compare.js`, [...files, ...(json === true ? ['--json'] : [])], 'normal');
  if (code === exitCodes.usage) return exitCodes.usage;
  return code === 0 ? exitCodes.fine : exitCodes.failed;
}

function choose(
  names: readonly string[],
  { quick, full }: BenchOptions,
  all: readonly string[],
): { chosen: readonly string[]; size: string } {
  if (names.includes('all')) return { chosen: all, size: quick ? 'quick' : 'full' };
  if (names.length > 0) return { chosen: names, size: full ? 'full' : quick ? 'quick' : 'normal' };
  return full
    ? { chosen: all, size: 'full' }
    : { chosen: quickNames.filter((name) => all.includes(name)), size: 'quick' };
}

function findBenchmarks(): Map<string, string> {
  const found = new Map<string, string>();
  for (const file of readdirSync(folder).sort()) {
    const name = benchFile.exec(file)?.groups?.['name'];
    if (name !== undefined) found.set(name, file);
  }
  return found;
}

function list(names: readonly string[], json: boolean, io: Io): void {
  if (json) io.stdout.write(`${JSON.stringify({ benchmarks: names })}\n`);
  else io.stdout.write(`Benchmarks:\n${names.map((name) => `  ${name}\n`).join('')}`);
}

function runFile(file: string, args: readonly string[], size: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, [sizeVariable]: size };
    const child = spawn(process.execPath, [file, ...args], { stdio: 'inherit', env });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? exitCodes.failed));
  });
}
