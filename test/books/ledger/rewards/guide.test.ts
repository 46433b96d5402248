import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { divideBlock } from '#books/ledger/rewards/divide-block';
import { windowOfBlocks } from '#books/ledger/rewards/fixed-point';
import { fpps, noCarry, pps } from '#books/ledger/rewards/pps';
import type { BlockScheme, Distribution } from '#books/ledger/rewards/scheme';
import { ppsReserve, ppsRuin, propHopperGain } from '#books/ledger/simulate/theory';
import { feesOf, satsOf, slice } from './fixtures.ts';

const guide = readFileSync(new URL('../../../../src/books/ledger/rewards/README.md', import.meta.url), 'utf8');

/** Cells of the guide's table whose head begins with `head`. */
function table(head: string): string[][] {
  const lines = guide.split('\n');
  const start = lines.findIndex((line) => line.replace(/ +/g, ' ').startsWith(`| ${head} |`));
  const rows = lines.slice(start + 2);
  const end = rows.findIndex((line) => !line.startsWith('|'));
  return rows.slice(0, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const sats = (text = ''): bigint => BigInt(text.replaceAll(',', '') || '0');
const slices = table('job | network work | subsidy | fees').map(([job, networkWork, subsidy, fees, ...works]) =>
  slice(
    Number(job),
    Object.fromEntries(
      ['a', 'b', 'c'].map((account, at) => [account, sats(works[at])]).filter(([, work]) => work !== 0n),
    ),
    { networkWork: sats(networkWork), subsidySats: sats(subsidy), feesSats: sats(fees) },
  ),
);
const fees = feesOf(100);
const block = (scheme: BlockScheme): Distribution =>
  divideBlock(314_159_265n, slices, { scheme, fees, window: windowOfBlocks(2), afterSerial: 1, finder: 'b' });
const oldestFirst = slices.toReversed();

describe('the guide to the schemes', () => {
  it.each([
    ['`pplns`, window = 2 blocks', block('pplns')],
    ['`prop`', block('prop')],
    ['`solo`', block('solo')],
    ['`pps`, all three slices', pps(oldestFirst, noCarry, fees)],
    ['`fpps`, all three slices', fpps(oldestFirst, noCarry, fees)],
  ])('has the numbers of %s', (name, given) => {
    const row = table('scheme | a | b | c | fee').find(([scheme]) => scheme === name);
    const { a = 0n, b = 0n, c = 0n } = satsOf(given);
    expect(row?.slice(1).map(sats)).toEqual([a, b, c, given.feeSats]);
  });

  it('has the gains of a hopper', () => {
    for (const [leaves, gain] of table('leaves after | gain under `prop` | gain under `pplns`')) {
      const exact = propHopperGain(Math.round(Number(leaves) * 2_000), 2_000, 0);
      expect(`${(exact * 100).toFixed(1)} %`, leaves).toBe(gain);
    }
  });

  it('has the reserves of pps', () => {
    for (const [fee = '', blocks, bitcoins] of table('fee | reserve for δ = 1/1000 | at B = 3.125 BTC')) {
      const reserve = ppsReserve(1, 0.001, Number.parseFloat(fee) / 100);
      expect([`${reserve.toFixed(1)} blocks`, `${(reserve * 3.125).toFixed(1)} BTC`]).toEqual([blocks, bitcoins]);
    }
    expect(guide).toContain(`R = ${ppsReserve(50, 0.001, 0.05).toFixed(2)}`);
    expect(guide).toContain(`1/${Math.round(1 / ppsRuin(ppsReserve(1, 0.001, 0.05), 0.05))}.`);
  });
});
