import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';

/** Runs subjects in turns, so that other work on the machine affects all of them. */

/** Something that does `count` units of work, from the `first` on, and says how much CPU time it took, ns. */
export interface Contender {
  readonly name: string;
  run(first: number, count: number): Promise<number> | number;
}

/** Nanoseconds of CPU time for one unit of work. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface InterleaveOptions {
  readonly rounds: number;
  /** CPU time of one contender before it counts: the optimising compiler must be through with it. */
  readonly warmUpMs: number;
  /** Length of one sample, as CPU time. */
  readonly sampleMs: number;
  /** Units come in multiples of this. */
  readonly step: number;
}

/** Warms all up, then lets them take turns. Units are numbered on, so that none is done twice. */
export async function interleave(
  contenders: readonly Contender[],
  { rounds, warmUpMs, sampleMs, step }: InterleaveOptions,
): Promise<Map<string, Spread>> {
  const counts = new Map<Contender, number>();
  let first = 0;
  for (const contender of contenders) {
    let count = step;
    for (let spentNs = 0; spentNs < warmUpMs * 1e6; ) {
      const tookNs = await contender.run(first, count);
      first += count;
      spentNs += tookNs;
      if (tookNs < (sampleMs * 1e6) / 2) count *= 2;
    }
    counts.set(contender, count);
  }
  const samples = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const contender of contenders) {
      const count = counts.get(contender) ?? step;
      samples.get(contender.name)?.push((await contender.run(first, count)) / count);
      first += count;
    }
  }
  return new Map([...samples].map(([name, values]) => [name, spread(values)]));
}

function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  return { median: at(sorted.length >> 1), min: at(0), max: at(sorted.length - 1) };
}

/** CPU time that this process took for it, ns. */
export function cpuTimeNs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) * 1000;
}

/** The conditions of a result. */
export function machine(): Readonly<Record<string, string>> {
  const [first] = cpus();
  return {
    cpu: `${first?.model.trim() ?? 'unknown'} × ${cpus().length}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    node: `${process.version}, V8 ${process.versions.v8}`,
    commit: commit(),
  };
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return 'unknown';
  }
}
