import { expect, it } from 'vitest';
import { blockSubsidySats } from '#base/bitcoin/subsidy';

it('halves the subsidy every 210,000 blocks, on regtest every 150, until nothing is left', () => {
  const mainnet = [0, 209_999, 210_000, 840_000, 840_000 + 29 * 210_000].map((height) =>
    blockSubsidySats(height, 'main'),
  );
  expect(mainnet).toEqual([5_000_000_000n, 5_000_000_000n, 2_500_000_000n, 312_500_000n, 0n]);
  expect([149, 150, 299, 300].map((height) => blockSubsidySats(height, 'regtest'))).toEqual([
    5_000_000_000n,
    2_500_000_000n,
    2_500_000_000n,
    1_250_000_000n,
  ]);
  expect(blockSubsidySats(150, 'signet')).toBe(5_000_000_000n);
});
