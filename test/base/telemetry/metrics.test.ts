import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JudgedShare } from '#base/domain/share';
import { type Verdict, verdicts } from '#base/domain/verdict';
import { type CounterRow, counters } from '#base/telemetry/counters';
import { FixedHistogram } from '#base/telemetry/histogram';
import { createMetrics, type Metrics } from '#base/telemetry/metrics';
import { gaugeNames } from '#base/telemetry/names';
import { judgedShare } from '../../shares/sharelog/fixtures.ts';

function share(verdict: Verdict, difficulty: number, latencyUs: number): JudgedShare {
  return judgedShare({
    verdict,
    latencyUs,
    terms: { difficulty, target: new Uint8Array(32), work: 1n, versionMask: 0 },
  });
}

/** The samples of a scrape by `name{labels}`. */
async function scrape(metrics: Metrics): Promise<Map<string, number>> {
  const lines = (await metrics.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}

describe('the metrics', () => {
  it('has every name from the start, at zero', async () => {
    const samples = await scrape(createMetrics());
    for (const [name] of Object.values(gaugeNames)) expect(samples.get(name), name).toBe(0);
    for (const { name, by } of Object.values(counters).flatMap((group): CounterRow[] => Object.values(group)))
      for (const labels of by ? by.values.map((value) => `{${by.label}="${value}"}`) : [''])
        if (name !== undefined) expect(samples.get(name + labels), name).toBe(0);
    for (const verdict of verdicts) expect(samples.get(`sluice_shares_total{verdict="${verdict}"}`)).toBe(0);
    expect(samples.get('process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect(samples.get('process_cpu_seconds_total')).toBeGreaterThan(0);
    expect([...samples.values()].every(Number.isFinite)).toBe(true);
  });

  it('counts shares by verdict, work, and latency', async () => {
    const metrics = createMetrics();
    metrics.share(share('accepted', 2, 40));
    metrics.share(share('accepted', 3, 1_500));
    metrics.share(share('low-difficulty', 100, 60_000_000));
    for (let round = 0; round < 2; round++) {
      // A scrape changes nothing.
      const samples = await scrape(metrics);
      expect(samples.get('sluice_shares_total{verdict="accepted"}')).toBe(2);
      expect(samples.get('sluice_shares_total{verdict="low-difficulty"}')).toBe(1);
      expect(samples.get('sluice_accepted_difficulty_total')).toBe(5);
      expect(samples.get('sluice_share_verdict_seconds_bucket{le="0.00005"}')).toBe(1);
      expect(samples.get('sluice_share_verdict_seconds_bucket{le="0.0025"}')).toBe(2);
      expect(samples.get('sluice_share_verdict_seconds_bucket{le="10"}')).toBe(2);
      expect(samples.get('sluice_share_verdict_seconds_bucket{le="+Inf"}')).toBe(3);
      expect(samples.get('sluice_share_verdict_seconds_count')).toBe(3);
      expect(samples.get('sluice_share_verdict_seconds_sum')).toBeCloseTo(60.00154, 6);
    }
    expect(metrics.shares()).toMatchObject({ accepted: 2, 'low-difficulty': 1, stale: 0 });
  });

  it('counts connections, blocks and commits', async () => {
    const metrics = createMetrics();
    metrics.opened('tcp');
    metrics.opened('tcp');
    metrics.opened('websocket');
    metrics.closed('tcp');
    metrics.block('accepted');
    metrics.block('accepted');
    metrics.block('orphaned', 'accepted');
    metrics.commit(2);
    const samples = await scrape(metrics);
    expect(samples.get('sluice_connections{transport="tcp"}')).toBe(1);
    expect(samples.get('sluice_connections{transport="websocket"}')).toBe(1);
    expect(samples.get('sluice_connections_opened_total{transport="tcp"}')).toBe(2);
    expect(samples.get('sluice_blocks_total{status="accepted"}')).toBe(2);
    expect(samples.get('sluice_blocks_total{status="orphaned"}')).toBe(0);
    expect(samples.get('sluice_blocks{status="accepted"}')).toBe(1);
    expect(samples.get('sluice_blocks{status="orphaned"}')).toBe(1);
    expect(samples.get('sluice_share_log_commit_seconds_sum')).toBe(0.002);
    expect(metrics.connections()).toEqual({ tcp: 1, tls: 0, websocket: 1 });
    expect(metrics.blocks()).toEqual({ accepted: 1, orphaned: 1, rejected: 0, unknown: 0 });
  });

  it('has no label but those with a closed set of values', async () => {
    const metrics = createMetrics();
    metrics.counts.session.protocolErrors['unknown-method'] = 4;
    const samples = await scrape(metrics);
    expect(samples.get('sluice_protocol_errors_total{kind="unknown-method"}')).toBe(4);
    const labels = new Set([...samples.keys()].flatMap((key) => /\{(.*)=/.exec(key)?.[1] ?? []));
    expect(labels).toEqual(new Set(['verdict', 'transport', 'status', 'kind', 'queue', 'le']));
  });

  it('asks for fresh gauges before each scrape', async () => {
    const metrics = createMetrics();
    let scrapes = 0;
    metrics.onScrape(() => {
      metrics.gauges.jobHeight = 100 + scrapes++;
    });
    expect((await scrape(metrics)).get('sluice_job_height')).toBe(100);
    expect((await scrape(metrics)).get('sluice_job_height')).toBe(101);
  });

  it('can stand side by side', async () => {
    const [one, other] = [createMetrics(), createMetrics()];
    one.counts.pool.jobs += 1;
    expect((await scrape(other)).get('sluice_jobs_total')).toBe(0);
  });
});

describe('a fixed histogram', () => {
  it('counts every observation once, in the first bucket that holds it', () => {
    const bounds = [1, 2, 5];
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 10, noNaN: true })), (values) => {
        const histogram = new FixedHistogram(bounds);
        for (const value of values) histogram.observe(value);
        const expected = [...bounds, Number.POSITIVE_INFINITY].map(
          (bound) => values.filter((value) => value <= bound).length,
        );
        expect(histogram.snapshot().counts).toEqual(expected);
      }),
    );
  });

  it('ignores invalid durations, and refuses bounds that do not rise', () => {
    const histogram = new FixedHistogram([1]);
    histogram.observe(Number.NaN);
    histogram.observe(-1);
    expect(histogram.snapshot()).toEqual({ bounds: [1, Number.POSITIVE_INFINITY], counts: [0, 0], sum: 0 });
    expect(() => new FixedHistogram([1, 1])).toThrow(RangeError);
  });
});
