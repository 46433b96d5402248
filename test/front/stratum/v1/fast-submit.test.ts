import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeMessage } from '#front/stratum/v1/decode';
import { FastSubmit } from '#front/stratum/v1/fast-submit';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'utf8');
const reader = new FastSubmit();

/** What the fast reader says is what the full decoder says; undefined says nothing. Returns whether it said anything. */
function expectAgreement(line: Uint8Array, by = reader): boolean {
  const fast = by.read(line);
  if (fast === undefined) return false;
  expect(decodeMessage(line)).toEqual({ kind: 'submit', request: fast });
  return true;
}

/** Nearly always the first: a line has some fifteen places, and most lines should be right in all of them. */
const mostly = <T>(usual: fc.Arbitrary<T>, ...others: fc.Arbitrary<T>[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 20 * others.length, arbitrary: usual }, ...others);
const digits = (unit: string, min: number, max: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...unit), minLength: min, maxLength: max });
const hex = (max: number): fc.Arbitrary<string> =>
  mostly(
    digits('0123456789abcdef', max, max),
    digits('0123456789abcdefABCDEFx', 0, max + 2),
    fc.string({ maxLength: 20 }),
  );
const text = mostly(digits('abcXYZ019._-', 1, 60), fc.string({ unit: 'binary', maxLength: 200 }));
const space = mostly(fc.constantFrom('', ' ', '  '), fc.constantFrom('\t', '\r'));
const id = mostly(
  fc.nat().map(String),
  fc.constantFrom('null', '"4"', '-1', '01', '1.5', '1e3', '999999999999999', '9999999999999999', '{}', ''),
);
const quoted = mostly(
  fc.constant((value: string) => JSON.stringify(value)),
  fc.constant((value: string) => value),
);

/** Lines that are close to a submit: mostly right, with every kind of thing that can be a little off. */
const line = fc
  .record({
    params: fc.tuple(text, text, hex(16), hex(8), hex(8)),
    version: fc.option(hex(8), { nil: undefined }),
    more: mostly(fc.constant(''), fc.constantFrom(',"x"', ',null', ',1')),
    id,
    method: mostly(fc.constant('"mining.submit"'), fc.constantFrom('"mining.Submit"', '"mining\\u002esubmit"', 'null')),
    order: fc.shuffledSubarray(['id', 'method', 'params'], { minLength: 3 }),
    extra: mostly(fc.constant(''), fc.constantFrom(',"id":7', ',"jsonrpc":"2.0"', ',"params":[]')),
    spaces: fc.array(space, { minLength: 8, maxLength: 8 }),
    quote: quoted,
    end: mostly(fc.constant(''), fc.constantFrom(' ', '}', 'x', '\0')),
  })
  .map(({ params, version, more, id, method, order, extra, spaces, quote, end }) => {
    const [a, b, c, d, e, f, g, h] = spaces;
    const all = version === undefined ? params : [...params, version];
    const values: Record<string, string> = { id, method, params: `[${all.map(quote).join(`,${a}`)}${more}${b}]` };
    const members = order.map((name) => `"${name}"${c}:${d}${values[name]}${e}`);
    return `{${f}${members.join(`,${g}`)}${extra}}${h}${end}`;
  });

/** A reader that knows the shape of this line. */
function taught(line: Uint8Array): FastSubmit {
  const reader = new FastSubmit();
  expect(reader.read(line)).toBeDefined();
  expect(reader.read(line)).toBeDefined();
  return reader;
}

describe('the fast reader of mining.submit', () => {
  it.each([
    [
      'a plain one',
      '{"id":4,"method":"mining.submit","params":["a.w","0000100000","0011223344556677","66000000","deadbeef"]}',
    ],
    [
      'cgminer’s order and spaces',
      '{"params": ["a.w", "0000100000", "0011223344556677", "66000000", "deadbeef"], "id": 12, "method": "mining.submit"}',
    ],
    [
      'minerd’s order',
      '{"method": "mining.submit", "params": ["a.w", "00001000000001", "0011223344556677", "66000000", "0000000f"], "id":4}',
    ],
    [
      'version bits',
      '{"id":4,"method":"mining.submit","params":["a.w","0000100000","0011223344556677","66000000","deadbeef","00ffe000"]}',
    ],
    [
      'unpadded, upper-case numbers',
      '{"id":4,"method":"mining.submit","params":["a.w","0000100000","0011223344556677","6600000A","F"]}',
    ],
  ])('reads %s as the full decoder does', (_, text) => {
    expect(expectAgreement(bytes(text))).toBe(true);
  });

  it.each([
    [
      'string ids',
      '{"id":"4","method":"mining.submit","params":["a.w","0000100000","0011223344556677","66000000","deadbeef"]}',
    ],
    [
      'escapes',
      '{"id":4,"method":"mining.submit","params":["a\\u002ew","0000100000","0011223344556677","66000000","deadbeef"]}',
    ],
    [
      'another method',
      '{"id":4,"method":"mining.submix","params":["a.w","0000100000","0011223344556677","66000000","deadbeef"]}',
    ],
    [
      'a member twice',
      '{"id":4,"id":5,"method":"mining.submit","params":["a.w","0000100000","0011223344556677","66000000","deadbeef"]}',
    ],
    [
      'a malformed field',
      '{"id":4,"method":"mining.submit","params":["a.w","0000100000","0011223344556677","66000000","deadbeeg"]}',
    ],
    [
      'an odd extranonce2',
      '{"id":4,"method":"mining.submit","params":["a.w","0000100000","001122334455667","66000000","deadbeef"]}',
    ],
    [
      'bytes behind the end',
      '{"id":4,"method":"mining.submit","params":["a.w","0000100000","0011223344556677","66000000","deadbeef"]}}',
    ],
  ])('leaves %s to the full decoder', (_, text) => {
    expect(reader.read(bytes(text))).toBeUndefined();
  });

  it('agrees with the full decoder on whatever it reads', () => {
    let read = 0;
    fc.assert(
      fc.property(line, (text) => {
        if (expectAgreement(bytes(text))) read += 1;
      }),
      { numRuns: 5000 },
    );
    expect(read, 'hardly any line was read: the test says nothing').toBeGreaterThan(200);
  });

  it('agrees on a good line with any bytes of it changed, cut out or cut short', () => {
    const good = bytes(
      '{"id": 12,"method":"mining.submit","params":["bc1q.rig","00001000000001","0011223344556677","66000000","deadbeef","1fffe000"]}',
    );
    let read = 0;
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: good.length }), fc.nat({ max: 255 }), fc.nat({ max: 3 })), { maxLength: 3 }),
        fc.nat({ max: good.length }),
        (changes, length) => {
          let mutated = Buffer.from(good.subarray(0, length > 100 ? good.length : length));
          for (const [at, value, cut] of changes) {
            mutated = Buffer.concat([mutated.subarray(0, at), Buffer.of(value), mutated.subarray(at + cut)]);
          }
          if (expectAgreement(mutated)) read += 1;
        },
      ),
      { numRuns: 5000 },
    );
    expect(read).toBeGreaterThan(50);
  });

  it('agrees on a line of the shape that it has just read, whatever is changed in it', () => {
    const fields = fc.record({
      id: mostly(
        fc.nat().map(String),
        fc.constantFrom('0', '00', '999999999999999', '9999999999999999', '-1', '', '1e1'),
      ),
      extranonce2: mostly(digits('0123456789abcdef', 16, 16), digits('0123456789abcdefABCDEFg', 14, 18)),
      numbers: fc.array(mostly(digits('0123456789abcdefABCDEF', 1, 8), digits('0123456789abcdefx"', 0, 10)), {
        minLength: 3,
        maxLength: 3,
      }),
      rolls: fc.boolean(),
      first: fc.boolean(),
    });
    const write = (one: {
      id: string;
      extranonce2: string;
      numbers: string[];
      rolls: boolean;
      first: boolean;
    }): string => {
      const [ntime, nonce, version] = one.numbers;
      const more = one.rolls ? `", "${version}` : '';
      const params = `"params": ["bc1q.rig1", "00001000000001", "${one.extranonce2}", "${ntime}", "${nonce}${more}"]`;
      return one.first
        ? `{"id": ${one.id}, "method": "mining.submit", ${params}}`
        : `{${params}, "id": ${one.id}, "method": "mining.submit"}`;
    };
    const good = { id: '12', extranonce2: '0011223344556677', numbers: ['66000000', 'deadbeef', '1fffe000'] };
    let read = 0;
    fc.assert(
      fc.property(fields, fc.nat(), fc.nat({ max: 255 }), fc.boolean(), (one, place, value, change) => {
        const by = taught(bytes(write({ ...good, rolls: one.rolls, first: one.first })));
        const line = bytes(write(one));
        if (change) line[place % line.length] = value;
        if (expectAgreement(line, by)) read += 1;
        // Within a chunk, with another line on either side.
        const chunk = Buffer.concat([bytes('12"}\n'), line, bytes('\nabc00')]);
        const within = by.read(chunk, undefined, 5, 5 + line.length);
        const kept = within && { ...within };
        expect(kept).toEqual(by.read(line));
      }),
      { numRuns: 5000 },
    );
    expect(read).toBeGreaterThan(1000);
  });

  it('gives the same strings again, and other ones when they change', () => {
    const submit = (worker: string, job: string): string =>
      `{"id":4,"method":"mining.submit","params":["${worker}","${job}","0011223344556677","66000000","deadbeef"]}`;
    for (const [worker, job] of [
      ['a.w', '0000100000'],
      ['a.w', '0000100001'],
      ['a.x', '0000100001'],
      ['a.xy', '0000100001'],
    ] as const) {
      expect(reader.read(bytes(submit(worker, job)))).toMatchObject({
        workerName: worker,
        jobName: job,
        serial: Number.parseInt(job, 16),
      });
    }
  });
});
