/**
 * What the ledger has taken out of the share log. Serial numbers, sequence numbers and satoshis are integers; work is a decimal
 * string, because it may exceed 64 bits.
 *
 * `positions`: one row for each journal that was ever read. The ledger has all batches up to `seq` and none behind. `life`,
 * `rows_total` and `bytes_total` are those of the batch `seq`, so that another batch in its place is noticed.
 * `closed_serial`: the greatest mark that was read, -1 for none. `finished`: 1 if the journal has no writer any more and was
 * read to its end, so that it may be removed.
 *
 * `jobs`: one row for each job of the pool. `sealed_work`: the sum of its slice's work, once that is final.
 *
 * `slices`: one row for each account that had an accepted share of a job. A job's rows change until the job is sealed.
 *
 * `found`: one row for each block candidate, as the log last spoke of it.
 */
export const slicesSchema = `
  CREATE TABLE positions (
    log_id TEXT PRIMARY KEY, -- random, of the journal's folder
    journal TEXT NOT NULL, -- the folder's name
    life TEXT NOT NULL,
    seq INTEGER NOT NULL,
    rows_total INTEGER NOT NULL,
    bytes_total INTEGER NOT NULL,
    closed_serial INTEGER NOT NULL,
    finished INTEGER NOT NULL CHECK (finished IN (0, 1))
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE jobs (
    job_id TEXT PRIMARY KEY, -- as in ClickHouse: the serial number as ten hex digits, and eight random digits of the start
    serial INTEGER NOT NULL UNIQUE,
    height INTEGER NOT NULL,
    nbits INTEGER NOT NULL,
    network_work TEXT NOT NULL, -- expected hashes of a block: floor(2^256 / (target + 1))
    reward_sats INTEGER NOT NULL, -- what the job's coinbase pays
    subsidy_sats INTEGER NOT NULL,
    fees_sats INTEGER NOT NULL, -- reward_sats - subsidy_sats
    time_ms INTEGER NOT NULL,
    sealed_work TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE slices (
    job_id TEXT NOT NULL,
    account TEXT NOT NULL,
    work TEXT NOT NULL,
    shares INTEGER NOT NULL,
    PRIMARY KEY (job_id, account)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE found (
    hash TEXT PRIMARY KEY,
    job_id TEXT NOT NULL,
    account TEXT NOT NULL,
    worker TEXT NOT NULL,
    height INTEGER NOT NULL,
    found_ms INTEGER NOT NULL,
    reward_sats INTEGER NOT NULL,
    status TEXT NOT NULL, -- what the nodes said: accepted, orphaned, rejected or unknown
    reason TEXT NOT NULL,
    revision INTEGER NOT NULL -- the row of the log with the greatest one holds
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE taken ( -- one row
    only INTEGER PRIMARY KEY CHECK (only = 1),
    sealed_serial INTEGER NOT NULL, -- jobs up to this serial number are sealed; -1 for none
    rows INTEGER NOT NULL, -- of the log, of any kind
    shares INTEGER NOT NULL, -- accepted ones
    pruned_serial INTEGER NOT NULL -- slices up to this serial number were dropped; -1 for none
  ) STRICT;
  INSERT INTO taken VALUES (1, -1, 0, 0, -1);
`;

/** `window_end`: the job with whose slice the window ends by which the job's coinbase pays accounts; empty if it pays the pool. */
export const windowEndSchema = `ALTER TABLE jobs ADD COLUMN window_end TEXT NOT NULL DEFAULT '';`;
