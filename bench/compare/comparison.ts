import { type Difference, difference } from './difference.ts';
import { type Lot, lotsOf, type Results } from './results.ts';

/** `better` and `worse` say how B stands to A; `differs` where neither more nor less of the value is better. */
export type Verdict = 'better' | 'worse' | 'differs' | "can't tell";

export interface ComparedValue extends Omit<Lot, 'numbers'> {
  readonly a: readonly number[];
  readonly b: readonly number[];
  /** Undefined where a ratio makes no sense: a number is not above zero. */
  readonly difference: Difference | undefined;
  readonly verdict: Verdict;
}

/** Compares what both have. */
export function compare(a: Results, b: Results): ComparedValue[] {
  const others = lotsOf(b);
  return [...lotsOf(a)].flatMap(([key, { numbers, ...lot }]) => {
    const other = others.get(key)?.numbers;
    if (other === undefined) return [];
    const comparable = [...numbers, ...other].every((number) => number > 0);
    const found = comparable ? difference(numbers, other) : undefined;
    return [{ ...lot, a: numbers, b: other, difference: found, verdict: verdictOf(lot.value, found) }];
  });
}

/** Why figures of the two may not be compared: other machines, another Node, a machine that had other work. */
export function cautions(a: Results, b: Results): string[] {
  const notes: string[] = [];
  for (const [name, of] of [
    ['processors', (run) => `${run.cores} × ${run.cpu}`],
    ['versions of Node', (run) => run.node],
  ] satisfies [string, (run: Results['runs'][number]) => string][]) {
    const [ofA, ofB] = [a, b].map(({ runs }) => [...new Set(runs.map(of))].sort().join(', '));
    if (ofA !== ofB) notes.push(`other ${name}: ${ofA} and ${ofB}`);
  }
  for (const { file, runs } of [a, b]) {
    const load = Math.max(...runs.map(({ loadBefore }) => loadBefore));
    if (load > LOAD_MAX) notes.push(`${file}: the machine had other work (load ${load.toFixed(1)} before a run)`);
    if (
      runs.every(({ rows }) => rows.every(({ values }) => Object.values(values).every((v) => v.samples === undefined)))
    )
      notes.push(`${file} was written without its rounds, so only the medians of its runs count`);
  }
  return notes;
}

/** Processes that wanted a core, over the minute before: above it the machine was not the benchmark's alone. */
const LOAD_MAX = 0.5;

function verdictOf(value: string, found: Difference | undefined): Verdict {
  if (!found?.differs) return "can't tell";
  const better = betterOf(value);
  if (better === undefined) return 'differs';
  return found.ratio > 1 === (better === 'more') ? 'better' : 'worse';
}

/** The names of values end in their unit. */
function betterOf(value: string): 'more' | 'less' | undefined {
  if (/[pP]er(Cpu)?Second$/.test(value) || value === 'ofCeiling' || value === 'ofBeside') return 'more';
  if (/(Ms|Micros|Nanos|MicrosPer\w+|nanosPer\w+|kibPer\w+|Mib|S)$/i.test(value) || value === 'cpuOfBeside')
    return 'less';
  return undefined;
}
