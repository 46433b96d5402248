/**
 * `pps_paid`: one row. Slices up to `serial` were paid for, or were mined under another scheme (`terms` says which).
 * `pps_carry`: what is owed below a satoshi, in units of 2^-64 of a satoshi. The names `fee` and `donation` are of no account.
 */
export const payPerShareSchema = `
  CREATE TABLE pps_paid (only INTEGER PRIMARY KEY CHECK (only = 1), serial INTEGER NOT NULL) STRICT;
  CREATE TABLE pps_carry (
    kind TEXT NOT NULL CHECK (kind IN ('account', 'fee', 'donation')),
    account TEXT NOT NULL,
    carry TEXT NOT NULL,
    PRIMARY KEY (kind, account)
  ) STRICT, WITHOUT ROWID;
`;
