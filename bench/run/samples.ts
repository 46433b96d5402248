import { type Spread, spreadOf } from './statistics.ts';

/** The measurements of one subject at one workload. Names end in their unit. */
export interface Row {
  readonly workload: string;
  readonly subject: string;
  readonly values: Readonly<Record<string, Spread>>;
}

/** Collects the measurements of the rounds. */
export class Samples {
  readonly #rows = new Map<string, { workload: string; subject: string; values: Map<string, number[]> }>();

  add(workload: string, subject: string, values: Readonly<Record<string, number>>): void {
    const key = `${workload}\n${subject}`;
    const row = this.#rows.get(key) ?? { workload, subject, values: new Map<string, number[]>() };
    this.#rows.set(key, row);
    for (const [name, value] of Object.entries(values)) {
      row.values.set(name, [...(row.values.get(name) ?? []), value]);
    }
  }

  /** In the order in which they first came. */
  rows(): Row[] {
    return [...this.#rows.values()].map(({ workload, subject, values }) => ({
      workload,
      subject,
      values: Object.fromEntries(
        [...values].flatMap(([name, numbers]) => {
          const spread = spreadOf(numbers);
          return spread === undefined ? [] : [[name, spread] as const];
        }),
      ),
    }));
  }

  /** The median of one value, undefined if it was not measured. */
  median(workload: string, subject: string, name: string): number | undefined {
    return spreadOf(this.#rows.get(`${workload}\n${subject}`)?.values.get(name) ?? [])?.median;
  }
}
