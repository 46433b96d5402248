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
    name: 'templates',
    comment: 'one row for each block template that became a job',
    columns: [
      time('when the job was announced'),
      NODE,
      column('job_id', 'String', 'of table jobs'),
      column('height', 'UInt32', 'of the block being mined'),
      column('transactions', 'UInt32', 'beside the coinbase'),
      column('bytes', 'UInt64', 'of these transactions, with witness'),
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
    comment: 'starts, bans and outages beside the shares, and what was left out of this table',
    columns: [
      time('when it happened'),
      NODE,
      column('kind', 'LowCardinality(String)', 'start, stop, ban, unban, outage, outage-over or dropped'),
      column('subject', 'String', 'an address, a version, a table'),
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

/** The tables of schema 6. */
export function factsOf6(database: string): readonly string[] {
  return factTables.map((table) => createTable(database, table));
}
