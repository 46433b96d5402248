import { address } from 'bitcoinjs-lib';
import { describe, expect, it } from 'vitest';
import { authorizeAddress, authorizeAnyone } from '#front/session/login/authorize';
import { passwordDifficulty } from '#front/session/login/password';
import { parseWorkerName } from '#front/session/workers/worker-name';
import { MemoryWire } from './support.ts';

/** BIP173's P2WPKH example, on mainnet. */
const mainAddress = 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4';

describe('parseWorkerName', () => {
  it.each([
    ['addr', 'addr', ''],
    ['addr.rig', 'addr', 'rig'],
    ['addr_rig', 'addr', 'rig'],
    ['addr.rig.2_b', 'addr', 'rig.2_b'],
    ['addr_rig.2', 'addr', 'rig.2'],
    ['addr.', 'addr', ''],
    ['.rig', '', 'rig'],
    ['', '', ''],
  ])('%j is account %j and rig %j', (name, account, rig) => {
    expect(parseWorkerName(name)).toEqual({ account, rig });
  });
});

describe('passwordDifficulty', () => {
  it.each([
    ['d=1024', 1024],
    ['x,d=0.001', 0.001],
    ['x;D=5;y', 5],
    [' d=2. , d=3', 2],
    ['d=.5', 0.5],
    ['d=0,d=7', 7],
    ['d=1e12', 1e12],
    ['d=2.5E-9', 2.5e-9],
    ['fd=16', 16],
    ['d = 8192', 8192],
    ['secret word d=5', 5],
    ['d=5 6', 5],
  ])('%j fixes %d', (password, difficulty) => {
    expect(passwordDifficulty(password)).toBe(difficulty);
  });

  it.each([
    '',
    'x',
    'd=',
    'd=x',
    'd=-1',
    'd=1e',
    'd=1e999',
    'd=0',
    'bad=5',
    'xfd=5',
    'd=5x',
    `d=${'9'.repeat(400)}`,
    'd=Infinity',
  ])('%j fixes nothing', (password) => {
    expect(passwordDifficulty(password)).toBeUndefined();
  });
});

describe('authorizing', () => {
  it('takes payable addresses of the network, in any spelling, with any rig', () => {
    const authorize = authorizeAddress('main');
    expect(authorize(`${mainAddress}.rig`, 'x')).toEqual({
      name: `${mainAddress}.rig`,
      account: mainAddress,
      rig: 'rig',
    });
    expect(authorize(mainAddress.toUpperCase(), '')).toMatchObject({ account: mainAddress, rig: '' });
    // Again, as a farm does it: the same answers.
    expect(authorize(`${mainAddress}_2`, 'x')).toEqual({ name: `${mainAddress}_2`, account: mainAddress, rig: '2' });
    expect(authorize(mainAddress.toUpperCase(), '')).toMatchObject({ account: mainAddress, rig: '' });
  });

  it('takes every type of address that can be paid', () => {
    // BIP173, BIP350 and BIP341's examples, and the first block's and an early script's.
    for (const each of [
      '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa',
      '3P14159f73E4gFr7JterCCQh9QjiTjiZrG',
      mainAddress,
      'bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3',
      'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0',
    ]) {
      expect(authorizeAddress('main')(`${each}.rig`, 'x'), each).toMatchObject({ account: each, rig: 'rig' });
    }
    // Right in form, for nobody: a witness version without rules, and a checksum of the wrong kind.
    for (const each of [
      'bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs',
      'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd',
    ]) {
      expect(authorizeAddress('main')(each, 'x'), each).toHaveProperty('refused');
    }
  });

  it('says why it refuses others', () => {
    for (const name of ['nobody', '.rig', `${mainAddress}x`, `x${mainAddress}`, '__proto__', "'; drop table shares"]) {
      expect(authorizeAddress('main')(name, 'x')).toEqual({ refused: expect.stringMatching(/./) });
    }
    expect(authorizeAddress('regtest')(mainAddress, 'x')).toEqual({ refused: expect.stringContaining('regtest') });
  });

  it('looks a name up once, and holds a mistake against its sender once', () => {
    const [authorize, wire] = [authorizeAddress('main'), new MemoryWire()];
    for (let rig = 0; rig < 1000; rig += 1) {
      expect(authorize(`${mainAddress}.${rig}`, 'x', wire)).not.toHaveProperty('refused');
      expect(authorize(`${mainAddress}x.${rig}`, 'x', wire)).toHaveProperty('refused');
    }
    expect([wire.lookUps, wire.mistakes]).toEqual([2, 1]);
    // Whoever has had too many look-ups is told, and blamed for nothing; what is known goes on.
    wire.lookUpsMax = 0;
    expect(authorize('another', 'x', wire)).toEqual({ refused: expect.stringContaining('later') });
    expect(authorize(mainAddress, 'x', wire)).toMatchObject({ account: mainAddress });
    expect(wire.mistakes).toBe(1);
  });

  it('remembers a bounded number of addresses, the newest, whatever mistakes come between', () => {
    const [authorize, wire] = [authorizeAddress('main'), new MemoryWire()];
    const addresses = Array.from({ length: 4097 }, (_, index) => {
      const hash = new Uint8Array(20);
      new DataView(hash.buffer).setUint32(0, index);
      return address.toBech32(hash, 0, 'bc');
    });
    for (const each of addresses) expect(authorize(each, 'x', wire)).not.toHaveProperty('refused');
    for (let index = 0; index < 5000; index += 1) authorize(`mistake${index}`, 'x', wire);
    wire.lookUps = 0;
    for (const each of addresses.slice(1)) authorize(each, 'x', wire);
    expect(wire.lookUps).toBe(0);
    authorize(addresses[0] ?? '', 'x', wire);
    expect(wire.lookUps).toBe(1);
  });

  it('takes any name if authorization is open', () => {
    expect(authorizeAnyone()('me_1', '')).toEqual({ name: 'me_1', account: 'me', rig: '1' });
    expect(authorizeAnyone()('_1', '')).toHaveProperty('refused');
  });
});
