import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';

const spread = z.object({ median: z.number(), samples: z.array(z.number().finite()).optional() });
const run = z.object({
  benchmark: z.string(),
  commit: z.string().default('unknown'),
  cpu: z.string().default('unknown'),
  cores: z.number().default(0),
  node: z.string().default('unknown'),
  loadBefore: z.number().default(0),
  rows: z.array(z.object({ workload: z.string(), subject: z.string(), values: z.record(z.string(), spread) })),
});

/** One run of a benchmark, as it is in bench/results/ and as `--json` prints it. */
export type BenchRun = z.infer<typeof run>;

/** What a file has, and what of it can not be compared. */
export interface Results {
  readonly file: string;
  readonly runs: readonly BenchRun[];
  /** Benchmarks that have no rounds: their runs are left out. */
  readonly left: readonly string[];
}

/** Reads runs, a JSON object a line. Throws an Error that names the file and the line. */
export function readResults(file: string): Results {
  if (!statSync(file).isFile()) throw new Error(`${file} is no file`);
  const runs: BenchRun[] = [];
  const left = new Set<string>();
  for (const [index, text] of readFileSync(file, 'utf8').split('\n').entries()) {
    if (text.trim() === '') continue;
    const object = parse(text, `${file}, line ${index + 1}`);
    const parsed = run.safeParse(object);
    const name = (object as { readonly benchmark?: unknown } | null)?.benchmark;
    if (parsed.success) runs.push(parsed.data);
    else if (typeof name === 'string') left.add(name);
    else throw new Error(`${file}, line ${index + 1} is no result of a benchmark`);
  }
  if (runs.length === 0) throw new Error(`${file} has no run that can be compared`);
  return { file, runs, left: [...left] };
}

/** All measurements of one value, over all runs of a file, under `benchmark`, `workload`, `subject` and name. */
export interface Lot {
  readonly benchmark: string;
  readonly workload: string;
  readonly subject: string;
  readonly value: string;
  readonly numbers: readonly number[];
}

/** In the order in which they first came. Runs that were kept without their rounds count with their medians. */
export function lotsOf({ runs }: Results): Map<string, Lot> {
  const lots = new Map<string, Lot & { readonly numbers: number[] }>();
  for (const { benchmark, rows } of runs) {
    for (const { workload, subject, values } of rows) {
      for (const [value, { median, samples }] of Object.entries(values)) {
        const key = JSON.stringify([benchmark, workload, subject, value]);
        const lot = lots.get(key) ?? { benchmark, workload, subject, value, numbers: [] };
        lots.set(key, lot);
        lot.numbers.push(...(samples ?? [median]));
      }
    }
  }
  return lots;
}

function parse(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${where} is no JSON`);
  }
}
