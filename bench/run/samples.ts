import { type Spread, spreadOf } from './statistics.ts';

/** Points with rising abscissa. */
export type Curve = readonly (readonly [at: number, value: number])[];
/** What a figure is made of, by name. */
export type Parts = Readonly<Record<string, number>>;

/** What a page draws of a run beside its figures: that of the round whose latency at 99 % is in the middle. */
export interface Drawn {
  /** Latencies, ms, by the part of replies that came no later. */
  readonly latencyMs?: Curve;
  /** CPU time of a share, µs, by what a process runs. */
  readonly cpuMicrosOf?: Parts;
}

/** The measurements of one subject at one workload. Names end in their unit. */
export interface Row {
  readonly workload: string;
  readonly subject: string;
  readonly values: Readonly<Record<string, Spread>>;
  readonly drawn?: Drawn;
}

interface Measured {
  readonly workload: string;
  readonly subject: string;
  readonly values: Map<string, number[]>;
  readonly drawn: Drawn[];
}

/** Collects the measurements of the rounds. */
export class Samples {
  readonly #rows = new Map<string, Measured>();

  add(workload: string, subject: string, values: Readonly<Record<string, number>>, drawn?: Drawn): void {
    const key = `${workload}\n${subject}`;
    const row = this.#rows.get(key) ?? { workload, subject, values: new Map<string, number[]>(), drawn: [] };
    this.#rows.set(key, row);
    for (const [name, value] of Object.entries(values)) {
      row.values.set(name, [...(row.values.get(name) ?? []), value]);
    }
    if (drawn !== undefined) row.drawn.push(drawn);
  }

  /** In the order in which they first came. */
  rows(): Row[] {
    return [...this.#rows.values()].map(({ workload, subject, values, drawn }) => {
      const middle = middleOf(drawn);
      return {
        workload,
        subject,
        values: Object.fromEntries(
          [...values].flatMap(([name, numbers]) => {
            const spread = spreadOf(numbers);
            return spread === undefined ? [] : [[name, spread] as const];
          }),
        ),
        ...(middle && { drawn: middle }),
      };
    });
  }

  /** The median of one value, undefined if it was not measured. */
  median(workload: string, subject: string, name: string): number | undefined {
    return spreadOf(this.#rows.get(`${workload}\n${subject}`)?.values.get(name) ?? [])?.median;
  }
}

/** Of the round in the middle: curves of several rounds have no median that a round has had. */
function middleOf(drawn: readonly Drawn[]): Drawn | undefined {
  const at99 = ({ latencyMs = [] }: Drawn): number => latencyMs.find(([part]) => part === 0.99)?.[1] ?? 0;
  return [...drawn].sort((a, b) => at99(a) - at99(b))[(drawn.length - 1) >> 1];
}
