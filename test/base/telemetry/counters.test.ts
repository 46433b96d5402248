import { PerformanceObserver } from 'node:perf_hooks';
import { describe, expect, it } from 'vitest';
import { type CounterRow, counters, newAllCounts, newCounts, shownCounts } from '#base/telemetry/counters';
import { createMetrics } from '#base/telemetry/metrics';
import { gaugeNames } from '#base/telemetry/names';
import { queueSeries } from '#base/telemetry/queues';

const rows = Object.entries(counters).flatMap(([group, of]) =>
  Object.entries<CounterRow>(of).map(([key, row]) => ({ group, key, row })),
);

/** Times that memory was collected while `act` ran. */
async function collections(act: () => void): Promise<number> {
  let times = 0;
  const observer = new PerformanceObserver((list) => {
    times += list.getEntries().length;
  });
  observer.observe({ entryTypes: ['gc'] });
  act();
  await new Promise((resolve) => setTimeout(resolve, 10));
  observer.disconnect();
  return times;
}

describe('the table of counters', () => {
  it('names no series twice, and nothing after what a miner can choose', () => {
    const names = [
      ...rows.flatMap(({ row }) => row.name ?? []),
      ...Object.values(gaugeNames).map(([name]) => name),
      ...Object.values(queueSeries).map(([name]) => name),
    ];
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^sluice_[a-z0-9_]+$/);
    for (const { row } of rows) for (const value of row.by?.values ?? []) expect(value).toMatch(/^[a-z0-9-]+$/);
  });

  it('includes only counters of the same group', () => {
    for (const { group, row } of rows)
      if (row.includes !== undefined) expect(Reflect.get(counters, group)).toHaveProperty(row.includes);
  });

  it('takes a fraction for each share without allocating it', async () => {
    const { gateway } = newAllCounts();
    const add = (times: number): void => {
      for (let i = 0; i < times; i += 1) gateway.acceptedDifficulty += 1.5;
    };
    add(1e5);
    // 160 MB, if each were a number of its own.
    expect(await collections(() => add(1e7))).toBeLessThan(4);
    expect(gateway.acceptedDifficulty).toBe(1.5 * (1e7 + 1e5));
  });

  it('makes counts at zero, no two the same object', () => {
    const [one, other] = [newAllCounts(), newAllCounts()];
    one.session.timeouts += 1;
    one.session.protocolErrors.unparsable += 1;
    expect(other.session).toEqual(newCounts('session'));
    expect(other.session.protocolErrors).toEqual({
      unparsable: 0,
      'invalid-request': 0,
      'unknown-method': 0,
      'bad-params': 0,
    });
  });

  it('shows each counter under one name', () => {
    const counts = newAllCounts();
    counts.door.limited = 7;
    counts.session.protocolErrors.unparsable = 8;
    const shown = shownCounts(counts);
    expect(shown).toMatchObject({ overLimit: 7, banned: 0, protocolErrors: { unparsable: 8 } });
    const named = rows.filter(({ row }) => row.shown !== undefined);
    expect(Object.keys(shown)).toHaveLength(named.length);
    expect(shown).not.toHaveProperty('accepted');
  });
});

describe('counts that are taken', () => {
  it('are in the series of their rows, as sums if a row includes another', async () => {
    const metrics = createMetrics();
    const door = { ...newCounts('door'), evicted: 5, misbehaved: 2, limited: 3 };
    metrics.take({ door, session: { ...newCounts('session'), timeouts: 4 } });
    metrics.take({ door: { ...door, limited: 9 } });
    const lines = (await metrics.text()).split('\n');
    expect(lines).toContain('sluice_connections_evicted_total 7');
    expect(lines).toContain('sluice_connections_misbehaved_total 2');
    expect(lines).toContain('sluice_connections_over_limit_total 9');
    expect(lines).toContain('sluice_session_timeouts_total 4');
  });

  it('of gateways are added once, whatever is in them', () => {
    const [pool, gateway] = [createMetrics(), createMetrics()];
    const add = (count: number): void => {
      gateway.counts.gateway.containedErrors += count;
      gateway.counts.gateway.acceptedDifficulty += 10 * count;
      gateway.counts.gateway.shares.stale += 100 * count;
      gateway.counts.gateway.everOpened.tls += 1000 * count;
    };
    add(1);
    const first = gateway.tally();
    add(2);
    const second = gateway.tally();
    expect(first.shares.stale).toBe(100);
    pool.absorb(first, undefined);
    pool.absorb(second, first);
    expect(pool.counts.gateway).toEqual(gateway.counts.gateway);
  });
});

describe('a queue', () => {
  it('has its depth, served and dropped entries, and seconds of waiting', async () => {
    const metrics = createMetrics();
    metrics.queues.passwords = { depth: 1, served: 2, dropped: 3, waitedMs: 4500 };
    const lines = (await metrics.text()).split('\n');
    expect(lines).toContain('sluice_queue_depth{queue="passwords"} 1');
    expect(lines).toContain('sluice_queue_served_total{queue="passwords"} 2');
    expect(lines).toContain('sluice_queue_dropped_total{queue="passwords"} 3');
    expect(lines).toContain('sluice_queue_wait_seconds_total{queue="passwords"} 4.5');
    expect(lines).toContain('sluice_queue_depth{queue="sql"} 0');
  });
});
