import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PayoutConfig } from '#base/config/config';
import { SIMULATED_PAYOUT_ADDRESS } from '#base/config/defaults';
import { loadConfig } from '#base/config/load';
import { ConfigError } from '#base/config/problem';

const address = SIMULATED_PAYOUT_ADDRESS;
const node = '[node]\nrpc = ["http://u:p@h:1"]\n';
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-payout-config-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function load(lines: string, before = '', env: Record<string, string> = {}): PayoutConfig {
  const file = join(folder, 'sluice.toml');
  writeFileSync(file, `${before}[payout]\n${lines}`);
  return loadConfig({ file, env }).payout;
}

function problems(lines: string, before = ''): string[] {
  try {
    load(lines, before);
  } catch (error) {
    if (error instanceof ConfigError)
      return error.problems.map(({ key, value, bound }) => `${key} = ${value}: ${bound}`);
    throw error;
  }
  return [];
}

describe('payout', () => {
  it('waits 100 confirmations on a real node, and 10 on the embedded one', () => {
    expect(load('')).toMatchObject({ maturity: 10, confirmations: 3 });
    expect(load(`address = "${address}"`, node)).toMatchObject({ maturity: 100, confirmations: 3 });
    expect(load('maturity = 1')).toMatchObject({ maturity: 1, confirmations: 1 });
  });

  it.each([
    ['0', 0],
    ['0.29', 29],
    ['1.15', 115],
    ['2', 200],
    ['99.99', 9999],
    ['100', 10_000],
  ])('takes a fee of %s percent as %d basis points', (percent, feeBasisPoints) => {
    expect(load(`fee-percent = ${percent}`)).toMatchObject({ feeBasisPoints });
    expect(load('', '', { SLUICE_PAYOUT__FEE_PERCENT: percent })).toMatchObject({ feeBasisPoints });
  });

  it.each([
    ['"off"', undefined],
    ['"90s"', 90_000],
    ['"10m"', 600_000],
    ['"7d"', 604_800_000],
  ])('takes an interval of %s', (text, intervalMs) => {
    expect(load(`interval = ${text}`).intervalMs).toBe(intervalMs);
  });

  it('takes rules of single accounts, under addresses in one spelling', () => {
    const { accounts } = load(
      `[payout.accounts.${address.toUpperCase()}]\nfee-percent = 0.5\n[payout.accounts.mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn]\nminimum-sats = 1000\nfee-percent = 0`,
    );
    expect(accounts).toEqual([
      { address, feeBasisPoints: 50, minimumSats: undefined },
      { address: 'mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn', feeBasisPoints: 0, minimumSats: 1000n },
    ]);
  });

  it('moves the default of one fee rate out of the way of the other', () => {
    expect(load('fee-rate-max = 0.2')).toMatchObject({ feeRateMin: 0.2, feeRateMax: 0.2 });
    expect(load('fee-rate-min = 500')).toMatchObject({ feeRateMin: 500, feeRateMax: 500 });
  });

  const percent = 'must be a number from 0 to 100 with at most two decimals';
  const interval = 'must be "off", or a time from 1s to 90d such as "90s", "10m", "1h" or "7d"';
  it.each([
    ['fee-percent = 100.1', `payout.fee-percent = 100.1: ${percent}`],
    ['fee-percent = 1.005', `payout.fee-percent = 1.005: ${percent}`],
    ['fee-percent = -1', `payout.fee-percent = -1: ${percent}`],
    ['donation-percent = nan', `payout.donation-percent = NaN: ${percent}`],
    [
      `donation-percent = 1.5`,
      'payout.donation-address = undefined: is missing: payout.donation-percent is for an address',
    ],
    [
      `donation-address = "${address}"`,
      `payout.donation-address = "${address}": gets nothing: payout.donation-percent is 0`,
    ],
    [
      'donation-percent = 1\ndonation-address = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"',
      'payout.donation-address = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4": must be an address that can be paid on regtest: not an address of regtest',
    ],
    [
      `fee-percent = 60\ndonation-percent = 40.01\ndonation-address = "${address}"`,
      'payout.fee-percent = 60: is, with payout.donation-percent, more than 100 percent',
    ],
    [
      `donation-percent = 40\ndonation-address = "${address}"\n[payout.accounts.${address}]\nfee-percent = 61`,
      `payout.accounts.${address}.fee-percent = 61: is, with payout.donation-percent, more than 100 percent`,
    ],
    [
      '[payout.accounts.alice]\nfee-percent = 1',
      'payout.accounts.alice = "alice": must be an address that can be paid on regtest: not an address: its checksum or form is wrong',
    ],
    [
      `[payout.accounts.${address}]\n[payout.accounts.${address.toUpperCase()}]`,
      `payout.accounts.${address.toUpperCase()} = "${address.toUpperCase()}": is there twice, in another spelling`,
    ],
    ['interval = "1w"', `payout.interval = "1w": ${interval}`],
    ['interval = "91d"', `payout.interval = "91d": ${interval}`],
    ['interval = 60', `payout.interval = 60: ${interval}`],
    ['window = 0', 'payout.window = 0: must be a number from 0.01 to 1000'],
    ['maturity = 0', 'payout.maturity = 0: must be an integer from 1 to 100000'],
    ['confirmations = 11', 'payout.confirmations = 11: must be at most payout.maturity, which is 10'],
    ['minimum-sats = 0.5', 'payout.minimum-sats = 0.5: must be an integer from 0 to 2100000000000000'],
    ['method = "lightning"', 'payout.method = "lightning": must be one of "wallet", "psbt", "coinbase"'],
    [
      'method = "coinbase"\nscheme = "pps"',
      'payout.method = "coinbase": pays what a block has earned: payout.scheme must be "pplns" or "solo", not "pps"',
    ],
    ['fee-rate-min = 5\nfee-rate-max = 4', 'payout.fee-rate-min = 5: must be at most payout.fee-rate-max, which is 4'],
    ['fee-rate-max = 0', 'payout.fee-rate-max = 0: must be a number above 0 and at most 1000'],
    ['tag = "a\\nb"', 'payout.tag = "a\\nb": must be a text of up to 64 bytes on one line'],
    [`tag = "${'⛏'.repeat(22)}"`, `payout.tag = "${'⛏'.repeat(22)}": must be a text of up to 64 bytes on one line`],
  ])('refuses %j', (lines, problem) => expect(problems(lines)).toEqual([problem]));

  it('refuses a maturity that consensus does not allow', () => {
    expect(problems(`address = "${address}"\nmaturity = 99`, node)).toEqual([
      'payout.maturity = 99: must be at least 100: a coinbase can not be spent earlier',
    ]);
  });
});
