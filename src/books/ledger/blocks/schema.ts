/**
 * `blocks`: one row for each block that the pool found, by its hash. `bookings` counts how often it was booked. `coinbase` and
 * all amounts are there from the first booking on: a block's coinbase never changes, so a block that comes back is booked again
 * as it was. `lines`: what the booking posts, JSON of `[[account, sats as a decimal string], …]`.
 *
 * `block_credits`: how the reward of a block is divided.
 *
 * `foreign_blocks`: blocks of the chain that pay the pool and that no job of the ledger made.
 *
 * `chain`: one row. Which chain the books are about, and why the nodes' chain is another one, if it is.
 */
export const blocksSchema = `
  CREATE TABLE blocks (
    hash TEXT PRIMARY KEY,
    job_id TEXT NOT NULL,
    finder TEXT NOT NULL, -- the account whose share the block is; empty if that is unknown
    height INTEGER NOT NULL,
    found_ms INTEGER NOT NULL,
    claimed_sats INTEGER NOT NULL, -- what the job's coinbase was to pay
    status TEXT NOT NULL CHECK (status IN ('found', 'confirmed', 'mature', 'orphaned')),
    confirmations INTEGER NOT NULL, -- when the chain was last looked at
    bookings INTEGER NOT NULL,
    coinbase TEXT, -- hex
    reward_sats INTEGER, -- all outputs of the coinbase
    own_sats INTEGER, -- of these, outputs that pay the pool
    fee_sats INTEGER,
    donation_sats INTEGER,
    rest_sats INTEGER, -- what is neither credited nor fee nor donation
    lines TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX blocks_by_height ON blocks (height);
  CREATE TABLE block_credits (
    hash TEXT NOT NULL REFERENCES blocks (hash),
    account TEXT NOT NULL,
    sats INTEGER NOT NULL,
    direct_sats INTEGER NOT NULL, -- of these, paid by the coinbase itself
    weight TEXT NOT NULL,
    work TEXT NOT NULL,
    PRIMARY KEY (hash, account)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE foreign_blocks (
    hash TEXT PRIMARY KEY,
    height INTEGER NOT NULL,
    sats INTEGER NOT NULL, -- what it pays the pool
    seen_ms INTEGER NOT NULL,
    reason TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE chain (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    genesis TEXT NOT NULL,
    checkpoint_height INTEGER NOT NULL, -- 0: the genesis block alone
    checkpoint_hash TEXT NOT NULL,
    mismatch TEXT
  ) STRICT;
`;
