import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NO_SERIAL } from '#base/domain/share';
import { decodeSubmit } from '#front/stratum/v1/submit';

const good = ['addr.rig', '0000000001', '00000000000000a1', '65000000', '0000abcd', '00002000'] as const;

/** The good share with one place changed. */
function withField(place: number, value: unknown): ReturnType<typeof decodeSubmit> {
  return decodeSubmit(1, good.map((field, index) => (index === place ? value : field)) as unknown[]);
}

describe('decodeSubmit', () => {
  it('reads five and six parameters', () => {
    const fields = {
      id: 1,
      workerName: 'addr.rig',
      jobName: '0000000001',
      serial: 1,
      variant: 0,
      extranonce2: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0xa1),
      ntime: 0x65000000,
      nonce: 0xabcd,
      malformed: undefined,
    };
    expect(decodeSubmit(1, good)).toEqual({ ...fields, versionBits: 0x2000 });
    expect(decodeSubmit(1, good.slice(0, 5))).toEqual({ ...fields, versionBits: undefined });
    for (const nothing of [null, ''])
      expect(decodeSubmit(1, [...good.slice(0, 5), nothing])).toEqual({ ...fields, versionBits: undefined });
  });

  it('gives every spelling of the same share the same fields', () => {
    const spelling = (digits: string): fc.Arbitrary<string> =>
      fc
        .tuple(fc.constantFrom('', '0x', '0X'), fc.infiniteStream(fc.boolean()))
        .map(
          ([prefix, upper]) =>
            prefix + [...digits].map((digit) => (upper.next().value ? digit.toUpperCase() : digit)).join(''),
        );
    const canonical = decodeSubmit(1, ['w', 'j', '00000000deadbeef', '6500abcd', 'fedcba98', '1fffe000']);
    fc.assert(
      fc.property(
        spelling('00000000deadbeef'),
        spelling('6500abcd'),
        spelling('fedcba98'),
        spelling('1fffe000'),
        (extranonce2, ntime, nonce, version) => {
          expect(decodeSubmit(1, ['w', 'j', extranonce2, ntime, nonce, version])).toEqual(canonical);
        },
      ),
    );
  });

  it('pads short numbers on the left', () => {
    for (const nonce of ['abcd', '0abcd', '0xabcd', '000abcd']) expect(withField(4, nonce).nonce).toBe(0xabcd);
    expect(withField(3, '1').ntime).toBe(1);
    expect(withField(5, '2000').versionBits).toBe(0x2000);
    expect(withField(4, 'ffffffff').nonce).toBe(0xffff_ffff);
  });

  it.each([
    [0, 'worker name', [undefined, null, 5, {}, ['x']]],
    [1, 'job id', [undefined, null, 5, 'x'.repeat(33), []]],
    [
      2,
      'extranonce2',
      ['', '0x', 'abc', 'zz', ' 00', '00 ', '00\0', '0x0x00', '-1', '00000000000000a100', 5, null, 'ﬀ'],
    ],
    [3, 'ntime', ['', '0x', 'g', '123456789', '+1', ' 1', '1\n', 1, null, '１']],
    [4, 'nonce', ['', 'xyz', '000000000', '1.0', '1h3', 7, undefined, '0x', '\0']],
    [5, 'version bits', ['x', '0x', '111111111', 0, false, {}, []]],
  ])('blames place %i (%s)', (place, field, values) => {
    for (const value of values as unknown[]) expect(withField(place, value).malformed).toBe(field);
  });

  it('blames the first of several, and still gives every field a value', () => {
    expect(decodeSubmit(null, [])).toEqual({
      id: null,
      workerName: '',
      jobName: '',
      serial: NO_SERIAL,
      variant: 0,
      extranonce2: new Uint8Array(),
      ntime: 0,
      nonce: 0,
      versionBits: undefined,
      malformed: 'worker name',
    });
    expect(decodeSubmit(null, ['w', 'j', 'x', 'x', 'x']).malformed).toBe('extranonce2');
  });
});
