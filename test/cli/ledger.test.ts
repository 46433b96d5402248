import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BlockStore } from '#books/ledger/blocks/block-store';
import { own, payableOf } from '#books/ledger/entries/accounts';
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

function bookOnePayment(): void {
  const { database, close } = openLedger(data);
  const lines = [
    { account: own.ppsReserve, sats: 5_000_000_000n },
    { account: own.fee, sats: -50_000_000n },
    { account: payableOf('bcrt1a'), sats: -4_950_000_000n },
  ];
  const posting = { kind: 'slice-paid', reference: 'slice:1', atMs: 1, lines };
  database.transaction(() => new EntryBook(database).post(posting))();
  close();
}

describe('sluice ledger', () => {
  it('shows balances as JSON with decimal strings', async () => {
    bookOnePayment();
    const { code, out } = await sluice('balances', '--json');
    expect(code).toBe(exitCodes.fine);
    const amounts = { immature_sats: '0', payable_sats: '4950000000', in_flight_sats: '0', paid_sats: '0' };
    expect(JSON.parse(out)).toEqual({
      accounts: [{ account: 'bcrt1a', ...amounts }],
      pool: {
        ...{ fee_sats: '50000000', donation_sats: '0', rounding_sats: '0', pps_reserve_sats: '-5000000000' },
        ...{ network_fees_sats: '0', withdrawn_sats: '0', immature_sats: '0', wallet_sats: '0', in_flight_sats: '0' },
      },
    });
  });

  it('shows balances as a table', async () => {
    bookOnePayment();
    const { out } = await sluice('balances');
    expect(out).toMatch(
      /^account +immature sats +payable sats +in flight sats +paid sats\nbcrt1a +0 +4950000000 +0 +0\n/,
    );
    expect(out).toMatch(/\nfee +50000000\n/);
  });

  it('checks the books, while another process writes them too', async () => {
    bookOnePayment();
    expect(await sluice('check')).toMatchObject({ code: exitCodes.fine, out: expect.stringContaining('1 entries') });
    const { database, close } = openLedger(data);
    database.exec('UPDATE balances SET sats = 0');
    const { code, out } = await sluice('check', '--json');
    close();
    expect(code).toBe(exitCodes.failed);
    expect(JSON.parse(out)).toMatchObject({ holds: false, entries: 1, faults: [{}, {}, {}] });
    const { out: text } = await sluice('check');
    expect(text).toContain('balance-fold: own:fee is kept as 0');
    expect(text).toContain('not compared: there is no ClickHouse for this data folder');
  });

  it('shows blocks and their rewards by account', async () => {
    const { database, close } = openLedger(data);
    const store = new BlockStore(database);
    const block = { jobId: '0000000001-01020304', finder: 'bcrt1a', foundMs: 1, claimedSats: 600n };
    store.add({ ...block, hash: 'aa'.repeat(32), height: 8 });
    store.add({ ...block, hash: 'bb'.repeat(32), height: 7 });
    const credit = { account: 'bcrt1a', sats: 594n, directSats: 0n, weight: 5n, work: 2n ** 70n };
    const amounts = { rewardSats: 600n, ownSats: 600n, feeSats: 6n, donationSats: 0n, restSats: 0n };
    store.setBooking('bb'.repeat(32), { coinbase: '00', ...amounts, lines: [], credits: [credit] });
    store.setStatus('bb'.repeat(32), 'mature');
    store.setConfirmations('bb'.repeat(32), 101);
    store.addForeign({ hash: 'cc'.repeat(32), height: 9, sats: 5n, seenMs: 1, reason: 'its coinbase names no job' });
    close();
    const { code, out } = await sluice('blocks', '--json');
    expect(code).toBe(exitCodes.fine);
    const none = { fee_sats: '0', donation_sats: '0', credits: [] };
    expect(JSON.parse(out)).toEqual({
      blocks: [
        {
          ...{ hash: 'bb'.repeat(32), height: 7, status: 'mature', confirmations: 101, reward_sats: '600' },
          ...{ fee_sats: '6', donation_sats: '0' },
          credits: [{ account: 'bcrt1a', sats: '594', work: '1180591620717411303424' }],
        },
        { hash: 'aa'.repeat(32), height: 8, status: 'found', confirmations: 0, reward_sats: '600', ...none },
      ],
      foreign: [{ hash: 'cc'.repeat(32), height: 9, sats: '5', reason: 'its coinbase names no job' }],
    });
    const text = (await sluice('blocks')).out;
    expect(text).toMatch(/\n +7 {2}(bb){32} {2}mature +101 +600 +6 +1\n/);
    expect(text).toContain(
      `not booked: block ${'cc'.repeat(32)} at height 9 pays the pool 5 sats, and its coinbase names no job`,
    );
  });

  it('makes the books anew and compares them', async () => {
    bookOnePayment();
    expect(await sluice('rebuild', '--check')).toMatchObject({
      code: exitCodes.fine,
      out: expect.stringMatching(/the same/),
    });
    const { database, close } = openLedger(data);
    database.exec('UPDATE balances SET sats = 0');
    close();
    expect(await sluice('rebuild', '--check')).toMatchObject({
      code: exitCodes.failed,
      out: expect.stringContaining('differs: ["own:fee","0"] is kept, ["own:fee","-50000000"] comes out'),
    });
    expect(JSON.parse((await sluice('rebuild', '--check', '--json')).out)).toMatchObject({ same: false });
    expect((await sluice('rebuild')).code).toBe(exitCodes.usage);
  });

  it('says that there is no ledger yet', async () => {
    const { code, err } = await sluice('balances');
    expect(code).toBe(exitCodes.failed);
    expect(err).toContain('no pool has run there yet');
  });
});
