import { describe, expect, it } from 'vitest';
import { page, type Result } from '../../bench/report/page.ts';
import { dots } from '../../bench/report/plots.ts';
import { scaleFor } from '../../bench/report/scale.ts';
import { Samples } from '../../bench/run/samples.ts';

const HOSTILE = '<script>alert("x")</script>';

function result(over: Partial<Result> = {}): Result {
  const samples = new Samples();
  for (const ms of [30, 10, 20]) {
    const latencyMs = [
      [0, 0.1],
      [0.5, 1],
      [0.99, ms],
      [1, 2 * ms],
    ] as const;
    samples.add(
      '64 × 8',
      'sluice',
      { perSecond: ms * 10, p99Ms: ms },
      { latencyMs, cpuMicrosOf: { main: ms, ledger: 1 } },
    );
    samples.add('64 × 8', HOSTILE, { perSecond: ms * 40, p99Ms: 1 });
  }
  return {
    ...{ benchmark: 'stratum-tcp', question: `How ${HOSTILE}?`, excludes: '', command: 'sluice bench stratum-tcp' },
    ...{
      cpu: HOSTILE,
      cores: 2,
      memoryGiB: 4,
      system: 'linux',
      node: 'v20',
      commit: 'abc',
      date: '2026-01-02T03:04:05Z',
    },
    loadBefore: 0.1,
    columns: [
      { name: 'perSecond', title: 'shares/s', digits: 0 },
      { name: 'p99Ms', title: 'p99 ms', digits: 1 },
    ],
    rows: samples.rows(),
    notes: [`A note ${HOSTILE}`],
    ...over,
  };
}

describe('the page of a report', () => {
  it('has the figures, a plot of each of two columns, the latencies and the parts of the round in the middle', () => {
    const html = page([result()], ['stratum-tcp']);
    expect(html).toContain('200 [100–300]');
    expect([...html.matchAll(/<svg /g)]).toHaveLength(4);
    expect(html).toContain('main: 20');
    expect(html).not.toContain('main: 30');
    expect(html).not.toContain('warning">');
  });

  it('needs no host and no script, and takes every text as text', () => {
    const html = page([result()], []);
    expect(html).not.toMatch(/<script|https?:|src=|@import|url\(/i);
    expect(html).toContain('&#60;script&#62;');
  });

  it('names benchmarks with a loaded machine or without a result', () => {
    const html = page([result({ loadBefore: 3.21 })], ['stratum-tcp', 'memory']);
    expect(html).toContain('the machine had other work (load 3.2 before it)');
    expect(html).toContain('Without a result: memory.');
  });
});

describe('a plot of dots', () => {
  it('has each median where its scale has it, and a line from the least to the greatest', () => {
    const svg = dots(result().rows, { name: 'perSecond', title: 'shares/s', digits: 0 }) ?? '';
    const centres = [...svg.matchAll(/cx="([\d.]+)"/g)].map(([, x]) => Number(x));
    const [low, high] = /x1="([\d.]+)" x2="([\d.]+)" y1="58"/.exec(svg)?.slice(1).map(Number) ?? [];
    // Medians 200 and 800 on a scale from 0 (at 190) on; the first is from 100 to 300.
    expect(((centres[1] ?? 0) - 190) / ((centres[0] ?? 0) - 190)).toBeCloseTo(4, 1);
    expect(((high ?? 0) - 190) / ((low ?? 0) - 190)).toBeCloseTo(3, 1);
  });

  it('is left out if no row has the value', () => {
    expect(dots(result().rows, { name: 'kib', title: '', digits: 0 })).toBeUndefined();
  });
});

describe('a scale', () => {
  it.each([
    [
      [0, 7],
      [0, 2, 4, 6, 8],
    ],
    [
      [90, 100],
      [0, 50, 100],
    ],
    [
      [1, 1000],
      [1, 10, 100, 1000],
    ],
    [[0], [0]],
  ])('for %j has lines at %j', (values, ticks) => {
    expect(scaleFor(values, 0, 100).ticks).toEqual(ticks);
  });

  it('has every value within its bounds', () => {
    for (const values of [
      [0.003, 5],
      [1, 2, 3],
      [0, 1e9],
      [0.5, 0.5],
    ]) {
      const { at } = scaleFor(values, 10, 110);
      for (const value of values) {
        expect(at(value)).toBeGreaterThanOrEqual(10);
        expect(at(value)).toBeLessThanOrEqual(110);
      }
    }
  });
});
