import { type ColumnDefinition, createTable, type TableDefinition } from './table.ts';

const column = (name: string, type: string, comment: string, codec?: string): ColumnDefinition => ({
  name,
  type,
  comment,
  ...(codec !== undefined && { codec }),
});

const NODE = column('node', 'LowCardinality(String)', 'which pool of several: the name in its config');
const TIME = "DateTime64(3, 'UTC')";
const time = (comment: string): ColumnDefinition => column('time', TIME, comment, 'Delta(8), ZSTD(1)');
const revision = column('revision', 'UInt64', 'the row with the greatest holds: read with FINAL');
const ACCOUNT = column('account', 'String', 'payable address');

/** What happened at the pool beside its shares. */
const happenings: readonly TableDefinition[] = [
  {
    name: 'sessions',
    comment: 'one row for each connection that logged in: when it did, and again when it ended (FINAL)',
    columns: [
      time('when it was connected'),
      NODE,
      column('session', 'UInt64', 'as in shares; unique together with node'),
      column('ended', TIME, 'when it ended; 1970 if it had not, when this was last written'),
      column('why', 'LowCardinality(String)', 'why it ended: the pool\'s reason, or "left"; empty while it is open'),
      column('transport', 'LowCardinality(String)', 'tcp, tls or websocket'),
      column('tls', 'Bool', 'encrypted by this pool'),
      column('remote_ip', 'String', 'address of the client, as text'),
      column('user_agent', 'String', 'from mining.subscribe', 'ZSTD(1)'),
      column('account', 'String', 'payable address of the first worker that was authorised'),
      column('workers', 'UInt32', 'workers authorised at that time; at its end: just before'),
      revision,
    ],
    engine: 'ReplacingMergeTree(revision)',
    partition: 'toYYYYMM(time)',
    order: '(node, session)',
  },
  {
    name: 'difficulty_changes',
    comment: 'each new difficulty of a session',
    columns: [
      time('when it was set'),
      NODE,
      column('session', 'UInt64', 'as in shares'),
      ACCOUNT,
      column('worker', 'String', 'of the worker that was authorised first'),
      column('before', 'Float64', 'difficulty until then; 0 for the first'),
      column('difficulty', 'Float64', 'difficulty from then on'),
    ],
    engine: 'MergeTree',
    partition: 'toYYYYMM(time)',
    order: '(toStartOfHour(time), account, worker, time)',
  },
  {
    name: 'templates',
    comment: 'one row for each block template that became a job',
    columns: [
      time('when the job was announced'),
      NODE,
      column('job_id', 'String', 'of table jobs'),
      column('height', 'UInt32', 'of the block being mined'),
      column(
        'source',
        'LowCardinality(String)',
        'the Bitcoin node that gave it, without user and password; empty: the simulated one',
      ),
      column('transactions', 'UInt32', 'beside the coinbase'),
      column('bytes', 'UInt64', 'of these transactions, with witness'),
      column('weight', 'UInt64', 'of these transactions, weight units'),
      column('fees_sats', 'UInt64', 'reward less subsidy, satoshis'),
      column('fetch_ms', 'Float64', 'ms from asking the node to having the template'),
      column('announce_ms', 'Float64', 'ms from having it to the last notify of this process'),
    ],
    engine: 'MergeTree',
    partition: 'toYYYYMM(time)',
    order: '(time, job_id)',
  },
  {
    name: 'events',
    comment: 'bans, node switches, starts, alarms, and what was left out of these tables',
    columns: [
      time('when it happened'),
      NODE,
      column('kind', 'LowCardinality(String)', 'start, stop, ban, unban, node, outage, outage-over, dropped'),
      column('subject', 'String', 'an address, a node, a table'),
      column('detail', 'String', 'why, in words'),
      column('count', 'UInt64', 'how many of them: 1, or for "dropped" the rows that were left out'),
    ],
    engine: 'MergeTree',
    partition: 'toYYYYMM(time)',
    order: '(time, kind, subject)',
  },
];

/** Copies of what the ledger has: it is the record, and these can be filled from it again. */
const money: readonly TableDefinition[] = [
  {
    name: 'slices',
    comment: "the ledger's sum of each account's accepted work on each sealed job (FINAL)",
    columns: [
      column('time', TIME, 'when the job was made', 'Delta(8), ZSTD(1)'),
      NODE,
      column('job_id', 'String', 'of table jobs', 'ZSTD(1)'),
      column('height', 'UInt32', 'of the block being mined', 'Delta(4), ZSTD(1)'),
      ACCOUNT,
      column('work', 'UInt128', 'expected hashes', 'ZSTD(1)'),
      column('shares', 'UInt64', 'accepted submissions', 'ZSTD(1)'),
    ],
    engine: 'ReplacingMergeTree',
    partition: 'toYYYYMM(time)',
    order: '(node, job_id, account)',
  },
  {
    name: 'credits',
    comment: "how the ledger divides each block's reward (FINAL)",
    columns: [
      column('time', TIME, 'when the block was found'),
      NODE,
      column('hash', 'String', 'of the block, hex, as explorers show it', 'ZSTD(1)'),
      column('height', 'UInt32', 'of the block'),
      column(
        'status',
        'LowCardinality(String)',
        'of the block: found, confirmed, mature or orphaned; orphaned: not owed',
      ),
      ACCOUNT,
      column('sats', 'UInt64', 'credited, satoshis'),
      column('direct_sats', 'UInt64', 'of these, paid by the coinbase itself'),
      column('work', 'UInt128', 'expected hashes that were counted for the account'),
      revision,
    ],
    engine: 'ReplacingMergeTree(revision)',
    partition: 'toYYYYMM(time)',
    order: '(node, hash, account)',
  },
  {
    name: 'payouts',
    comment: 'what each payout takes from each account (FINAL)',
    columns: [
      column('time', TIME, 'when the payout was planned'),
      NODE,
      column('payout', 'String', 'its id, as in sluice payout show'),
      column(
        ...(['state', 'LowCardinality(String)'] as const),
        'funded, exported, signed, sent, seen, confirmed, settled, unpaid or cancelled',
      ),
      column('changed', TIME, 'when the state was last written'),
      column('txid', 'String', 'of the transaction in the chain; empty if there is none yet'),
      ACCOUNT,
      column('address', 'String', 'that is paid'),
      column('sats', 'UInt64', 'taken from the account, satoshis'),
      column('fee_sats', 'UInt64', "of these, the account's part of the network's fee"),
      revision,
    ],
    engine: 'ReplacingMergeTree(revision)',
    partition: 'toYYYYMM(time)',
    order: '(node, payout, account)',
  },
];

export const factTables: readonly TableDefinition[] = [...happenings, ...money];

/** The tables of schema 5. */
export function factsOf5(database: string): readonly string[] {
  return factTables.map((table) => createTable(database, table));
}
