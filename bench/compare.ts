import { parseArgs } from 'node:util';
import { type ComparedValue, cautions, compare, type Verdict } from './compare/comparison.ts';
import { readResults } from './compare/results.ts';

/**
 * `sluice bench --compare A B`: what the runs in B say against those in A, with a verdict that knows the noise. Ends with 0 whatever
 * the verdict is, with 1 where a file can not be read, with 2 for other words than two files.
 */
const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean' } } });
const [fileA, fileB, ...more] = positionals;
if (fileA === undefined || fileB === undefined || more.length > 0) {
  process.stderr.write('compare: give two files of results: the one before and the one after\n');
  process.exitCode = 2;
} else {
  try {
    print(fileA, fileB);
  } catch (error) {
    process.stderr.write(`compare: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}

function print(nameA: string, nameB: string): void {
  const [a, b] = [readResults(nameA), readResults(nameB)];
  const compared = compare(a, b);
  if (compared.length === 0) throw new Error(`${nameA} and ${nameB} have nothing in common`);
  const notes = [
    ...cautions(a, b),
    ...[a, b].flatMap(({ file, left }) => left.map((name) => `${file}: ${name} has no rounds to compare`)),
  ];
  if (values.json === true) process.stdout.write(`${JSON.stringify({ compared, notes })}\n`);
  else process.stdout.write(`${[...lines(compared), '', ...summary(compared), ...notes].join('\n')}\n`);
}

function lines(compared: readonly ComparedValue[]): string[] {
  const texts: string[] = [];
  let head = '';
  const width = Math.max(...compared.map(({ subject, value }) => subject.length + value.length + 2));
  for (const { benchmark, workload, subject, value, a, b, difference, verdict } of compared) {
    const title = `${benchmark}, ${workload}`;
    if (title !== head) texts.push(...(head === '' ? [] : ['']), title);
    head = title;
    const figure =
      difference === undefined
        ? 'not above zero'
        : `× ${difference.ratio.toFixed(2)} [${difference.low.toFixed(2)}–${difference.high.toFixed(2)}]`;
    texts.push(
      `  ${`${subject}  ${value}`.padEnd(width)}  ${figure.padEnd(22)} ${painted(verdict)} (${a.length} and ${b.length} rounds)`,
    );
  }
  return texts;
}

const colours: Readonly<Record<Verdict, number>> = { better: 32, worse: 31, differs: 33, "can't tell": 2 };

function painted(verdict: Verdict): string {
  return process.stdout.isTTY && process.env['NO_COLOR'] === undefined
    ? `\u001b[${colours[verdict]}m${verdict}\u001b[0m`
    : verdict;
}

function summary(compared: readonly ComparedValue[]): string[] {
  const count = (verdict: Verdict): number => compared.filter((one) => one.verdict === verdict).length;
  const told = (['better', 'worse', 'differs', "can't tell"] as const).filter((verdict) => count(verdict) > 0);
  return [
    `${told.map((verdict) => `${verdict}: ${count(verdict)}`).join(', ')}, of ${compared.length} values.`,
    'The figure is the median after over the median before, with the bounds of 95 of 100 resamples. Where nothing has changed,',
    'about one value in twenty is called better or worse all the same: look at what comes out again.',
  ];
}
