import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { closeAll } from './closing.ts';
import { describeMachine } from './machine.ts';
import { NotRun } from './not-run.ts';
import { type BenchOptions, benchOptions } from './options.ts';
import { Progress } from './progress.ts';
import { root } from './project.ts';
import { Samples } from './samples.ts';
import { type Column, formatTable } from './table.ts';

export interface Benchmark {
  readonly name: string;
  /** The question that it answers. */
  readonly question: string;
  /** Costs that the figures do not include. */
  readonly excludes: string;
  readonly columns: readonly Column[];
  /** It can measure other pools beside Sluice. */
  readonly takesBeside?: boolean;
  /** Steps of progress that `run` will take. */
  steps(options: BenchOptions): number;
  /** Measures. Throws NotRun if the machine lacks something, and any other error if the subject failed. */
  run(context: BenchContext): Promise<void>;
}

export interface BenchContext extends BenchOptions {
  readonly samples: Samples;
  readonly progress: Progress;
  /** A line under the table. */
  note(text: string): void;
}

/** Exit code for words that it does not know. */
const BAD_USAGE = 2;

/** Runs a benchmark as this process: table or JSON on stdout, the result appended under bench/results/. */
export async function runBenchmark(benchmark: Benchmark): Promise<void> {
  let exitCode = BAD_USAGE;
  try {
    const options = benchOptions();
    if (options.beside.length > 0 && !benchmark.takesBeside) throw new Error('it measures nothing beside');
    exitCode = 1;
    await measure(benchmark, options);
  } catch (error) {
    process.stderr.write(`${benchmark.name}: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = exitCode;
  }
}

async function measure(benchmark: Benchmark, options: BenchOptions): Promise<void> {
  const { name, question, excludes, columns } = benchmark;
  const samples = new Samples();
  const notes: string[] = [];
  const machine = describeMachine();
  const progress = new Progress(benchmark.steps(options), !options.json);
  let notRun: string | undefined;
  try {
    await benchmark.run({ ...options, samples, progress, note: (text) => notes.push(text) });
  } catch (error) {
    if (!(error instanceof NotRun)) throw error;
    notRun = error.message;
  } finally {
    progress.end();
    await closeAll();
  }
  const rows = samples.rows();
  const command = commandOf(name, options);
  const result = { benchmark: name, question, excludes, command, ...machine, notRun, columns, rows, notes };
  if (notRun === undefined) append(name, result);
  if (options.json) {
    process.stdout.write(`${JSON.stringify(result)}\n`);
    return;
  }
  const { cpu, cores, node, commit, loadBefore } = machine;
  const where = `${cores} × ${cpu}, Node ${node}, commit ${commit}, load ${loadBefore.toFixed(1)} before`;
  const body = notRun === undefined ? formatTable(rows, columns) : `not run: ${notRun}\n`;
  process.stdout.write(`\n${name}: ${question}\n${where}\n\n${body}${notes.map((note) => `${note}\n`).join('')}`);
}

/** How to run it again. `sluice bench` itself knows no other pools. */
function commandOf(name: string, { size, beside }: BenchOptions): string {
  const program = beside.length === 0 ? `sluice bench ${name}` : `node dist/bench/${name}.bench.js`;
  const others = beside.map(({ text }) => ` --beside "${text}"`).join('');
  return program + (size === 'normal' ? '' : ` --${size}`) + others;
}

function append(name: string, result: object): void {
  const folder = join(root, 'bench/results');
  mkdirSync(folder, { recursive: true });
  appendFileSync(join(folder, `${name}.jsonl`), `${JSON.stringify(result)}\n`);
}
