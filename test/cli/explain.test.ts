import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLedger } from '#books/ledger/ledger-db';
import { exitCodes } from '#cli/io';
import { run } from '#cli/program';
import { blockHash, bookExample } from '../books/ledger/explain/fixtures.ts';
import { FakeIo } from './harness.ts';

let data = '';
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'sluice-cli-explain-'));
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

async function explain(...args: string[]) {
  const io = new FakeIo({ SLUICE_DATA: data });
  const code = await run(['explain', ...args], io);
  return { code, out: io.out, err: io.err };
}

function withLedger(change: string | undefined): void {
  const { database, close } = openLedger(data);
  if (change === undefined) bookExample(database);
  else database.exec(change);
  close();
}

describe('sluice explain', () => {
  it('explains the newest credit in sentences, and as JSON with decimal strings', async () => {
    withLedger(undefined);
    const { code, out, err } = await explain('--account', 'b');
    expect([code, err]).toEqual([exitCodes.fine, '']);
    expect(out).toContain(`Block ${blockHash(3)} at height 102 (confirmed) credits b with 85,529,860 sats.`);
    const json = await explain('--account', 'b', '--block', blockHash(3), '--json');
    expect(JSON.parse(json.out)).toMatchObject({
      ...{ account: 'b', block: blockHash(3), height: 102, scheme: 'pplns', reward_sats: '314159265', same: true },
      ...{ window: String(2n << 64n), credit: { sats: '85529860' }, booked: { sats: '85529860', direct_sats: '0' } },
      slices: [{ account_shares: '30' }, { account_shares: '0' }, { account_shares: '40', account_work: '400' }],
    });
  });

  it('exits with 1 if the book has another credit', async () => {
    withLedger(undefined);
    withLedger("UPDATE block_credits SET sats = 1 WHERE account = 'b'");
    const { code, out } = await explain('--account', 'b');
    expect(code).toBe(exitCodes.failed);
    expect(out).toContain('DIFFERENT: the credit of b is kept as 1, and 85529860 comes out.');
  });

  it('says what it does not find', async () => {
    expect((await explain('--account', 'b')).err).toContain('no pool has run there yet');
    withLedger(undefined);
    expect(await explain('--account', 'z')).toEqual({
      code: exitCodes.failed,
      out: '',
      err: 'sluice: no block in the books credits z\n',
    });
    expect((await explain()).code).toBe(exitCodes.usage);
  });
});
