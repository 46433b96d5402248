/**
 * `terms`: what the pool promised from a job on: one row for each start at which the config promised something else than before.
 * Serial numbers of a start begin with its epoch, so each job belongs to one row, whenever its shares and blocks are booked.
 *
 * `slice_terms`: what a payment for slices depended on beside the row of `terms`; by the reference of its entry.
 *
 * `chain_fees`: what the transactions of a block of the chain paid, for the average of FPPS.
 *
 * A ledger that comes from an earlier version has paid nothing per share for jobs that were sealed then, unless `pps_paid` says
 * so.
 */
export const termsSchema = `
  CREATE TABLE terms (
    from_serial INTEGER PRIMARY KEY,
    scheme TEXT NOT NULL,
    terms TEXT NOT NULL -- rewards/pool-terms.ts
  ) STRICT;
  CREATE TABLE slice_terms (
    reference TEXT PRIMARY KEY,
    fees_sats INTEGER NOT NULL -- the average that stood in for the fees of each job
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE chain_fees (
    height INTEGER PRIMARY KEY,
    hash TEXT NOT NULL,
    fees_sats INTEGER NOT NULL
  ) STRICT;
  INSERT OR IGNORE INTO pps_paid SELECT 1, sealed_serial FROM taken;
`;
