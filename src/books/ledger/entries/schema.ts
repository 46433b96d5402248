/**
 * Entries and their lines are only ever added, one entry behind the other. The triggers refuse everything else, also
 * `INSERT OR REPLACE`, which fires no delete trigger. `head` and `balances` follow the entries in the same transaction.
 */
export const entriesSchema = `
  CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    reference TEXT NOT NULL UNIQUE,
    at_ms INTEGER NOT NULL,
    note TEXT,
    hash TEXT NOT NULL -- SHA-256 over the entry and the hash before, 64 hex digits
  ) STRICT;
  CREATE TABLE lines (
    entry INTEGER NOT NULL REFERENCES entries (id),
    account TEXT NOT NULL,
    sats INTEGER NOT NULL,
    PRIMARY KEY (entry, account)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX lines_by_account ON lines (account, entry);
  CREATE TABLE balances (account TEXT PRIMARY KEY, sats INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE head ( -- one row: the newest entry, so that a book whose end was cut off shows
    only INTEGER PRIMARY KEY CHECK (only = 1),
    entries INTEGER NOT NULL,
    hash TEXT NOT NULL
  ) STRICT;
  INSERT INTO head VALUES (1, 0, '${'0'.repeat(64)}');

  CREATE TRIGGER entries_update BEFORE UPDATE ON entries BEGIN SELECT RAISE (ABORT, 'an entry is never changed'); END;
  CREATE TRIGGER entries_delete BEFORE DELETE ON entries BEGIN SELECT RAISE (ABORT, 'an entry is never removed'); END;
  CREATE TRIGGER entries_insert BEFORE INSERT ON entries
    WHEN NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM entries)
      OR EXISTS (SELECT 1 FROM entries WHERE reference = NEW.reference)
    BEGIN SELECT RAISE (ABORT, 'an entry comes behind the last one, under a reference of its own'); END;
  CREATE TRIGGER lines_update BEFORE UPDATE ON lines BEGIN SELECT RAISE (ABORT, 'a line is never changed'); END;
  CREATE TRIGGER lines_delete BEFORE DELETE ON lines BEGIN SELECT RAISE (ABORT, 'a line is never removed'); END;
  CREATE TRIGGER lines_insert BEFORE INSERT ON lines
    WHEN NEW.entry IS NOT (SELECT max(id) FROM entries) OR (SELECT entries FROM head) >= NEW.entry
      OR EXISTS (SELECT 1 FROM lines WHERE entry = NEW.entry AND account = NEW.account)
    BEGIN SELECT RAISE (ABORT, 'a line belongs to the entry that is being made'); END;
`;
