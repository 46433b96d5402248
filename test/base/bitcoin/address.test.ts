import { address, networks } from 'bitcoinjs-lib';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { addressOf, type Network, networkNames, parseAddress } from '#base/bitcoin/address';
import { fromHex, toHex } from '#base/bitcoin/bytes';

/** Script hex, or the reason. */
function read(text: string, network: Network): string {
  const result = parseAddress(text, network);
  return result.ok ? toHex(result.script) : result.reason;
}

describe('parseAddress', () => {
  // BIP173, BIP350 and the best-known legacy addresses.
  it.each<[string, Network, string]>([
    ['1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa', 'main', '76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ac'],
    ['3P14159f73E4gFr7JterCCQh9QjiTjiZrG', 'main', 'a914e9c3dd0c07aac76179ebc76a6c78d4d67c6c160a87'],
    ['bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', 'main', '0014751e76e8199196d454941c45d1b3a323f1433bd6'],
    [
      'tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7',
      'testnet4',
      '00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262',
    ],
    [
      'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0',
      'main',
      '512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798',
    ],
    ['tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx', 'signet', '0014751e76e8199196d454941c45d1b3a323f1433bd6'],
    ['mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn', 'regtest', '76a914243f1394f44554f4ce3fd68649c19adc483ce92488ac'],
    ['mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn', 'testnet4', '76a914243f1394f44554f4ce3fd68649c19adc483ce92488ac'],
  ])('reads %s on %s', (text, network, script) => {
    expect(read(text, network)).toBe(script);
    expect(addressOf(fromHex(script) ?? new Uint8Array(), network)).toBe(text);
  });

  it.each([
    ['nothing', ''],
    ['a witness commitment', `6a24aa21a9ed${'00'.repeat(32)}`],
    ['a witness version without rules', `5220${'01'.repeat(32)}`],
    ['a taproot key off the curve', `5120${'ff'.repeat(32)}`],
    ['a script hash with something behind it', `a914${'01'.repeat(20)}8751`],
    ['a public key', `21${'02'.repeat(33)}ac`],
  ])('knows that %s is no address', (_, script) => {
    expect(addressOf(fromHex(script) ?? new Uint8Array(), 'regtest')).toBeUndefined();
  });

  it.each<[string, Network, string]>([
    ['', 'main', 'empty'],
    ['x'.repeat(91), 'main', 'too long'],
    ['1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb', 'main', 'checksum'],
    [' 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa', 'main', 'characters'],
    ['bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4\n', 'main', 'characters'],
    ['bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', 'regtest', 'not an address of regtest'],
    ['tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx', 'main', 'not an address of main'],
    ['1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa', 'regtest', 'not an address of regtest'],
    ['mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn', 'main', 'not an address of main'],
    ['bc1qw508d6qejxtdg4y5r3zarvary0c5xw7Kv8f3t4', 'main', 'checksum'],
    // BIP350: version 1 in bech32 and version 0 in bech32m.
    ['bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4', 'main', 'checksum'],
    ['BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R', 'main', 'no rules yet'],
    ['bc1qrmkjmntv', 'main', 'checksum'],
    ['bc1pfeessrawgf', 'main', 'none that can be paid'],
  ])('refuses %j on %s', (text, network, reason) => {
    expect(read(text, network)).toContain(reason);
  });

  it('refuses a taproot key that is off the curve', () => {
    expect(read(address.toBech32(new Uint8Array(32).fill(0xff), 1, 'bc'), 'main')).toContain('no valid key');
  });

  it('has one spelling for one address', () => {
    const lower = parseAddress('bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', 'main');
    expect(parseAddress('BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4', 'main')).toEqual(lower);
  });

  it('answers any text without throwing, and prints nothing', () => {
    const warn = vi.spyOn(console, 'warn');
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 120 }), fc.constantFrom(...networkNames), (text, network) => {
        expect(parseAddress(text, network).ok).toBe(false);
      }),
    );
    const future = address.toBech32(new Uint8Array(32), 3, 'bc');
    expect(read(future, 'main')).toContain('no rules yet');
    expect(warn).not.toHaveBeenCalled();
  });

  it('refuses what looks like no address without an exception', () => {
    const errors = [vi.spyOn(globalThis, 'Error'), vi.spyOn(globalThis, 'TypeError')];
    for (const text of [
      'nobody',
      'a'.repeat(90),
      '1'.repeat(90),
      `bc1q${'b'.repeat(38)}`,
      `bc1qW508${'q'.repeat(30)}`,
      '0A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa',
      '4J3sEtLG5VRjVVBPK3FKTs3MgTsHQrhjzM',
      'tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx',
      'ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9',
    ]) {
      expect(parseAddress(text, 'main').ok, text).toBe(false);
    }
    for (const spy of errors) {
      expect(spy).not.toHaveBeenCalled();
      spy.mockRestore();
    }
  });

  it('reads every script that can be paid as the library does', () => {
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    const { bitcoin } = networks;
    fc.assert(
      fc.property(bytes(20), bytes(32), (short, long) => {
        for (const text of [
          address.toBase58Check(short, bitcoin.pubKeyHash),
          address.toBase58Check(short, bitcoin.scriptHash),
          address.toBech32(short, 0, 'bc'),
          address.toBech32(long, 0, 'bc'),
        ]) {
          expect(read(text, 'main')).toBe(toHex(address.toOutputScript(text, bitcoin)));
        }
      }),
    );
  });

  it('notices one changed character anywhere', () => {
    const text = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
    expect(read(text, 'regtest')).toBe('0014751e76e8199196d454941c45d1b3a323f1433bd6');
    for (let index = 0; index < text.length; index += 1) {
      const other = text[index] === 'q' ? 'p' : 'q';
      expect(parseAddress(text.slice(0, index) + other + text.slice(index + 1), 'regtest').ok, `at ${index}`).toBe(
        false,
      );
    }
  });
});
