import { quoted } from '../warehouse.ts';
import { type ColumnDefinition, columnSql } from './table.ts';

const column = (name: string, type: string, comment: string, codec?: string): ColumnDefinition => ({
  name,
  type,
  comment,
  ...(codec !== undefined && { codec }),
});

const NODE = column('node', 'LowCardinality(String)', 'which pool of several: the name in its config');
const TIME = "DateTime64(3, 'UTC')";

/**
 * The tables before schema 5: each column with a comment, and with the codec that is the smallest of those tried, if it beats LZ4
 * (the guide has the bytes a row). Hex stays text: under ZSTD the 16 digits of a counter take no more than its bytes would.
 */
const KNOWN: Readonly<Record<string, { readonly comment: string; readonly columns: readonly ColumnDefinition[] }>> = {
  shares: {
    comment: 'one row for each submission, accepted or not; give a range of time, and an account if you can',
    columns: [
      column('time', TIME, 'when the line arrived', 'Delta(8), ZSTD(1)'),
      NODE,
      column('account', 'String', 'payable address; empty if nobody was authorised under that name'),
      column('worker', 'String', 'what follows the address; the whole name as sent if account is empty'),
      column('session', 'UInt64', 'one connection; unique together with node', 'ZSTD(1)'),
      column('job_id', 'String', 'of table jobs; as sent if the job is not known', 'ZSTD(3)'),
      column('height', 'UInt32', 'of the block being mined; 0 if the job is not known', 'Delta(4), ZSTD(1)'),
      column(
        ...(['difficulty', 'Float64'] as const),
        "of the job, as promised to the session; the network's for a block that falls short of that",
        'ZSTD(1)',
      ),
      column('work', 'UInt128', 'expected hashes of a share at that difficulty', 'ZSTD(1)'),
      column('share_difficulty', 'Float64', 'achieved; 0 if nothing was hashed', 'ZSTD(1)'),
      column('verdict', 'LowCardinality(String)', 'accepted, or the reason code'),
      column('block', 'Bool', 'the hash also meets the network target'),
      column('extranonce1', 'String', 'hex'),
      column('extranonce2', 'String', 'hex', 'ZSTD(1)'),
      column('ntime', 'UInt32', 'of the header, UNIX s', 'DoubleDelta, ZSTD(1)'),
      column('nonce', 'UInt32', 'of the header', 'NONE'),
      column('version', 'UInt32', 'of the header, with the rolled bits', 'T64, ZSTD(1)'),
      column(
        ...(['job_variant', 'UInt32'] as const),
        'stands in the last two bytes of coinb1; 0 unless the job was handed out again',
        'ZSTD(1)',
      ),
      column('remote_ip', 'String', 'address of the client, as text'),
      column('user_agent', 'LowCardinality(String)', 'from mining.subscribe'),
      column('latency_us', 'UInt32', "µs from the line's arrival to the verdict", 'T64, ZSTD(1)'),
      column(
        'coinb2',
        'String',
        'hex; the coinbase that was mined ends in this; empty: in the coinb2 of its job',
        'ZSTD(1)',
      ),
    ],
  },
  jobs: {
    comment: 'one row for each job: what the header of its shares is rebuilt from',
    columns: [
      column('job_id', 'String', 'the ten digits that miners get, and eight random ones of the start'),
      column('time', TIME, 'when the job was made'),
      NODE,
      column('height', 'UInt32', 'of the block being mined'),
      column('version', 'UInt32', 'before any rolling'),
      column('previous_hash', 'String', 'hex, as explorers show it', 'ZSTD(1)'),
      column('nbits', 'UInt32', 'compact network target'),
      column('min_time', 'UInt32', 'earliest ntime, UNIX s'),
      column('cur_time', 'UInt32', 'ntime of the notify, UNIX s'),
      column(
        ...(['coinb1', 'String'] as const),
        'hex; coinbase = coinb1 extranonce1 extranonce2 coinb2, with job_variant in the last two bytes of coinb1',
        'ZSTD(1)',
      ),
      column('coinb2', 'String', 'hex', 'ZSTD(1)'),
      column('merkle_branch', 'Array(String)', 'hex, in the order and byte order of mining.notify', 'ZSTD(1)'),
      column('reward_sats', 'UInt64', 'what the coinbase pays in all, satoshis'),
      column('network_difficulty', 'Float64', 'what a block needs'),
      column('transactions', 'UInt32', 'beside the coinbase'),
      column('clean', 'Bool', 'the tip had changed'),
      column(
        ...(['window_end', 'String'] as const),
        'the coinbase pays accounts by the window that ends with the slice of this job; empty: it does not',
      ),
    ],
  },
  blocks: {
    comment: 'what became of block candidates; the greatest revision of a hash holds (FINAL)',
    columns: [
      column('time', TIME, 'when it was found'),
      column('hash', 'String', 'hex, as explorers show it'),
      NODE,
      column('height', 'UInt32', 'of the block'),
      column('job_id', 'String', 'of table jobs'),
      column('account', 'String', 'payable address of the finder'),
      column('worker', 'String', "the finder's worker"),
      column('reward_sats', 'UInt64', 'what the coinbase pays in all, satoshis'),
      column('network_difficulty', 'Float64', 'what the block needed'),
      column('share_difficulty', 'Float64', 'what its hash achieved'),
      column('status', 'LowCardinality(String)', 'accepted, mature, orphaned, rejected or unknown'),
      column('reason', 'String', "why, in the node's words; empty if accepted"),
      column('revision', 'UInt64', 'the greatest of a hash holds: read with FINAL'),
      column('job_variant', 'UInt32', 'this and the next five: of the share, as in shares; its header is of no other'),
      column('extranonce1', 'String', 'hex; empty if the version that found the block did not record its share'),
      column('extranonce2', 'String', 'hex'),
      column('ntime', 'UInt32', 'of the header, UNIX s'),
      column('nonce', 'UInt32', 'of the header'),
      column('version', 'UInt32', 'of the header, with the rolled bits'),
      column('coinb2', 'String', 'hex, as in shares', 'ZSTD(1)'),
    ],
  },
  deliveries: {
    comment: 'how far this database has got with each boot of each journal of the share log; not for changing by hand',
    columns: [
      column('log', 'String', 'what wrote them: the id of a journal, and of one of its boots'),
      ...[
        column('last', 'SimpleAggregateFunction(max, UInt64)', 'the last batch of the share log that is in'),
        column('rows_total', 'SimpleAggregateFunction(max, UInt64)', 'rows of that journal up to it'),
      ],
      ...['jobs', 'shares', 'blocks'].map((table) =>
        column(table, 'SimpleAggregateFunction(sum, Int64)', `rows that were delivered to the table ${table}`),
      ),
    ],
  },
  pools: {
    comment: 'which data folder has which name',
    columns: [
      column('node', 'String', 'a name in the column node of the other tables'),
      column('folder', 'String', 'the data folder that has the name'),
      column('since', TIME, 'when it took the name'),
    ],
  },
  schema_migrations: {
    comment: 'the steps that this schema has had',
    columns: [
      column('version', 'UInt32', 'of the step'),
      column('applied', "DateTime('UTC')", 'when the step was done'),
    ],
  },
};

/**
 * Gives these columns their comments and codecs. Only metadata changes: rows that are there get the codec when their
 * part is merged next.
 */
export function knownColumns(database: string): readonly string[] {
  return Object.entries(KNOWN).map(([table, { comment, columns }]) => {
    const changes = columns.map(({ name, type, comment: about, codec }) =>
      codec === undefined
        ? `COMMENT COLUMN ${name} ${quoted(about)}`
        : `MODIFY COLUMN ${columnSql({ name, type, comment: about, codec })}`,
    );
    return `ALTER TABLE ${database}.${table} ${[...changes, `MODIFY COMMENT ${quoted(comment)}`].join(', ')}`;
  });
}
