import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '#base/limits';
import { decodeMessage, methods } from '#front/stratum/v1/decode';
import type { Message } from '#front/stratum/v1/message';
import { encodeId } from '#front/stratum/v1/request-id';

function decode(text: string): Message {
  return decodeMessage(Buffer.from(text));
}

function call(method: string, params: unknown, id: unknown = 1): Message {
  return decode(JSON.stringify({ id, method, params }));
}

const share = ['addr.rig', '0000000001', '0000000000000001', '65000000', '0000abcd'];

describe('decodeMessage', () => {
  const subscribe = { kind: 'subscribe', id: 1, userAgent: '', sessionId: undefined, signature: undefined };

  it('reads a subscribe with whatever stands behind the user agent', () => {
    for (const params of [
      ['cgminer/4.12'],
      ['cgminer/4.12', 'session'],
      ['cgminer/4.12', 'not16hexdigits__'],
      ['NiceHash/1.0.0', '1662637786319', 'no hex'],
      ['NiceHash/1.0.0', '-5', 'aabbcc'],
      ['odd', {}, []],
      ['LUXminer/1', null, 'pool:3333', null],
    ]) {
      expect(call('mining.subscribe', params)).toEqual({ ...subscribe, userAgent: params[0] });
    }
  });

  it('reads the session that a client wants to go on with, and what NiceHash signs', () => {
    expect(call('mining.subscribe', ['cgminer/4.12', '00112233AABBCCDD'])).toEqual({
      ...subscribe,
      userAgent: 'cgminer/4.12',
      sessionId: '00112233aabbccdd',
    });
    for (const timestamp of ['1662637786319', 1662637786319]) {
      expect(call('mining.subscribe', ['NiceHash/1.0.0', timestamp, 'AABBCC'])).toEqual({
        ...subscribe,
        userAgent: 'NiceHash/1.0.0',
        signature: { timestamp: '1662637786319', hmac: 'aabbcc' },
      });
    }
  });

  it('reads a subscribe without parameters: none, null, an empty list', () => {
    for (const line of [
      '{"id":1,"method":"mining.subscribe"}',
      '{"id":1,"method":"mining.subscribe","params":null}',
      '{"id":1,"method":"mining.subscribe","params":[]}',
      '{"id":1,"method":"mining.subscribe","params":{}}',
    ]) {
      expect(decode(line)).toEqual(subscribe);
    }
  });

  it('reads authorize with and without a password, and refuses it without a name', () => {
    const bare = { kind: 'authorize', id: 1, name: 'a.b', password: '' };
    expect(call('mining.authorize', ['a.b'])).toEqual(bare);
    expect(call('mining.authorize', ['a.b', null])).toEqual(bare);
    expect(call('mining.authorize', ['a.b', 'd=5'])).toEqual({ ...bare, password: 'd=5' });
    for (const params of [[], [''], ['\u0000 '], [7], [null, 'x']]) {
      expect(call('mining.authorize', params)).toMatchObject({ kind: 'error', fault: 'bad-params', code: 20, id: 1 });
    }
  });

  it('cleans and caps names once', () => {
    const hostile = '  <b>\u202eevil\r\n\u0007\ud800name\u200b\t';
    expect(call('mining.authorize', [hostile])).toMatchObject({ name: '<b>evilname' });
    expect(call('mining.submit', [hostile, ...share.slice(1)])).toMatchObject({
      request: { workerName: '<b>evilname' },
    });
    const long = call('mining.authorize', ['x'.repeat(4000), 'y'.repeat(4000)]);
    expect(long).toMatchObject({
      name: 'x'.repeat(limits.workerNameCharsMax),
      password: 'y'.repeat(limits.passwordCharsMax),
    });
  });

  it('reads each method of advice', () => {
    expect(call('mining.suggest_difficulty', [0.00015], null)).toEqual({
      kind: 'suggest-difficulty',
      id: null,
      difficulty: 0.00015,
    });
    expect(call('mining.suggest_difficulty', ['1024.5'])).toMatchObject({ difficulty: 1024.5 });
    const target = `00000000ffff${'0'.repeat(52)}`;
    expect(call('mining.suggest_target', [target], null)).toEqual({
      kind: 'suggest-difficulty',
      id: null,
      difficulty: 1,
    });
    expect(call('mining.suggest_target', [`0X${target.toUpperCase()}`])).toMatchObject({ difficulty: 1 });
    for (const value of [0, -1, '1e400', 'x', '', null, {}, [1], true, '0x10']) {
      expect(call('mining.suggest_difficulty', [value])).toMatchObject({ kind: 'error', code: 20 });
    }
    expect(decode('{"id":1,"method":"mining.suggest_difficulty","params":[1e999]}')).toMatchObject({ code: 20 });
    for (const value of ['', '0', '0x', 'zz', 5, null, 'f'.repeat(65)]) {
      expect(call('mining.suggest_target', [value])).toMatchObject({ kind: 'error', code: 20 });
    }
  });

  it('reads the small methods', () => {
    expect(call('mining.extranonce.subscribe', [])).toEqual({ kind: 'extranonce-subscribe', id: 1 });
    expect(call('mining.ping', [])).toEqual({ kind: 'ping', id: 1 });
    expect(call('mining.get_transactions', ['0000000001'], 'txlist1')).toEqual({ kind: 'transactions', id: 'txlist1' });
    expect(call('mining.get_txnhashes', [])).toEqual({ kind: 'transactions', id: 1 });
    expect(call('mining.multi_version', [4])).toEqual({ kind: 'acknowledge', id: 1 });
    expect(call('mining.capabilities', [{}])).toEqual({ kind: 'acknowledge', id: 1 });
  });

  it('answers what is not JSON with -32700 and what is no request with -32600', () => {
    for (const text of ['', ' ', 'GET / HTTP/1.1', '{', '{"id":1', "{'id':1}", '\ufeff{}', '\0', '{"id":NaN}']) {
      expect(decode(text)).toMatchObject({ kind: 'error', fault: 'unparsable', code: -32700, id: null });
    }
    for (const text of ['[]', '[{"id":1,"method":"mining.ping"}]', '1', '"x"', 'null', 'true', '{}', '{"id":5}']) {
      expect(decode(text)).toMatchObject({ kind: 'error', fault: 'invalid-request', code: -32600 });
    }
    for (const id of ['true', '{}', '[1]', `"${'x'.repeat(limits.requestIdCharsMax + 1)}"`, '1'.repeat(200)]) {
      expect(decode(`{"id":${id},"method":"mining.ping"}`)).toMatchObject({ fault: 'invalid-request', id: null });
    }
  });

  it('answers unknown methods with -32601 and their id, whatever they are called', () => {
    for (const method of [
      'mining.nothing',
      '',
      'constructor',
      '__proto__',
      'toString',
      'MINING.PING',
      5,
      {},
      [],
      true,
    ]) {
      expect(call(method as string, [], 'me')).toMatchObject({ kind: 'error', code: -32601, id: 'me' });
    }
  });

  it('recognises answers to its own requests', () => {
    const reply = { kind: 'reply', id: 7, text: undefined };
    expect(decode('{"id":7,"result":"pong\\u0000","error":null}')).toEqual({ ...reply, text: 'pong' });
    expect(decode('{"id":7,"result":null,"error":[20,"no",null]}')).toEqual(reply);
    expect(decode('{"id":7,"error":null,"result":null,"method":null}')).toEqual(reply);
  });

  it('refuses nesting that is too deep before parsing it', () => {
    const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;
    const message = (depth: number): Message => decode(`{"id":1,"method":"mining.ping","params":${nested(depth)}}`);
    expect(message(limits.jsonDepthMax - 1)).toMatchObject({ kind: 'ping' });
    expect(message(limits.jsonDepthMax)).toMatchObject({ kind: 'error', code: -32700 });
    expect(decode('['.repeat(8000))).toMatchObject({ code: -32700 });
    // Brackets in strings are text.
    expect(call('mining.authorize', ['[[[[{{{{\\"[[[[']).kind).toBe('authorize');
  });

  it('refuses a message of many lists, objects or members before parsing it', () => {
    const answer = (params: string) => decode(`{"id":1,"method":"mining.ping","params":[${params}]}`);
    const empties = (count: number): string => new Array(count).fill('{}').join(',');
    expect(answer(empties(limits.jsonContainersMax - 2))).toMatchObject({ kind: 'ping' });
    expect(answer(empties(limits.jsonContainersMax - 1))).toMatchObject({ kind: 'error', code: -32700 });
    const zeros = (count: number): string => new Array(count).fill('0').join(',');
    expect(answer(zeros(limits.jsonCommasMax - 1))).toMatchObject({ kind: 'ping' });
    expect(answer(zeros(limits.jsonCommasMax))).toMatchObject({ kind: 'error', code: -32700 });
    // Commas in strings are text.
    expect(call('mining.authorize', [','.repeat(limits.jsonCommasMax + 1)]).kind).toBe('authorize');
  });

  it('leaves Object.prototype alone', () => {
    const before = Object.getOwnPropertyNames(Object.prototype);
    decode('{"id":1,"method":"mining.configure","params":[["version-rolling"],{"__proto__":{"polluted":1}}]}');
    decode('{"__proto__":{"method":"mining.ping"},"constructor":{"prototype":{"polluted":1}},"id":1}');
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before);
    expect(decode('{"id":1,"__proto__":{"method":"mining.ping"}}')).toMatchObject({ code: -32600 });
  });

  it('never throws, and always says what a message is', () => {
    const kinds = [
      'subscribe',
      'authorize',
      'submit',
      'configure',
      'suggest-difficulty',
      'extranonce-subscribe',
      'ping',
    ]
      .concat(['transactions', 'acknowledge', 'reply', 'error'])
      .sort();
    const json = fc.record(
      {
        id: fc.oneof(fc.integer(), fc.string(), fc.constant(null), fc.jsonValue({ maxDepth: 1 })),
        method: fc.oneof(fc.constantFrom(...methods), fc.string()),
        params: fc.oneof(fc.array(fc.jsonValue({ maxDepth: 2 }), { maxLength: 7 }), fc.jsonValue({ maxDepth: 1 })),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          json.map((value) => Buffer.from(JSON.stringify(value))),
          fc.uint8Array({ maxLength: 64 }).map((raw) => Buffer.from(raw)),
        ),
        (bytes) => {
          expect(kinds).toContain(decodeMessage(bytes).kind);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('request ids', () => {
  function echoed(id: string): string {
    const message = decode(`{"id":${id},"method":"mining.ping","params":[{"id":3}],"x":{"id":4},"y":"\\"id\\":5"}`);
    return message.kind === 'ping' ? encodeId(message.id) : message.kind;
  }

  it('come back unchanged', () => {
    for (const id of ['0', '1', '-1', '4294967296', '9007199254740991', 'null', '"auth"', '"txlist00"', '""', '"4"']) {
      expect(echoed(id)).toBe(id);
    }
  });

  it('come back unchanged beyond what a double holds', () => {
    for (const id of [
      '9007199254740993',
      '18446744073709551615',
      '-9007199254740993',
      '1.5',
      '12345678901234567.25',
      '1e30',
    ]) {
      expect(echoed(id)).toBe(id);
    }
  });

  it('come back as the same string, in ASCII', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 10 }), (id) => {
        const json = echoed(JSON.stringify(id));
        expect(json).toMatch(/^[ -~]*$/);
        expect(JSON.parse(json)).toBe(id);
      }),
    );
    expect(JSON.parse(echoed('"\\u00005"'))).toBe('\u00005');
  });

  it('missing, come back as null', () => {
    const message = decode('{"method":"mining.ping"}');
    expect(message).toEqual({ kind: 'ping', id: null });
  });
});
