/**
 * How long the fuzzers run. With `npm test` briefly and always the same; with FUZZ_RUNS (`npm run fuzz`) as often as it
 * says, from a seed that is new each time unless FUZZ_SEED names one. A failure prints its seed and path; what it found goes
 * into the corpus.
 */
const given = process.env['FUZZ_RUNS'];
const runs = given === undefined ? undefined : Number(given);
const seed = process.env['FUZZ_SEED'] === undefined ? undefined : Number(process.env['FUZZ_SEED']);
if (Number.isNaN(runs) || Number.isNaN(seed)) throw new Error('FUZZ_RUNS and FUZZ_SEED are numbers');

/** `usual`: runs with `npm test`; `weight`: how much slower one is than the others. */
export function fuzz(usual: number, weight = 1): { readonly numRuns: number; readonly seed?: number } {
  if (runs === undefined) return { numRuns: usual, seed: seed ?? 0x51_01ce };
  return { numRuns: Math.max(1, Math.ceil(runs / weight)), ...(seed !== undefined && { seed }) };
}

/** For the longest run that anybody asks for. */
export const fuzzMsMax = runs === undefined ? 60_000 : 6 * 60 * 60 * 1000;
