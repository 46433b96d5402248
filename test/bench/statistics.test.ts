import { describe, expect, it } from 'vitest';
import { Samples } from '../../bench/run/samples.ts';
import { quantile, spreadOf } from '../../bench/run/statistics.ts';
import { formatTable } from '../../bench/run/table.ts';

describe('the statistics of benchmarks', () => {
  it('takes median, least and greatest of unsorted numbers, and changes nothing', () => {
    const values = [10, 9, 2, 33];
    expect(spreadOf(values)).toEqual({ median: 9.5, min: 2, max: 33, count: 4, samples: values });
    expect(values).toEqual([10, 9, 2, 33]);
    expect(spreadOf([7])).toEqual({ median: 7, min: 7, max: 7, count: 1, samples: [7] });
    expect(spreadOf([])).toBeUndefined();
  });

  it('interpolates quantiles', () => {
    expect(quantile([0, 10], 0.25)).toBe(2.5);
    expect(quantile([1, 2, 3], 1)).toBe(3);
  });

  it('keeps rows in the order in which they came, values of a row together', () => {
    const samples = new Samples();
    samples.add('b', 'x', { rate: 3 });
    samples.add('a', 'x', { rate: 1 });
    samples.add('b', 'x', { rate: 5, p50Ms: 1 });
    expect(samples.rows().map(({ workload }) => workload)).toEqual(['b', 'a']);
    expect(samples.rows()[0]?.values).toMatchObject({ rate: { median: 4, count: 2 }, p50Ms: { count: 1 } });
    expect(samples.median('b', 'x', 'rate')).toBe(4);
    expect(samples.median('b', 'y', 'rate')).toBeUndefined();
  });

  it('writes a spread only if there is one, and a dash if nothing was measured', () => {
    const samples = new Samples();
    samples.add('load', 'one', { rate: 1234.5 });
    samples.add('load', 'two', { rate: 1 });
    samples.add('load', 'two', { rate: 3 });
    samples.add('idle', 'one', {});
    const table = formatTable(samples.rows(), [{ name: 'rate', title: 'shares/s', digits: 1 }]);
    expect(table).toBe(
      [
        '             shares/s',
        'load',
        '  one         1,234.5',
        '  two   2.0 [1.0–3.0]',
        'idle',
        '  one               –',
        '',
      ].join('\n'),
    );
  });
});
