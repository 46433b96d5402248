/**
 * Payouts, one batch a row: an intent, which accounts get how much by one transaction. A batch's transactions are its
 * variants: the first, and replacements that spend one of its inputs. What was stored of a batch is never removed.
 */
export const payoutsSchema = `
  CREATE TABLE payout_batches (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    method TEXT NOT NULL CHECK (method IN ('wallet', 'psbt')),
    state TEXT NOT NULL CHECK (state IN
      ('funded', 'exported', 'signed', 'sent', 'seen', 'confirmed', 'settled', 'unpaid', 'cancelled')),
    watched INTEGER NOT NULL DEFAULT 1, -- 0: its end is buried in the chain
    settlements INTEGER NOT NULL DEFAULT 0, -- how often it was settled: a deep reorg may undo one
    created_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL,
    winner TEXT, -- txid of the variant in the chain
    trouble TEXT
  ) STRICT;
  CREATE INDEX payout_batches_watched ON payout_batches (watched, number);
  CREATE TABLE payout_items (
    batch INTEGER NOT NULL REFERENCES payout_batches (number),
    account TEXT NOT NULL,
    address TEXT NOT NULL,
    sats INTEGER NOT NULL CHECK (sats > 0), -- taken from the account
    fee_sats INTEGER NOT NULL CHECK (fee_sats >= 0 AND fee_sats < sats), -- of these, the account's part of the network's fee
    PRIMARY KEY (batch, account)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX payout_items_by_account ON payout_items (account, batch);
  CREATE TABLE payout_variants (
    batch INTEGER NOT NULL REFERENCES payout_batches (number),
    variant INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('pay', 'replace', 'withdraw', 'child')),
    txid TEXT NOT NULL UNIQUE,
    psbt TEXT NOT NULL, -- before it was signed
    raw TEXT, -- hex, once it is signed: a retry sends these bytes
    fee_sats INTEGER NOT NULL,
    fee_rate INTEGER NOT NULL, -- satoshis for 1,000 virtual bytes
    change_index INTEGER,
    change_sats INTEGER,
    made_ms INTEGER NOT NULL,
    PRIMARY KEY (batch, variant)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE payout_inputs (
    batch INTEGER NOT NULL,
    variant INTEGER NOT NULL,
    txid TEXT NOT NULL,
    vout INTEGER NOT NULL,
    PRIMARY KEY (batch, variant, txid, vout),
    FOREIGN KEY (batch, variant) REFERENCES payout_variants (batch, variant)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE payout_aside ( -- accounts that can not be paid until somebody looks
    account TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    since_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE payout_outsiders ( -- transactions that spend the wallet's coins and are none of this ledger
    txid TEXT PRIMARY KEY,
    sats INTEGER NOT NULL,
    found_ms INTEGER NOT NULL,
    accepted INTEGER NOT NULL -- 1: the operator answers for it; 2: it was there before the first payout
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE payout_facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;
