import { describe, expect, it } from 'vitest';
import { addressOf, parseAddress } from '#base/bitcoin/address';
import { toHex } from '#base/bitcoin/bytes';
import { DirectPayouts } from '#pool/direct-payouts';

const POOL = Uint8Array.from([0, 20, ...new Uint8Array(20).fill(0xaa)]);
const FEES = { feeBasisPoints: 100, donationBasisPoints: 0, exceptions: new Map<string, number>() };
/** P2WPKH addresses in byte order. */
const accounts = Array.from({ length: 40 }, (_, at) =>
  addressOf(Uint8Array.from([0, 20, ...new Uint8Array(20).fill(at)]), 'regtest'),
)
  .map(String)
  .sort();

function payouts(weights: Readonly<Record<string, bigint>>): DirectPayouts {
  const made = new DirectPayouts({ network: 'regtest', fees: FEES, poolScript: POOL });
  const weighed = Object.entries(weights).map(([account, weight]) => ({ account, weight, work: weight }));
  made.hear({ jobId: 'window', weighed });
  return made;
}
const scriptOf = (account: string | undefined): string => {
  const parsed = parseAddress(account ?? '', 'regtest');
  return parsed.ok ? toHex(parsed.script) : '';
};
const shown = (made: DirectPayouts, sats: bigint, room: number) =>
  made.pay(sats, [room])?.outputs[0]?.map(({ script, sats: each }) => [toHex(script), each]);

describe('direct payouts', () => {
  it('are none before the first window', () => {
    expect(
      new DirectPayouts({ network: 'regtest', fees: FEES, poolScript: POOL }).pay(1_000_000n, [600]),
    ).toBeUndefined();
  });

  it('go to the greatest credits that there is room for; the pool has all that is left, to the satoshi', () => {
    const [a, b, c, d] = accounts as [string, string, string, string];
    const made = payouts({ [a]: 1n, [b]: 3n, [c]: 2n, [d]: 1n });
    // 1 % of 1,000,003 is 10,000; the rest is divided 1 : 3 : 2 : 1 by largest remainder.
    const room = 2 + 3 * 31;
    expect(shown(made, 1_000_003n, room)).toEqual([
      [scriptOf(b), 424_287n],
      [scriptOf(c), 282_858n],
      [scriptOf(a), 141_429n],
      [toHex(POOL), 1_000_003n - 424_287n - 282_858n - 141_429n],
    ]);
    expect(made.ratio).toBeCloseTo(0.848571, 5);
    expect(shown(made, 1_000_003n, room - 1)).toHaveLength(3);
  });

  it('leave out whose address does not parse, the pool itself, and whose part is dust; the others are paid', () => {
    const [a] = accounts as [string];
    const own = String(addressOf(POOL, 'regtest'));
    const made = payouts({ [a]: 10n, 'no address': 30n, [own]: 20n, [accounts[1] ?? '']: 1n });
    expect(shown(made, 30_000n, 600)).toEqual([
      [scriptOf(a), 4_869n],
      [toHex(POOL), 30_000n - 4_869n],
    ]);
  });

  it('fall back to the pool alone if no account is left', () => {
    expect(payouts({ 'no address': 1n }).pay(1_000_000n, [600])).toBeUndefined();
    expect(payouts({ [accounts[0] ?? '']: 1n }).pay(1_000_000n, [32])).toBeUndefined();
  });

  it('fit each size of coinbase; one without room pays the pool alone', () => {
    const made = payouts(Object.fromEntries(accounts.map((account) => [account, 1n])));
    const sizes = made.pay(5_000_000_000n, [512, 64, 10])?.outputs;
    expect(sizes?.map((outputs) => outputs.length)).toEqual([17, 3, 1]);
    for (const outputs of sizes ?? []) {
      expect(outputs.reduce((sum, { sats }) => sum + sats, 0n)).toBe(5_000_000_000n);
      expect(toHex(outputs.at(-1)?.script ?? new Uint8Array())).toBe(toHex(POOL));
    }
  });

  it('take up to 2 bytes for their number and 31 for each P2WPKH output', () => {
    const made = payouts(Object.fromEntries(accounts.map((account, at) => [account, BigInt(at + 1)])));
    for (const room of [33, 63, 64, 95, 512]) {
      expect(shown(made, 5_000_000_000n, room)).toHaveLength(1 + Math.floor((room - 2) / 31));
    }
  });
});
