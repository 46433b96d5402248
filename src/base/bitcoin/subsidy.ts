import type { Network } from './address.ts';

const INITIAL_SATS = 5_000_000_000n;
const HALVING_BLOCKS = 210_000;
const REGTEST_HALVING_BLOCKS = 150;

/**
 * The subsidy of a block at this height, without fees, in satoshis: 50 BTC, halved every 210,000 blocks, on regtest every 150
 * (Bitcoin Core, GetBlockSubsidy and nSubsidyHalvingInterval).
 */
export function blockSubsidySats(height: number, network: Network): bigint {
  const interval = network === 'regtest' ? REGTEST_HALVING_BLOCKS : HALVING_BLOCKS;
  return INITIAL_SATS >> BigInt(Math.floor(height / interval));
}
