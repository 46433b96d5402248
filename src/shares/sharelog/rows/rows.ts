/**
 * The rows of the log, in ClickHouse's RowBinary. ClickHouse gets exactly the bytes that the share path writes.
 * https://clickhouse.com/docs/interfaces/formats/RowBinary: integers and floats little-endian, a string is its length
 * in bytes (LEB128) and its bytes, an array is its length (LEB128) and its elements, DateTime64(3) is an Int64 of ms.
 */

/** A column's name and its ClickHouse type. */
export type Column = readonly [name: string, type: string];

/** The layout that this version writes; stored with each batch, so that later versions can read it. */
export const ROW_FORMAT = 3;

/**
 * The kinds of batches; the numbers are stored. Within one commit batches have this order, so a job comes before its shares, and a
 * mark behind the shares that were recorded before the mark.
 */
export const batchKinds = { jobs: 1, shares: 2, blocks: 3, marks: 4 } as const;
export type BatchKind = keyof typeof batchKinds;

/** The kinds that are tables of ClickHouse. */
export const tables = ['jobs', 'shares', 'blocks'] as const;
export type Table = (typeof tables)[number];

/** What is constant for a worker on a connection, and then for a job at one difficulty. */
const sharedColumns: readonly Column[] = [
  ['node', 'LowCardinality(String)'],
  ['session', 'UInt64'],
  ['extranonce1', 'String'],
  ['remote_ip', 'String'],
  ['user_agent', 'LowCardinality(String)'],
  ['account', 'String'],
  ['worker', 'String'],
  ['job_id', 'String'],
  ['height', 'UInt32'],
  ['difficulty', 'Float64'],
  ['work', 'UInt128'],
];

/** What every share has of its own. */
const ownColumns: readonly Column[] = [
  ['time', "DateTime64(3, 'UTC')"],
  ['ntime', 'UInt32'],
  ['nonce', 'UInt32'],
  ['version', 'UInt32'],
  ['job_variant', 'UInt32'],
  ['share_difficulty', 'Float64'],
  ['latency_us', 'UInt32'],
  ['block', 'Bool'],
  ['verdict', 'LowCardinality(String)'],
  ['extranonce2', 'String'],
];

/** Before layout 3 every share was mined on its job's coinbase. */
const shareColumns1: readonly Column[] = [...sharedColumns, ...ownColumns];

/**
 * One submission, accepted or not. The order serves the encoder. `coinb2` is empty unless the coinbase was one that pays an account
 * of its own: then it stands in the place of the job's.
 */
export const shareColumns: readonly Column[] = [...sharedColumns, ['coinb2', 'String'], ...ownColumns];

/** Layouts 1 and 2: every coinbase paid the pool alone. */
const jobColumns1: readonly Column[] = [
  ['job_id', 'String'],
  ['time', "DateTime64(3, 'UTC')"],
  ['node', 'LowCardinality(String)'],
  ['height', 'UInt32'],
  ['version', 'UInt32'],
  ['previous_hash', 'String'],
  ['nbits', 'UInt32'],
  ['min_time', 'UInt32'],
  ['cur_time', 'UInt32'],
  ['coinb1', 'String'],
  ['coinb2', 'String'],
  ['merkle_branch', 'Array(String)'],
  ['reward_sats', 'UInt64'],
  ['network_difficulty', 'Float64'],
  ['transactions', 'UInt32'],
  ['clean', 'Bool'],
];

/**
 * One job: with a share's extranonces, ntime, nonce and version it gives back the share's 80-byte header. `window_end`: the job with
 * whose slice the window ends by which its coinbase pays accounts; empty if it pays none, or the account of the session.
 */
export const jobColumns: readonly Column[] = [...jobColumns1, ['window_end', 'String']];

/** Layout 1 of `blocks`: a row did not name its share. */
const blockColumns1: readonly Column[] = [
  ['hash', 'String'],
  ['time', "DateTime64(3, 'UTC')"],
  ['node', 'LowCardinality(String)'],
  ['height', 'UInt32'],
  ['job_id', 'String'],
  ['account', 'String'],
  ['worker', 'String'],
  ['reward_sats', 'UInt64'],
  ['network_difficulty', 'Float64'],
  ['share_difficulty', 'Float64'],
  ['status', 'LowCardinality(String)'],
  ['reason', 'String'],
  ['revision', 'UInt64'],
];

/** Layout 2: every block was mined on its job's coinbase. */
const blockColumns2: readonly Column[] = [
  ...blockColumns1,
  ['job_variant', 'UInt32'],
  ['extranonce1', 'String'],
  ['extranonce2', 'String'],
  ['ntime', 'UInt32'],
  ['nonce', 'UInt32'],
  ['version', 'UInt32'],
];

/**
 * The status of a block candidate at one moment; the row with the greatest `revision` of a hash is valid. `job_id` and the last seven
 * columns are those of the block's share. Together they make its header, so they identify the share.
 */
export const blockColumns: readonly Column[] = [...blockColumns2, ['coinb2', 'String']];

/** From here on the journal has no accepted share of a job whose serial number is `closed` or less. */
export const markColumns: readonly Column[] = [['closed', 'UInt64']];

export const columnsOf: Readonly<Record<BatchKind, readonly Column[]>> = {
  jobs: jobColumns,
  shares: shareColumns,
  blocks: blockColumns,
  marks: markColumns,
};

/** How rows of one kind are laid out, in this ROW_FORMAT and later ones, until there is another. */
export interface Layout {
  readonly since: number;
  readonly columns: readonly Column[];
}

const layouts: Readonly<Record<BatchKind, readonly Layout[]>> = {
  jobs: [
    { since: 1, columns: jobColumns1 },
    { since: 3, columns: jobColumns },
  ],
  shares: [
    { since: 1, columns: shareColumns1 },
    { since: 3, columns: shareColumns },
  ],
  blocks: [
    { since: 1, columns: blockColumns1 },
    { since: 2, columns: blockColumns2 },
    { since: 3, columns: blockColumns },
  ],
  marks: [{ since: 2, columns: markColumns }],
};

/** The layout of a batch that says this format; undefined if no version up to this one wrote it. */
export function layoutOf(kind: BatchKind, format: number): Layout | undefined {
  return format > ROW_FORMAT ? undefined : layouts[kind].findLast(({ since }) => since <= format);
}

/** All layouts of a kind that a log may have, the oldest first. */
export function layoutsOf(kind: BatchKind): readonly Layout[] {
  return layouts[kind];
}
