import { verdicts } from '#base/domain/verdict';

/**
 * Every counter of the pool. A counter is declared only here: its field, the sum over gateways, its series in `/metrics` and its number
 * in `/api/v1/pool` follow from its row. Counters never fall.
 */
export interface CounterRow {
  /** In `/metrics`; without a name it is not there. */
  readonly name?: `sluice_${string}`;
  readonly help: string;
  /** A counter of the same group that the series includes. */
  readonly includes?: string;
  /** A series for each of a closed set of values. Never anything that a miner can choose. */
  readonly by?: { readonly label: string; readonly values: readonly string[] };
  /** Under `stratum` in `/api/v1/pool`: by its own name (true), or another. */
  readonly shown?: true | string;
}

/** Why a Stratum message was no valid request. */
export const protocolFaults = ['unparsable', 'invalid-request', 'unknown-method', 'bad-params'] as const;
export const transports = ['tcp', 'tls', 'websocket'] as const;
export const blockStatuses = ['accepted', 'orphaned', 'rejected', 'unknown'] as const;

/** By what counts them. */
export const counters = {
  /** A process that miners are connected to. */
  gateway: {
    shares: {
      name: 'sluice_shares_total',
      help: 'Submissions by verdict',
      by: { label: 'verdict', values: verdicts },
    },
    acceptedDifficulty: {
      name: 'sluice_accepted_difficulty_total',
      help: 'Sum of the difficulty of accepted shares; × 2^32 = hashes',
    },
    everOpened: {
      name: 'sluice_connections_opened_total',
      help: 'Stratum connections since the start',
      by: { label: 'transport', values: transports },
    },
    containedErrors: {
      name: 'sluice_contained_errors_total',
      help: 'Unexpected errors that ended one session or one step: please report them',
    },
  },
  /** Listeners: connections that did not come in, or did not end by themselves. */
  listeners: {
    accepted: { help: 'Connections accepted and passed to a session' },
    badHandshakes: {
      name: 'sluice_bad_handshakes_total',
      help: 'TLS handshakes and PROXY headers that failed or came too late',
      shown: true,
    },
    overlong: {
      name: 'sluice_overlong_messages_total',
      help: 'Connections closed for a message over the length limit',
      shown: true,
    },
    slowReaders: {
      name: 'sluice_slow_readers_total',
      help: 'Connections closed because they did not read what was sent',
      shown: true,
    },
    overMemory: {
      name: 'sluice_connections_over_memory_total',
      help: 'Connections closed because too many bytes waited in memory, and most of them for these connections',
      shown: true,
    },
    refused: {
      name: 'sluice_connections_refused_total',
      help: 'Stratum connections refused at the door',
      shown: true,
    },
  },
  /** The door: refused and closed connections, by reason. */
  door: {
    banned: { name: 'sluice_connections_banned_total', help: 'Of those, from addresses that are banned', shown: true },
    limited: {
      name: 'sluice_connections_over_limit_total',
      help: 'Of those, over a limit on connections or handshakes',
      shown: 'overLimit',
    },
    overloaded: {
      name: 'sluice_connections_overload_total',
      help: 'Of those, because the event loop could not keep up',
      shown: true,
    },
    evicted: {
      name: 'sluice_connections_evicted_total',
      help: 'Connections closed because of a ban or their own conduct',
      includes: 'misbehaved',
      shown: true,
    },
    misbehaved: {
      name: 'sluice_connections_misbehaved_total',
      help: 'Of those, for their own conduct alone',
      shown: true,
    },
    expelled: {
      name: 'sluice_workers_expelled_total',
      help: 'Workers expelled from a connection, or refused on one, for their conduct',
      shown: true,
    },
    slowed: {
      name: 'sluice_connections_slowed_total',
      help: 'New connections delayed for the conduct of their address',
      shown: true,
    },
    shed: {
      name: 'sluice_sessions_shed_total',
      help: 'Noisy sessions closed because the event loop could not keep up',
      shown: true,
    },
    idle: {
      name: 'sluice_connections_idle_closed_total',
      help: 'Connections without an accepted share, closed to make room',
      shown: true,
    },
  },
  session: {
    refusedWorkers: { name: 'sluice_workers_refused_total', help: 'Names that were not authorised', shown: true },
    difficultyChanges: {
      name: 'sluice_difficulty_changes_total',
      help: "Changes of a session's difficulty",
      shown: true,
    },
    timeouts: {
      name: 'sluice_session_timeouts_total',
      help: 'Sessions closed for not subscribing, not authorising, or silence',
      shown: true,
    },
    takenBack: {
      name: 'sluice_sessions_idle_closed_total',
      help: 'Sessions without an accepted share, closed because no extranonce was free for others',
      shown: true,
    },
    resumed: {
      name: 'sluice_sessions_resumed_total',
      help: 'Clients that came back and went on with their extranonce and jobs',
      shown: true,
    },
    shedShares: {
      name: 'sluice_shares_shed_total',
      help: "Shares over their budget below the pool's minimum difficulty, which count only if they are blocks",
      shown: true,
    },
    oversizedCoinbases: {
      name: 'sluice_oversized_coinbases_total',
      help: 'Jobs sent to devices whose coinbase limit they exceed',
      shown: true,
    },
    protocolErrors: {
      name: 'sluice_protocol_errors_total',
      help: 'Invalid requests',
      by: { label: 'kind', values: protocolFaults },
      shown: true,
    },
  },
  /** The header hashes that duplicates are known by. */
  seen: {
    closedEarly: {
      name: 'sluice_jobs_closed_early_total',
      help: 'Old jobs closed to make room for the header hashes of newer ones',
    },
  },
  pool: {
    jobs: { name: 'sluice_jobs_total', help: 'Jobs made' },
    cleanJobs: { name: 'sluice_clean_jobs_total', help: 'Jobs made because the tip changed' },
    blocks: {
      name: 'sluice_blocks_total',
      help: 'Block candidates found since the start, by the first answer of the nodes',
      by: { label: 'status', values: blockStatuses },
    },
  },
  node: {
    signalsMissed: {
      name: 'sluice_node_signals_missed_total',
      help: 'Blocks that polling found and no ZeroMQ endpoint signalled',
    },
  },
  log: {
    droppedRows: {
      name: 'sluice_share_log_dropped_rows_total',
      help: 'Rows dropped from a share log that nobody reads',
    },
  },
  analytics: { shippedRows: { name: 'sluice_analytics_rows_total', help: 'Rows that ClickHouse took' } },
  ledger: {
    takenShares: { name: 'sluice_ledger_shares_total', help: 'Accepted shares that the ledger has ever taken' },
  },
  http: {
    requests: { name: 'sluice_http_requests_total', help: 'HTTP requests' },
    refused: {
      name: 'sluice_http_refused_total',
      help: 'HTTP connections closed at accept: banned, or over a limit',
    },
    limited: {
      name: 'sluice_http_limited_total',
      help: 'HTTP requests refused: too many from one address, or in total',
    },
    faults: { name: 'sluice_http_faults_total', help: 'HTTP requests answered 500' },
    restarts: { name: 'sluice_http_restarts_total', help: 'Restarts of the HTTP process' },
  },
} as const satisfies Record<string, Record<string, CounterRow>>;

type Counters = typeof counters;
export type CounterGroup = keyof Counters;
type CountOf<Row> = Row extends { readonly by: { readonly values: readonly (infer V extends string)[] } }
  ? Record<V, number>
  : number;

/** The counts of a group, to be added to: a number each, or one for each value of its label. */
export type Counts<G extends CounterGroup> = { -readonly [K in keyof Counters[G]]: CountOf<Counters[G][K]> };
export type AllCounts = { readonly [G in CounterGroup]: Counts<G> };

/** The groups that `/api/v1/pool` shows. */
type ShownGroup = 'listeners' | 'door' | 'session';
type ShownOf<Group> = {
  readonly [K in keyof Group as Group[K] extends { readonly shown: infer S extends true | string }
    ? S extends string
      ? S
      : K
    : never]: Readonly<CountOf<Group[K]>>;
};
/** What `/api/v1/pool` has under `stratum`. */
export type ShownCounts = ShownOf<Counters['listeners']> & ShownOf<Counters['door']> & ShownOf<Counters['session']>;

/** The counters of a group, their keys first. */
export function rowsOf(group: CounterGroup): [key: string, row: CounterRow][] {
  return Object.entries(counters[group]);
}

/**
 * The class of count objects. V8 would give plain objects the hidden class of the table's groups, whose members are objects, and would
 * allocate a number for each addition of a fraction, once a share.
 */
class CountGroup {}

/** The counts of a group at zero. */
export function newCounts<G extends CounterGroup>(group: G): Counts<G> {
  const zero = ({ by }: CounterRow): unknown => (by ? zeros(by.values) : 0);
  const counts = Object.fromEntries(rowsOf(group).map(([key, row]) => [key, zero(row)]));
  return Object.assign(new CountGroup(), counts) as Counts<G>;
}

export function newAllCounts(): AllCounts {
  const groups = Object.keys(counters) as CounterGroup[];
  return Object.fromEntries(groups.map((group) => [group, newCounts(group)])) as unknown as AllCounts;
}

export function shownCounts(counts: { readonly [G in ShownGroup]: Readonly<Counts<G>> }): ShownCounts {
  const groups: readonly ShownGroup[] = ['listeners', 'door', 'session'];
  const shown = groups.flatMap((group) =>
    rowsOf(group).flatMap(([key, { shown: name }]) =>
      name === undefined ? [] : [[name === true ? key : name, Reflect.get(counts[group], key)] as const],
    ),
  );
  return Object.fromEntries(shown) as unknown as ShownCounts;
}

export function zeros<K extends string>(keys: readonly K[]): Record<K, number> {
  return Object.fromEntries(keys.map((key) => [key, 0])) as Record<K, number>;
}
