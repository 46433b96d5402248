import { parseArgs } from 'node:util';
import { type Beside, parseBeside } from './beside.ts';

/** How much is measured: a first impression, the figures one would quote, or everything. */
export type Size = 'quick' | 'normal' | 'full';

export interface BenchOptions {
  readonly size: Size;
  readonly json: boolean;
  /** Running pools to be measured in the same rounds. */
  readonly beside: readonly Beside[];
}

/** Where `sluice bench` says how much is to be measured, since not every benchmark has sizes. */
const SIZE_VARIABLE = 'BENCH_SIZE';

/** The options of a benchmark's process. Throws for an unknown word. */
export function benchOptions(args: readonly string[] = process.argv.slice(2)): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean' },
      quick: { type: 'boolean' },
      full: { type: 'boolean' },
      beside: { type: 'string', multiple: true },
    },
  });
  const asked = values.full ? 'full' : values.quick ? 'quick' : process.env[SIZE_VARIABLE];
  return {
    json: values.json === true,
    size: asked === 'full' || asked === 'quick' ? asked : 'normal',
    beside: (values.beside ?? []).map(parseBeside),
  };
}
