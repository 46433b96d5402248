import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { difference } from '../../bench/compare/difference.ts';
import { Samples } from '../../bench/run/samples.ts';

const main = join(import.meta.dirname, '../../dist/cli/main.js');
const folder = mkdtempSync(join(tmpdir(), 'sluice-compare-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Seeded, so that the share of wrong verdicts below is the same in each run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
}

/** Rounds with a spread of about a tenth, as the same test of the same pool has on a shared machine. */
function rounds(random: () => number, count: number, middle: number): number[] {
  return Array.from({ length: count }, () => middle * Math.exp(0.2 * (random() + random() + random() - 1.5)));
}

function resultFile(name: string, ...runs: { benchmark: string; values: Record<string, number>[] }[]): string {
  const file = join(folder, name);
  const lines = runs.map(({ benchmark, values }) => {
    const samples = new Samples();
    for (const one of values) samples.add('64 × 8', 'sluice', one);
    return JSON.stringify({ benchmark, cpu: 'one', cores: 2, node: 'v20', loadBefore: 0, rows: samples.rows() });
  });
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

const steady = (middle: number, part: number) =>
  Array.from({ length: 6 }, (_, i) => ({
    acceptedPerSecond: middle * (1 + i / 100),
    p99Ms: 1 / middle,
    open: 5,
    // Its own noise hides the part that is added.
    cpuMicrosPerShare: (1 + (i % 3)) * part,
  }));

describe('the difference of two lots', () => {
  it('is called one in at most one of twenty pairs of lots that do not differ', () => {
    const random = generator(7);
    const pairs = 160;
    let wrong = 0;
    for (let i = 0; i < pairs; i += 1) {
      if (difference(rounds(random, 6, 100), rounds(random, 6, 100)).differs) wrong += 1;
    }
    expect(wrong / pairs).toBeLessThanOrEqual(0.05);
  });

  it('is seen in nine of ten pairs of six rounds if it is a third, and its interval has the true ratio', () => {
    const random = generator(11);
    let [seen, covered] = [0, 0];
    for (let i = 0; i < 100; i += 1) {
      const { differs, low, high } = difference(rounds(random, 6, 100), rounds(random, 6, 133));
      if (differs) seen += 1;
      if (low <= 1.33 && high >= 1.33) covered += 1;
    }
    expect(seen).toBeGreaterThanOrEqual(90);
    expect(covered).toBeGreaterThanOrEqual(85);
  });

  it('is never called one from three rounds against three, and from four against four only if none lies between', () => {
    expect(difference([1, 2, 3], [100, 101, 102])).toMatchObject({ differs: false, chance: 0.1 });
    expect(difference([1, 2, 3, 4], [100, 101, 102, 103])).toMatchObject({ differs: true, chance: 2 / 70 });
    expect(difference([1, 2, 3, 100.5], [100, 101, 102, 103]).differs).toBe(false);
  });

  it('is none between equal numbers', () => {
    expect(difference([5, 5, 5, 5, 5], [5, 5, 5, 5, 5])).toMatchObject({ ratio: 1, low: 1, high: 1, chance: 1 });
  });
});

describe('sluice bench --compare', () => {
  const before = resultFile('before.json', { benchmark: 'stratum-tcp', values: steady(100, 1) });
  const compare = (...args: string[]) =>
    spawnSync(process.execPath, [main, 'bench', '--compare', ...args], { encoding: 'utf8' });

  it('says for each value whether it is better, worse or can not be told', () => {
    const after = resultFile('after.json', { benchmark: 'stratum-tcp', values: steady(150, 1.05) });
    const out = execFileSync(process.execPath, [main, 'bench', '--json', '--compare', before, after], {
      encoding: 'utf8',
    });
    const { compared } = JSON.parse(out) as {
      compared: { value: string; verdict: string; difference: { ratio: number } }[];
    };
    const verdicts = Object.fromEntries(compared.map(({ value, verdict }) => [value, verdict]));
    expect(verdicts).toEqual({
      acceptedPerSecond: 'better',
      p99Ms: 'better',
      open: "can't tell",
      cpuMicrosPerShare: "can't tell",
    });
    expect(compared[0]?.difference.ratio).toBeCloseTo(1.5);
    const back = compare(after, before);
    expect(back.stdout).toMatch(/acceptedPerSecond +× 0\.67 \[0\.\d\d–0\.\d\d\] +worse \(6 and 6 rounds\)/);
    expect(back.stdout).not.toContain('\u001b');
  });

  it('takes the rounds of several runs together, and says what is not comparable', () => {
    const runs = Array.from({ length: 2 }, () => ({ benchmark: 'log', values: steady(10, 1).slice(0, 2) }));
    const twice = resultFile('twice.jsonl', ...runs);
    writeFileSync(join(folder, 'other.json'), `${JSON.stringify({ benchmark: 'older', nanoseconds: {} })}\n`, {
      flag: 'a',
    });
    writeFileSync(
      join(folder, 'other.json'),
      JSON.stringify({
        ...runs[0],
        loadBefore: 3,
        node: 'v22',
        rows: [{ workload: '64 × 8', subject: 'sluice', values: { p99Ms: { median: 1 } } }],
      }),
      { flag: 'a' },
    );
    const { stdout, status } = compare(twice, join(folder, 'other.json'));
    expect(status).toBe(0);
    expect(stdout).toContain("can't tell (4 and 1 rounds)");
    expect(stdout).toContain('other versions of Node: v20 and v22');
    expect(stdout).toContain('had other work (load 3.0 before a run)');
    expect(stdout).toContain('older has no rounds to compare');
    expect(stdout).toContain('without its rounds');
  });

  it.each([
    ['nothing', '', /has no run that can be compared/],
    ['no JSON', '{"benchmark":', /line 1 is no JSON/],
    ['another object', '{"a":1}', /line 1 is no result of a benchmark/],
    [
      'a number that is none',
      '{"benchmark":"log","rows":[{"workload":"","subject":"","values":{"a":{"median":1e999}}}]}',
      /has no run/,
    ],
  ])('refuses a file with %s, and names it', (_, text, reason) => {
    const bad = join(folder, 'bad.json');
    writeFileSync(bad, text);
    const { status, stderr } = compare(before, bad);
    expect(status).toBe(1);
    expect(stderr).toMatch(reason);
    expect(stderr).toContain(bad);
  });

  it('wants two files', () => {
    expect(compare(before)).toMatchObject({ status: 2, stdout: '' });
  });
});
