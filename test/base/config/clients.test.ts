import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Config } from '#base/config/config';
import { loadConfig } from '#base/config/load';
import { ConfigError } from '#base/config/problem';

const hash = 'scrypt$14$8$1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
const address = 'bcrt1qy7yl6pjgjct4qgael8e5dp2csn9f9k068fnq9n';
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-clients-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function load(toml: string): Config {
  const file = join(folder, 'sluice.toml');
  writeFileSync(file, toml);
  return loadConfig({ file, env: {} });
}

function problems(toml: string): string[] {
  try {
    load(toml);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ key, bound }) => `${key}: ${bound}`);
    throw error;
  }
  return [];
}

describe('accounts', () => {
  const alice = `[stratum.accounts.alice]\npassword-hash = "${hash}"\naddress = "${address.toUpperCase()}"\n`;

  it('are taken by name, their addresses in one spelling', () => {
    const { stratum } = load(`[stratum]\nauthorization = "accounts"\n${alice}`);
    expect(stratum.authorization).toBe('accounts');
    expect(stratum.accounts).toEqual([{ name: 'alice', passwordHash: hash, address }]);
  });

  it.each([
    ['no accounts', '[stratum]\nauthorization = "accounts"', /^stratum\.authorization: needs/],
    ['accounts that nobody reads', alice, /^stratum\.accounts: .*not "accounts"/],
    ['a name that a worker name takes apart', alice.replace('alice', '"a.b"'), /a\.b.*letters, digits and dashes/],
    ['a bad hash', alice.replace('scrypt', 'md5'), /^stratum\.accounts\.alice\.password-hash: .*sluice account hash/],
    [
      'an address of another network',
      `[stratum]\nauthorization = "accounts"\n${alice.replace(/address = .*/, 'address = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"')}`,
      /^stratum\.accounts\.alice\.address: .*regtest/,
    ],
    [
      'a key mistyped',
      alice.replace('address =', 'adress ='),
      /^stratum\.accounts\.alice\.adress: .*did you mean stratum\.accounts\.alice\.address/,
    ],
    ['no table', '[stratum]\naccounts = 5', /^stratum\.accounts: must be a table/],
  ])('are refused with %s', (_what, toml, expected) => {
    expect(problems(toml)).toEqual(expect.arrayContaining([expect.stringMatching(expected)]));
  });

  it('never shows a hash', () => {
    expect(problems(alice.replace(hash, 'hunter2')).join()).not.toContain('hunter2');
  });
});

describe('profiles', () => {
  it('are taken by name', () => {
    const { stratum } = load(
      '[stratum.profiles.toy]\nmatch = [" ToyMiner "]\ndifficulty-min = 0.5\nclean-on-raise = true\ncoinbase-bytes = 300\nping = true',
    );
    expect(stratum.profiles).toEqual([
      {
        name: 'toy',
        match: ['toyminer'],
        difficultyMin: 0.5,
        difficultyStart: undefined,
        cleanOnRaise: true,
        coinbaseBytesMax: 300,
        ping: true,
      },
    ]);
  });

  it.each([
    ['[stratum.profiles.toy]\nping = true', /^stratum\.profiles\.toy\.match: is missing/],
    ['[stratum.profiles.toy]\nmatch = [" "]', /^stratum\.profiles\.toy\.match/],
    [
      '[stratum.profiles.toy]\nmatch = ["x"]\ndifficulty-min = 0',
      /^stratum\.profiles\.toy\.difficulty-min: must be a number/,
    ],
  ])('are refused if they are empty: %j', (toml, expected) => {
    expect(problems(toml)).toEqual([expect.stringMatching(expected)]);
  });
});
