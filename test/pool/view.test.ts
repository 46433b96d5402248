import { describe, expect, it } from 'vitest';
import { loadConfig } from '#base/config/load';
import type { MinerQuery } from '#base/domain/miner';
import type { QueueCounts } from '#base/domain/queue';
import { createMetrics } from '#base/telemetry/metrics';
import { WorkRate } from '#base/telemetry/work-rate';
import { type GatewayStatus, NO_STATUS } from '#gateway/status';
import { createFindMiner, createStatus, type PoolParts, refreshGauges } from '#pool/view';
import { ManualClock } from '../front/session/support.ts';
import { recordedLogger } from '../support/recorded-logger.ts';

/** Every number of a status another one, so that none can be taken for another. */
function numbered(): GatewayStatus {
  let next = 100;
  const fill = (value: object): object =>
    Object.fromEntries(
      Object.entries(value).map(([key, part]) => [key, typeof part === 'object' ? fill(part) : next++]),
    );
  return fill(NO_STATUS) as GatewayStatus;
}

const queue = (first: number): QueueCounts => ({
  depth: first,
  served: first + 1,
  dropped: first + 2,
  waitedMs: first + 3,
});

function setup() {
  const clock = new ManualClock();
  const metrics = createMetrics();
  const front = numbered();
  const parts = {
    log: { status: () => ({ healthy: true, pendingRows: 1, keptBytes: 2, alarm: 'behind', droppedRows: 5 }) },
    analytics: {
      status: () => ({
        mode: 'embedded',
        reporting: true,
        healthy: true,
        lagRows: 3,
        shippedRows: 4,
        queries: queue(40),
      }),
    },
    ledger: {
      status: () => ({
        reporting: true,
        healthy: false,
        reason: 'x',
        lagRows: 70,
        lagMs: 71_000,
        sealedSerial: 72,
        takenShares: 73,
      }),
    },
    node: {
      status: () => ({ ready: true }),
      watched: () => ({
        clockOffsetSeconds: 6,
        signalsConfigured: 7,
        signalsConnected: 8,
        signalsMissed: 9,
        calls: queue(50),
        urgentCalls: queue(60),
      }),
    },
    jobs: { current: undefined },
    gateway: { status: () => front },
  } as unknown as PoolParts;
  return { clock, metrics, front, parts };
}

describe('the rows that ClickHouse lacks', () => {
  it.each([
    [{ mode: 'embedded', reporting: true, lagRows: 3 }, 3],
    [{ mode: 'embedded', reporting: false, lagRows: 3 }, 70],
    [{ mode: 'off', reporting: false, lagRows: 0 }, 0],
  ])('come from the child, or from the log if the child is silent: %j', async (status, rows) => {
    const { clock, metrics, parts } = setup();
    const analytics = { status: () => ({ ...status, queries: queue(1) }) } as unknown as PoolParts['analytics'];
    const log = { status: () => ({ ...parts.log.status(), keptRows: 70 }) };
    refreshGauges({ ...parts, analytics, log }, metrics, clock);
    expect(await metrics.text()).toMatch(new RegExp(`^sluice_analytics_lag_rows ${rows}$`, 'm'));
  });
});

describe('what the front had to do', () => {
  it('is in the metrics, each number under its name', async () => {
    const { clock, metrics, front, parts } = setup();
    refreshGauges(parts, metrics, clock);
    const text = await metrics.text();
    const { door, listeners, session } = front;
    const expected = {
      sluice_node_clock_offset_seconds: 6,
      sluice_node_signals_configured: 7,
      sluice_node_signals_connected: 8,
      sluice_node_signals_missed_total: 9,
      sluice_share_log_alarm: 1,
      sluice_share_log_dropped_rows_total: 5,
      sluice_ledger_lag_rows: 70,
      sluice_ledger_lag_seconds: 71,
      sluice_ledger_sealed_serial: 72,
      sluice_ledger_shares_total: 73,
      sluice_ledger_ready: 0,
      sluice_sessions: front.sessions,
      sluice_workers: front.workers,
      sluice_shares_in_flight: front.sharesInFlight,
      sluice_connections_refused_total: listeners.refused,
      sluice_connections_banned_total: door.banned,
      sluice_connections_over_limit_total: door.limited,
      sluice_connections_overload_total: door.overloaded,
      sluice_connections_evicted_total: door.evicted + door.misbehaved,
      sluice_connections_misbehaved_total: door.misbehaved,
      sluice_workers_expelled_total: door.expelled,
      sluice_connections_slowed_total: door.slowed,
      sluice_connections_idle_closed_total: door.idle,
      sluice_sessions_shed_total: door.shed,
      sluice_bad_handshakes_total: listeners.badHandshakes,
      sluice_overlong_messages_total: listeners.overlong,
      sluice_slow_readers_total: listeners.slowReaders,
      sluice_connections_over_memory_total: listeners.overMemory,
      sluice_session_timeouts_total: session.timeouts,
      sluice_sessions_resumed_total: session.resumed,
      sluice_sessions_idle_closed_total: session.takenBack,
      sluice_workers_refused_total: session.refusedWorkers,
      sluice_difficulty_changes_total: session.difficultyChanges,
      sluice_shares_shed_total: session.shedShares,
      sluice_oversized_coinbases_total: session.oversizedCoinbases,
      'sluice_queue_depth{queue="sql"}': 40,
      'sluice_queue_served_total{queue="node-calls"}': 51,
      'sluice_queue_dropped_total{queue="node-urgent-calls"}': 62,
      'sluice_queue_wait_seconds_total{queue="passwords"}': front.passwords.waitedMs / 1000,
      'sluice_protocol_errors_total{kind="unparsable"}': session.protocolErrors.unparsable,
      'sluice_protocol_errors_total{kind="bad-params"}': session.protocolErrors['bad-params'],
    };
    for (const [name, value] of Object.entries(expected)) expect(text.split('\n')).toContain(`${name} ${value}`);
  });

  it('is in the status of the pool, each number under its name', () => {
    const { clock, metrics, front, parts } = setup();
    const config = loadConfig({ env: {} });
    const status = createStatus(config, { clock, version: '1' }, parts, metrics, new WorkRate(clock.monotonicMs()))();
    const { door, listeners, session } = front;
    const { accepted, refused, ...shownOut } = listeners;
    const { banned, limited, overloaded, evicted, misbehaved, expelled, slowed, shed, idle } = door;
    const atDoor = {
      refused,
      banned,
      overLimit: limited,
      overloaded,
      evicted,
      misbehaved,
      expelled,
      slowed,
      shed,
      idle,
    };
    expect(status.stratum).toEqual({ ...atDoor, ...shownOut, ...session });
  });
});

describe('the identity of a miner', () => {
  const ADDRESS = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
  const page = { after: undefined, workersMax: 0 };

  function find(authorization: string, answer: () => Promise<undefined> = async () => undefined) {
    const asked: MinerQuery[] = [];
    const config = loadConfig({ env: { SLUICE_STRATUM__AUTHORIZATION: authorization } });
    const gateway = {
      miner: (query: MinerQuery) => {
        asked.push(query);
        return answer();
      },
    } as unknown as PoolParts['gateway'];
    const logger = recordedLogger();
    return { asked, logger, find: createFindMiner(config, gateway, logger) };
  }

  it('is an address of the network in its one spelling, or else a wrong question', async () => {
    const { asked, find: ask } = find('address');
    expect(await ask(ADDRESS.toUpperCase(), page)).toEqual({ kind: 'nobody' });
    expect(asked).toEqual([{ account: ADDRESS, ...page }]);
    for (const wrong of ['', 'me', `${ADDRESS}.rig`, '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa', '__proto__'])
      expect(await ask(wrong, page)).toMatchObject({ kind: 'no-address' });
    expect(asked).toHaveLength(1);
  });

  it('is any name if authorization is open', async () => {
    const { asked, find: ask } = find('open');
    expect(await ask('me', page)).toEqual({ kind: 'nobody' });
    expect(asked).toEqual([{ account: 'me', ...page }]);
  });

  it('fails if a gateway does not answer', async () => {
    const { find: ask } = find('open', async () => {
      throw new Error('a gateway does not answer');
    });
    expect(await ask('me', page)).toMatchObject({ kind: 'unavailable' });
  });

  it('that can not be told is a line of log when that begins and one when it ends, however many ask', async () => {
    let silent = true;
    const { find: ask, logger } = find('open', async () => {
      if (silent) throw new Error('a gateway does not answer');
      return undefined;
    });
    for (let i = 0; i < 100; i += 1) await ask('me', page);
    silent = false;
    for (let i = 0; i < 100; i += 1) await ask('me', page);
    silent = true;
    await ask('me', page);
    expect(logger.lines.map(({ message }) => message)).toEqual([
      'miners can not be looked up',
      'miners can be looked up again',
      'miners can not be looked up',
    ]);
  });
});
