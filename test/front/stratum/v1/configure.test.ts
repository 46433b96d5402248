import { describe, expect, it } from 'vitest';
import { limits } from '#base/limits';
import { decodeConfigure } from '#front/stratum/v1/configure';

describe('decodeConfigure', () => {
  it('reads every extension of BIP310 in the order asked for', () => {
    const names = ['minimum-difficulty', 'version-rolling', 'subscribe-extranonce', 'info', 'x-new'];
    const options = {
      'version-rolling.mask': '1FFFE000',
      'version-rolling.min-bit-count': 2,
      'minimum-difficulty.value': 2048,
      'info.connection-url': 'stratum+tcp://pool:3333',
    };
    expect(decodeConfigure(1, [names, options])).toEqual({
      kind: 'configure',
      id: 1,
      extensions: [
        { kind: 'minimum-difficulty', difficulty: 2048 },
        { kind: 'version-rolling', mask: 0x1fffe000 },
        { kind: 'subscribe-extranonce' },
        { kind: 'info' },
        { kind: 'unsupported', name: 'x-new' },
      ],
    });
  });

  it('takes a missing mask for any bit, a missing list for none, and a name once', () => {
    expect(decodeConfigure(1, [['version-rolling', 'version-rolling']])).toMatchObject({
      extensions: [{ kind: 'version-rolling', mask: 0xffff_ffff }],
    });
    expect(decodeConfigure(1, [])).toMatchObject({ extensions: [] });
    expect(decodeConfigure(1, [null, null])).toMatchObject({ extensions: [] });
  });

  it('says what is wrong', () => {
    expect(decodeConfigure(1, ['version-rolling'])).toBe('a list of extensions is expected');
    expect(decodeConfigure(1, [Array(limits.configureExtensionsMax + 1).fill('info')])).toMatch(/list/);
    expect(decodeConfigure(1, [[5]])).toBe('an extension name is expected');
  });

  it('reports an error of an extension for that extension only', () => {
    const both = ['version-rolling', 'minimum-difficulty'];
    for (const mask of ['', 'xyz', '123456789', 5]) {
      const options = { 'version-rolling.mask': mask, 'minimum-difficulty.value': 8 };
      expect(decodeConfigure(1, [both, options])).toMatchObject({
        extensions: [
          { kind: 'faulty', name: 'version-rolling', fault: expect.stringMatching(/mask/) },
          { kind: 'minimum-difficulty', difficulty: 8 },
        ],
      });
    }
    for (const value of [0, -1, 'x', undefined]) {
      expect(decodeConfigure(1, [both, { 'minimum-difficulty.value': value }])).toMatchObject({
        extensions: [
          { kind: 'version-rolling' },
          { kind: 'faulty', name: 'minimum-difficulty', fault: expect.stringMatching(/value/) },
        ],
      });
    }
  });

  it('reads no option that the client did not send itself', () => {
    const inherited = Object.create({ 'version-rolling.mask': '00000000' }) as object;
    expect(decodeConfigure(1, [['version-rolling'], inherited])).toMatchObject({ extensions: [{ mask: 0xffff_ffff }] });
  });
});
