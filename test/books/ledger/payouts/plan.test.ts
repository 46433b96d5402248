import { describe, expect, it } from 'vitest';
import { parseAddress } from '#base/bitcoin/address';
import { dustSats, feeOfWeight, outputWeight } from '#books/ledger/payouts/output-cost';
import { planPayouts } from '#books/ledger/payouts/plan';
import { miners, rules } from './world.ts';

const [wpkh = '', wsh = '', tr = '', pkh = ''] = miners;
const script = (address: string): Uint8Array => {
  const read = parseAddress(address, 'regtest');
  return read.ok ? read.script : new Uint8Array();
};
const plan = (owed: Readonly<Record<string, bigint>>, given: Partial<typeof rules> = {}, feeRate = 1000n) =>
  planPayouts({
    rules: { ...rules, ...given },
    balances: Object.entries(owed).map(([account, payableSats]) => ({ account, payableSats })),
    aside: [],
    feeRate,
  });

describe('the cost of an output', () => {
  it("is Bitcoin Core's dust and weight for each kind of address", () => {
    expect([wpkh, wsh, tr, pkh].map((address) => dustSats(script(address)))).toEqual([294n, 330n, 330n, 546n]);
    expect([wpkh, wsh, tr, pkh].map((address) => outputWeight(script(address)))).toEqual([124, 172, 172, 136]);
    expect(feeOfWeight(561, 1500n)).toBe(212n);
  });
});

describe('the plan of payouts', () => {
  it('pays the largest debts first, and ties in byte order', () => {
    const { batches } = plan({ [wpkh]: 20_000n, [tr]: 30_000n, [pkh]: 20_000n });
    expect(batches[0]?.map(({ account }) => account)).toEqual([tr, ...[wpkh, pkh].sort()]);
  });

  it('says why an account is not paid', () => {
    const { batches, left } = plan(
      { [wpkh]: 9_999n, [pkh]: 500n, worker7: 1_000_000n, [tr]: 0n },
      { minimums: new Map([[pkh, 1n]]) },
    );
    expect(batches).toEqual([]);
    expect(left).toMatchObject([
      { account: wpkh, why: 'below-minimum', detail: '9999 of 10000 sats' },
      { account: pkh, why: 'dust' },
      { account: 'worker7', why: 'no-address' },
    ]);
  });

  it('pays nothing to the address of the pool itself, by whatever name', () => {
    const { batches, left } = plan(
      { [wpkh]: 50_000n, me: 60_000n, [tr]: 40_000n },
      { ownAddress: wpkh, addresses: new Map([['me', wpkh]]) },
    );
    expect(batches).toMatchObject([[{ account: tr }]]);
    expect(left).toMatchObject([
      { account: wpkh, sats: 50_000n, why: 'own-address' },
      { account: 'me', why: 'own-address' },
    ]);
  });

  it('pays an account by the address that is configured for it', () => {
    const { batches } = plan({ farm: 50_000n }, { addresses: new Map([['farm', wpkh]]) });
    expect(batches).toMatchObject([[{ account: 'farm', address: wpkh, sats: 50_000n, feeSats: 0n }]]);
  });

  it('takes the fee from miners if they bear it, and leaves who could not bear it', () => {
    const { batches, left } = plan({ [wpkh]: 1_000_000n, [tr]: 10_000n }, { networkFee: 'miners' }, 200_000n);
    const [paid] = batches[0] ?? [];
    expect(paid?.feeSats).toBeGreaterThan(feeOfWeight(124, 200_000n));
    expect(left).toMatchObject([{ account: tr, why: 'dust' }]);
  });

  it('splits batches by weight', () => {
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`account${index}`, 100_000n]));
    const addresses = new Map(Object.keys(many).map((account) => [account, wpkh]));
    const { batches } = plan(many, { addresses });
    expect(batches.map((batch) => batch.length)).toEqual([2419, 2419, 162]);
  });
});
