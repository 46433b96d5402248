import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromDisplayHash, fromHex, toDisplayHash } from '#base/bitcoin/bytes';
import { decodeHeader, encodeHeader, headerHash } from '#base/bitcoin/header';

/** Mainnet block 125552. */
const block125552 = fromHex(
  '0100000081cd02ab7e569e8bcd9317e2fe99f2de44d49ab2b8851ba4a308000000000000' +
    'e320b6c2fffc8d750423db8b1eb942ae710e951ed797f7affc8892b0f1fc122bc7f5d74df2b9441a42a14695',
);

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe('header', () => {
  it('hashes a mainnet block as the chain does', () => {
    expect(toDisplayHash(headerHash(block125552 ?? new Uint8Array()))).toBe(
      '00000000000000001e8d6829a8a21adc5d38d0a473b144b6765798e61f98bd1d',
    );
  });

  it('takes it apart', () => {
    expect(decodeHeader(block125552 ?? new Uint8Array())).toEqual({
      version: 1,
      previousHash: fromDisplayHash('00000000000008a3a41b85b8b29ad444def299fee21793cd8b9e567eab02cd81'),
      merkleRoot: fromDisplayHash('2b12fcf1b09288fcaff797d71e950e71ae42b91e8bdb2304758dfcffc2b620e3'),
      time: 1305998791,
      bits: 0x1a44b9f2,
      nonce: 2504433986,
    });
  });

  it('goes there and back, also from the middle of a buffer', () => {
    fc.assert(
      fc.property(u32, hash, hash, u32, u32, u32, (version, previousHash, merkleRoot, time, bits, nonce) => {
        const header = { version, previousHash, merkleRoot, time, bits, nonce };
        const padded = new Uint8Array(90);
        padded.set(encodeHeader(header), 5);
        expect(decodeHeader(padded.subarray(5))).toEqual(header);
      }),
    );
  });

  it('refuses too few bytes', () => {
    expect(decodeHeader(new Uint8Array(79))).toBeUndefined();
    const short = {
      version: 1,
      previousHash: new Uint8Array(31),
      merkleRoot: new Uint8Array(32),
      time: 0,
      bits: 0,
      nonce: 0,
    };
    expect(() => encodeHeader(short)).toThrow('previousHash');
  });
});
