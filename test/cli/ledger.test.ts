import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assets, immatureOf, own } from '#books/ledger/entries/accounts';
import { EntryBook } from '#books/ledger/entries/book';
import { openLedger } from '#books/ledger/ledger-db';
import { exitCodes } from '#cli/io';
import { run } from '#cli/program';
import { FakeIo } from './harness.ts';

let data = '';
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'sluice-cli-ledger-'));
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

async function sluice(...args: string[]) {
  const io = new FakeIo({ SLUICE_DATA: data });
  const code = await run(['ledger', ...args], io);
  return { code, out: io.out, err: io.err };
}

function bookOneBlock(): void {
  const { database, close } = openLedger(data);
  const lines = [
    { account: assets.immature, sats: 5_000_000_000n },
    { account: own.fee, sats: -50_000_000n },
    { account: immatureOf('bcrt1a'), sats: -4_950_000_000n },
  ];
  database.transaction(() => new EntryBook(database).post({ kind: 'block', reference: 'b', atMs: 1, lines }))();
  close();
}

describe('sluice ledger', () => {
  it('shows balances as JSON with decimal strings', async () => {
    bookOneBlock();
    const { code, out } = await sluice('balances', '--json');
    expect(code).toBe(exitCodes.fine);
    const amounts = { immature_sats: '4950000000', payable_sats: '0', in_flight_sats: '0', paid_sats: '0' };
    expect(JSON.parse(out)).toEqual({
      accounts: [{ account: 'bcrt1a', ...amounts }],
      pool: expect.objectContaining({ fee_sats: '50000000', rounding_sats: '0' }),
    });
  });

  it('shows balances as a table', async () => {
    bookOneBlock();
    const { out } = await sluice('balances');
    expect(out).toMatch(
      /^account +immature sats +payable sats +in flight sats +paid sats\nbcrt1a +4950000000 +0 +0 +0\n/,
    );
    expect(out).toMatch(/\nfee +50000000\n/);
  });

  it('checks the books, while another process writes them too', async () => {
    bookOneBlock();
    expect(await sluice('check')).toMatchObject({ code: exitCodes.fine, out: expect.stringContaining('1 entries') });
    const { database, close } = openLedger(data);
    database.exec('UPDATE balances SET sats = 0');
    const { code, out } = await sluice('check', '--json');
    close();
    expect(code).toBe(exitCodes.failed);
    expect(JSON.parse(out)).toMatchObject({ holds: false, entries: 1, faults: [{}, {}, {}] });
    expect((await sluice('check')).out).toContain('balance-fold: own:fee is kept as 0');
  });

  it('says that there is no ledger yet', async () => {
    const { code, err } = await sluice('balances');
    expect(code).toBe(exitCodes.failed);
    expect(err).toContain('no pool has run there yet');
  });
});
