import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BooksGuard } from '#books/ledger/books-guard';
import { EntryBook } from '#books/ledger/entries/book';
import type { Line } from '#books/ledger/entries/entry';
import { type LedgerDatabase, memoryLedger } from '#books/ledger/ledger-db';

let database: LedgerDatabase;
let nowMs = 0;
/** Each look at the clock takes a millisecond. */
const clock = { monotonicMs: () => nowMs++ };
beforeEach(() => {
  database = memoryLedger();
});
afterEach(() => database.close());

function post(kind: string, count = 1, account = 'payable:alice'): void {
  const book = new EntryBook(database);
  const lines: Line[] = [
    { account: 'own:pps_reserve', sats: 5n },
    { account, sats: -5n },
  ];
  database.transaction(() => {
    for (let entry = 0; entry < count; entry += 1) {
      book.post({ kind, reference: `slice:${book.head().entries}`, atMs: 1, lines });
    }
  })();
}

const falsify = (): void => void database.exec("UPDATE balances SET sats = sats - 1 WHERE account = 'payable:alice'");

describe('BooksGuard', () => {
  it('forbids payouts until the books were checked once', async () => {
    const guard = new BooksGuard({ database, clock });
    post('slice-paid');
    expect(guard.alarm).toBe('the books are being checked');
    await guard.tick();
    expect(guard.alarm).toBeUndefined();
  });

  it('checks what was added since its last turn, and remembers its faults', async () => {
    const guard = new BooksGuard({ database, clock });
    post('slice-paid');
    await guard.tick();
    post('slice-paid', 300);
    await guard.tick();
    expect(guard.faults).toBe(0);
    post('gift');
    await expect(guard.tick()).rejects.toThrow(
      'the books do not hold, and nothing is paid: entry-kind: entry 302 (gift, slice:301)',
    );
    expect(guard.alarm).toContain('the books do not hold');
    post('slice-paid');
    await expect(guard.tick()).rejects.toThrow('entry 302');
  });

  it('compares the balances that new entries have changed', async () => {
    const guard = new BooksGuard({ database, clock });
    post('slice-paid');
    await guard.tick();
    falsify();
    post('slice-paid', 1, 'payable:bob');
    await guard.tick();
    post('slice-paid');
    await expect(guard.tick()).rejects.toThrow('balance-fold: payable:alice is kept as -11');
  });

  it('checks the whole books again after an hour', async () => {
    const guard = new BooksGuard({ database, clock });
    post('slice-paid');
    await guard.tick();
    falsify();
    await guard.tick();
    expect(guard.faults).toBe(0);
    nowMs += 3_600_000;
    await expect(guard.tick()).rejects.toThrow('balance-fold');
  });

  it('lets other work in between its pieces, and holds books that grow meanwhile for right', async () => {
    post('slice-paid', 5_000);
    const guard = new BooksGuard({ database, clock });
    let turns = 0;
    let isDone = false;
    const work = (): void => {
      turns += 1;
      post('slice-paid');
      if (!isDone) setImmediate(work);
    };
    setImmediate(work);
    await guard.tick();
    isDone = true;
    expect(turns).toBeGreaterThan(3);
    expect(guard.faults).toBe(0);
  });

  it('takes a book that can not be read for one that does not hold', async () => {
    post('slice-paid');
    database.exec('DROP TABLE payout_batches');
    expect(() => new BooksGuard({ database, clock })).not.toThrow();
    await expect(new BooksGuard({ database, clock }).tick()).rejects.toThrow('no such table');
  });

  it('leaves a check that is under way when it is closed', async () => {
    post('slice-paid', 5_000);
    const guard = new BooksGuard({ database, clock });
    setImmediate(() => guard.close());
    await guard.tick();
    expect(guard.alarm).toBe('the books are being checked');
  });
});
