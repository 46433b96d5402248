import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromDisplayHash } from '#base/bitcoin/bytes';
import { decodeTemplate } from '#work/node/template-decoder';
import { templateAnswer } from './fixtures.ts';

const hash = (byte: string): string => byte.repeat(32);

function reason(change: object, network: 'regtest' | 'signet' = 'regtest'): string {
  const decoded = decodeTemplate({ ...templateAnswer, ...change }, network);
  return decoded.ok ? 'ok' : decoded.reason;
}

describe('decodeTemplate', () => {
  it('reads what a node says', () => {
    expect(decodeTemplate(templateAnswer, 'regtest')).toMatchObject({
      ok: true,
      template: {
        height: 1,
        version: 0x2000_0000,
        previousHash: fromDisplayHash(hash('0a')),
        bits: 0x207f_ffff,
        minTime: 1296688603,
        curTime: 1700000000,
        coinbaseValueSats: 5_000_000_010n,
        transactions: [{ data: Uint8Array.of(2, 0, 255), txid: fromDisplayHash(hash('01')) }],
        witnessCommitment: Uint8Array.from([0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed, ...new Uint8Array(32).fill(3)]),
      },
    });
  });

  it('reads a version with its top bit set, which Core prints as a negative number', () => {
    const decoded = decodeTemplate({ ...templateAnswer, version: -1 }, 'regtest');
    expect(decoded.ok && decoded.template.version).toBe(0xffff_ffff);
  });

  it('keeps the bytes of transactions that the template before had, witness and all', () => {
    const before = decodeTemplate(templateAnswer, 'regtest');
    if (!before.ok) throw new Error(before.reason);
    const [kept] = templateAnswer.transactions;
    const other = { ...kept, hash: hash('04'), data: '0200fe' };
    const after = decodeTemplate({ ...templateAnswer, transactions: [kept, other] }, 'regtest', before.transactions);
    if (!after.ok) throw new Error(after.reason);
    expect(after.template.transactions[0]).toBe(before.template.transactions[0]);
    expect(after.template.transactions[1]?.data).toEqual(Uint8Array.of(2, 0, 254));
    expect([...after.transactions.keys()]).toEqual([hash('02'), hash('04')]);
  });

  it('does without what is optional', () => {
    expect(
      reason({ default_witness_commitment: undefined, target: undefined, rules: undefined, transactions: [] }),
    ).toBe('ok');
  });

  it.each<[object, string]>([
    [{ height: 0 }, 'height is 0'],
    [{ height: 1.5 }, 'height is no integer'],
    [{ height: '1' }, 'height is no integer'],
    [{ version: 2 ** 33 }, 'version'],
    [{ previousblockhash: hash('0a').slice(2) }, 'previousblockhash'],
    [{ previousblockhash: null }, 'previousblockhash'],
    [{ bits: '207fffffff' }, 'bits'],
    [{ bits: '00000000' }, 'bits 00000000 has no target'],
    [{ bits: '04923456' }, 'no target'],
    [{ target: hash('00') }, 'target is not the one of bits'],
    [{ mintime: -1 }, 'mintime'],
    [{ curtime: 1296688602 }, 'curtime'],
    [{ curtime: 2 ** 32 }, 'curtime'],
    [{ coinbasevalue: 21e14 + 1 }, 'coinbasevalue'],
    [{ coinbasevalue: -1 }, 'coinbasevalue'],
    [{ transactions: {} }, 'transactions is no list'],
    [{ transactions: [null] }, 'transactions[0] is no object'],
    [{ transactions: [{ data: '', txid: hash('01') }] }, 'transactions[0].data'],
    [{ transactions: [{ data: '0g', txid: hash('01') }] }, 'transactions[0].data'],
    [{ transactions: [...templateAnswer.transactions, { data: '00', txid: 1 }] }, 'transactions[1].txid'],
    [{ transactions: [{ data: '00'.repeat(4_000_001), txid: hash('01') }] }, 'larger than a block'],
    [{ default_witness_commitment: `6a24aa21a9ee${hash('03')}` }, 'default_witness_commitment'],
    [{ default_witness_commitment: 7 }, 'default_witness_commitment'],
    [{ rules: ['!future'] }, 'rules wants "future"'],
    [{ rules: [1] }, 'rules'],
    [{ rules: 'csv' }, 'rules'],
  ])('names the bad field of %j', (change, message) => {
    expect(reason(change)).toContain(message);
    expect(reason(change)).toMatch(/^getblocktemplate: /);
  });

  it('takes rules that it need not understand', () => {
    expect(reason({ rules: ['future', '!signet'] })).toBe('ok');
  });

  it('mines no signet that wants signatures', () => {
    expect(decodeTemplate({ ...templateAnswer, signet_challenge: '5121ab' }, 'signet')).toMatchObject({
      ok: false,
      fatal: true,
    });
    expect(reason({ signet_challenge: '5121ab' }, 'signet')).toContain('signet_challenge');
    expect(reason({ signet_challenge: '51' }, 'signet')).toBe('ok');
  });

  it('answers anything with a value', () => {
    fc.assert(
      fc.property(fc.anything(), fc.constantFrom(...Object.keys(templateAnswer)), (value, field) => {
        expect(decodeTemplate(value, 'regtest').ok).toBe(false);
        const decoded = decodeTemplate({ ...templateAnswer, [field]: value }, 'regtest');
        if (!decoded.ok) expect(decoded.reason).toContain(field);
      }),
    );
  });
});
