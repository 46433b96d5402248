/**
 * `terms`: what the pool promised from a job on: one row for each start at which the config promised something else than before.
 * Serial numbers of a start begin with its epoch, so each job belongs to one row, whenever its shares and blocks are booked.
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
  INSERT OR IGNORE INTO pps_paid SELECT 1, sealed_serial FROM taken;
`;
