import { parseArgs } from 'node:util';

/** How much is measured: a first impression, the figures one would quote, or everything. */
export type Size = 'quick' | 'normal' | 'full';

export interface BenchOptions {
  readonly size: Size;
  readonly json: boolean;
}

/** What a benchmark's own process was told; throws where it does not know a word. */
export function benchOptions(args: readonly string[] = process.argv.slice(2)): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: { json: { type: 'boolean' }, quick: { type: 'boolean' }, full: { type: 'boolean' } },
  });
  return { json: values.json === true, size: values.full ? 'full' : values.quick ? 'quick' : 'normal' };
}
