import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toHex } from '#base/bitcoin/bytes';
import { decodeTemplate } from '#work/node/template-decoder';
import { type TemplateReader, TemplateThread } from '#work/node/template-thread';
import { templateAnswer } from './fixtures.ts';

let thread: TemplateThread;
beforeAll(() => {
  thread = new TemplateThread();
});
afterAll(() => thread.close());

/** A transaction that is known by its number. */
const transaction = (number: number) => ({
  data: `02${number.toString(16).padStart(8, '0')}`.repeat((number % 3) + 1),
  txid: number.toString(16).padStart(64, '0'),
  hash: number.toString(16).padStart(64, 'f'),
});

function bodyOf(numbers: readonly number[], more: object = {}): Buffer {
  const result = { ...templateAnswer, transactions: numbers.map(transaction), ...more };
  return Buffer.from(JSON.stringify({ id: 1, result, error: null }));
}

const order = fc.uniqueArray(fc.nat(30), { maxLength: 12 });

describe('a thread that reads templates', () => {
  it('gives what reading in place gives, whatever stays, comes and goes between two templates', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(order, { minLength: 1, maxLength: 5 }), async (templates) => {
        const reader = thread.reader('regtest');
        for (const numbers of templates) {
          const here = decodeTemplate({ ...templateAnswer, transactions: numbers.map(transaction) }, 'regtest');
          const there = await reader.read(bodyOf(numbers));
          expect(there.ok && here.ok && { ...there.template }).toEqual(here.ok && here.template);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('keeps the very bytes of transactions that the template before had', async () => {
    const reader = thread.reader('regtest');
    const first = await reader.read(bodyOf([1, 2, 3]));
    const second = await reader.read(bodyOf([3, 4, 1]));
    if (!first.ok || !second.ok) throw new Error('not read');
    expect(second.template.transactions[0]?.data).toBe(first.template.transactions[2]?.data);
    expect(second.template.transactions[2]?.data).toBe(first.template.transactions[0]?.data);
    expect(toHex(second.template.transactions[1]?.txid ?? new Uint8Array())).toBe(`04${'00'.repeat(31)}`);
  });

  it('does not mix nodes up, nor answers that are read at once', async () => {
    const [a, b] = [thread.reader('regtest'), thread.reader('regtest')] as [TemplateReader, TemplateReader];
    const wanted = [[1, 2], [3], [2, 5, 1], [3, 1]];
    const answers = await Promise.all(wanted.map((numbers, index) => (index % 2 === 0 ? a : b).read(bodyOf(numbers))));
    const last = await a.read(bodyOf([1, 5, 2]));
    for (const [index, answer] of [...answers, last].entries()) {
      const txids = answer.ok ? answer.template.transactions.map(({ txid }) => txid[0]) : [];
      expect(txids).toEqual([...wanted, [1, 5, 2]][index]);
    }
  });

  it.each([
    ['not JSON', Buffer.from('{"result":'), /not JSON-RPC/],
    ['an RPC error', Buffer.from('{"result":null,"error":{"code":-10,"message":"warming up"}}'), /warming up/],
    ['a field that is wrong', bodyOf([], { bits: 7 }), /bits is no 8 hex digits/],
    ['nothing', Buffer.alloc(0), /not JSON-RPC/],
  ])('says why it can not read %s, and goes on', async (_name, body, reason) => {
    const reader = thread.reader('regtest');
    expect(await reader.read(body)).toMatchObject({ ok: false, reason: expect.stringMatching(reason) });
    expect(await reader.read(bodyOf([1]))).toMatchObject({ ok: true });
  });

  it('says so when it is closed', async () => {
    const closed = new TemplateThread();
    const reader = closed.reader('regtest');
    await closed.close();
    expect(await reader.read(bodyOf([1]))).toMatchObject({ ok: false, fatal: false });
  });
});
