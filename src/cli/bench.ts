import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CommandError, type ExitCode, exitCodes, type Io } from './io.ts';

const folder = fileURLToPath(new URL('../bench/', import.meta.url));
/** `bench/kernel.bench.js` is the benchmark `kernel`. */
const benchFile = /^(?<name>[a-z0-9-]+)\.bench\.m?js$/;

/** `sluice bench`: lists the benchmarks of bench/, or runs some of them one after the other. */
export async function bench(names: readonly string[], options: { readonly json?: boolean }, io: Io): Promise<ExitCode> {
  const benchmarks = findBenchmarks();
  if (names.length === 0) {
    list([...benchmarks.keys()], options.json === true, io);
    return exitCodes.fine;
  }
  const chosen = names.includes('all') ? [...benchmarks.keys()] : names;
  for (const name of chosen) {
    if (!benchmarks.has(name)) {
      throw new CommandError(`there is no benchmark "${name}"; sluice bench lists those there are`, exitCodes.usage);
    }
  }
  for (const name of chosen) {
    const code = await runFile(`${folder}${benchmarks.get(name)}`, options.json === true ? ['--json'] : []);
    if (code !== 0) throw new CommandError(`the benchmark "${name}" failed with exit code ${code}`);
  }
  return exitCodes.fine;
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
  else if (names.length === 0) io.stdout.write('There are no benchmarks yet.\n');
  else
    io.stdout.write(
      `Benchmarks:\n${names.map((name) => `  ${name}\n`).join('')}Run them with: sluice bench <name>, or sluice bench all\n`,
    );
}

function runFile(file: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file, ...args], { stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? exitCodes.failed));
  });
}
