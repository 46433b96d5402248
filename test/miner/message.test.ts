import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePoolMessage } from '#miner/message';

const notify = (changes: Readonly<Record<number, unknown>> = {}): string => {
  const params: unknown[] = [
    'j1',
    '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff',
    '0102',
    '03',
    ['ab'.repeat(32)],
    '20000000',
    '1d00ffff',
    '65000000',
    true,
  ];
  for (const [at, value] of Object.entries(changes)) params[Number(at)] = value;
  return JSON.stringify({ id: null, method: 'mining.notify', params });
};

describe('parsePoolMessage', () => {
  it('decodes a notify, with the words of the previous hash put right', () => {
    expect(parsePoolMessage(notify())).toEqual({
      kind: 'notify',
      job: {
        id: 'j1',
        previousHash: Uint8Array.from(
          Buffer.from('3322110077665544bbaa9988ffeeddcc3322110077665544bbaa9988ffeeddcc', 'hex'),
        ),
        coinb1: Uint8Array.of(1, 2),
        coinb2: Uint8Array.of(3),
        merkleBranch: [new Uint8Array(32).fill(0xab)],
        version: 0x20000000,
        bits: 0x1d00ffff,
        ntime: 0x65000000,
        cleanJobs: true,
      },
    });
  });

  it.each([
    ['an empty job id', { 0: '' }],
    ['a job id that is no string', { 0: 5 }],
    ['an endless job id', { 0: 'x'.repeat(129) }],
    ['a short previous hash', { 1: '00' }],
    ['an odd coinbase', { 2: '012' }],
    ['a coinbase that is no hex', { 3: 'zz' }],
    ['a branch that is no list', { 4: 'ab' }],
    ['a short branch hash', { 4: ['ab'] }],
    ['33 branches', { 4: new Array(33).fill('ab'.repeat(32)) }],
    ['a version with a prefix', { 5: '0x200000' }],
    ['a number as nbits', { 6: 7 }],
    ['a long ntime', { 7: '065000000' }],
    ['a flag that is no boolean', { 8: 1 }],
  ])('refuses a notify with %s', (_, changes) => {
    expect(parsePoolMessage(notify(changes)).kind).toBe('problem');
  });

  it('tells accepted, rejected and shapeless replies apart', () => {
    expect(parsePoolMessage('{"id":1,"result":true,"error":null}')).toEqual({
      kind: 'reply',
      id: 1,
      result: true,
      error: undefined,
    });
    expect(parsePoolMessage('{"id":1,"result":null,"error":[21,"Stale",null]}')).toMatchObject({
      error: { code: 21, text: 'Stale' },
    });
    for (const text of [
      '{"id":"1","result":true,"error":null}',
      '{"result":true,"error":null}',
      '{"id":1,"result":true}',
      '{"id":1,"error":null}',
      '{"id":1,"result":null,"error":"no"}',
      '{"id":1,"result":null,"error":["21","Stale"]}',
      '[]',
      'null',
      '{"method":5,"params":[]}',
      '{"method":"mining.notify"}',
    ]) {
      expect(parsePoolMessage(text).kind, text).toBe('problem');
    }
  });

  it('takes no control characters and no endless text from the pool', () => {
    const message = parsePoolMessage(
      JSON.stringify({ method: 'client.show_message', params: [`a\u001b[2Jb\n${'x'.repeat(999)}`] }),
    );
    expect(message).toMatchObject({ kind: 'show-message', text: expect.stringMatching(/^a \[2Jb x+$/) });
    expect(message.kind === 'show-message' && message.text.length).toBeLessThanOrEqual(256);
  });

  it.each([
    ['mining.set_difficulty', [0]],
    ['mining.set_difficulty', ['1']],
    ['mining.set_difficulty', [null]],
    ['mining.set_extranonce', ['0g', 4]],
    ['mining.set_extranonce', ['00', 0]],
    ['mining.set_extranonce', ['00', 33]],
    ['mining.set_extranonce', ['00', 4.5]],
    ['mining.set_version_mask', ['1fffe00']],
    ['client.reconnect', ['host', 70_000, 0]],
    ['client.reconnect', ['host', 1, -1]],
    ['client.reconnect', [5, 1, 1]],
    ['client.reconnect', ['', { toString: 0 }, 0]],
    ['client.reconnect', ['', 0, { valueOf: 0 }]],
  ])('refuses %s %j', (method, params) => {
    expect(parsePoolMessage(JSON.stringify({ id: null, method, params })).kind).toBe('problem');
  });

  it('keeps its host and port if a reconnect names none', () => {
    for (const params of [[], ['', 0], [null, null, 5], ['', '0', '5']]) {
      expect(parsePoolMessage(JSON.stringify({ id: null, method: 'client.reconnect', params }))).toMatchObject({
        kind: 'reconnect',
        host: '',
        port: 0,
      });
    }
  });

  it('shows whatever stands for a message, without what it inherits', () => {
    const show = (text: unknown) =>
      parsePoolMessage(JSON.stringify({ id: null, method: 'client.show_message', params: [text] }));
    expect(show('a\u0007b')).toEqual({ kind: 'show-message', text: 'a b' });
    expect(show({ toString: 0 })).toEqual({ kind: 'show-message', text: '{"toString":0}' });
  });

  it('takes any text and any JSON without throwing', () => {
    const methods = fc.constantFrom(
      'mining.notify',
      'mining.set_difficulty',
      'mining.set_extranonce',
      'mining.set_version_mask',
      'client.reconnect',
      'client.show_message',
    );
    fc.assert(fc.property(fc.string(), (text) => void parsePoolMessage(text)));
    fc.assert(
      fc.property(methods, fc.array(fc.jsonValue()), (method, params) => {
        parsePoolMessage(JSON.stringify({ id: null, method, params }));
      }),
    );
    fc.assert(fc.property(fc.jsonValue(), (value) => void parsePoolMessage(JSON.stringify(value))));
  });
});
