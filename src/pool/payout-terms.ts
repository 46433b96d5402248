import { parseAddress } from '#base/bitcoin/address';
import type { Config, PayoutConfig } from '#base/config/config';
import type { BlocksOptions } from '#books/ledger/blocks/blocks';
import { windowOfBlocks } from '#books/ledger/rewards/fixed-point';
import type { Fees } from '#books/ledger/rewards/scheme';
import { DirectPayouts } from './direct-payouts.ts';

/** What the pool keeps of blocks whose coinbases pay the accounts that found them; undefined if the coinbases pay the pool. */
export function ownCoinbaseFees({ payout, stratum }: Config): Fees | undefined {
  const { scheme, method } = payout;
  return method === 'coinbase' && scheme === 'solo' && stratum.authorization !== 'open' ? feesOf(payout) : undefined;
}

/** Chooses whom coinbases pay; undefined unless they pay by the window. */
export function directPayouts(config: Config): DirectPayouts | undefined {
  const { network, payout } = config;
  const own = parseAddress(payout.address, network);
  if (!pinsWindow(config) || !own.ok) return undefined;
  return new DirectPayouts({ network, fees: feesOf(payout), poolScript: own.script });
}

/** Whether coinbases pay accounts by the newest window of sealed slices. */
export function pinsWindow({ payout, stratum }: Config): boolean {
  return payout.method === 'coinbase' && payout.scheme === 'pplns' && stratum.authorization !== 'open';
}

function feesOf({ feeBasisPoints, donationBasisPoints, accounts }: PayoutConfig): Fees {
  const exceptions = accounts.flatMap(({ address, feeBasisPoints: fee }) =>
    fee === undefined ? [] : [[address, fee] as const],
  );
  return { feeBasisPoints, donationBasisPoints, exceptions: new Map(exceptions) };
}

/** How the books of this pool divide rewards. */
export function blocksOptions(config: Config): BlocksOptions {
  const { payout, stratum, network } = config;
  const { scheme, donationAddress, window, maturity, confirmations } = payout;
  const own = parseAddress(payout.address, network);
  return {
    // Any name may mine there, so nobody has an account that could be paid.
    scheme: stratum.authorization === 'open' ? 'operator' : scheme,
    fees: feesOf(payout),
    donationAccount: donationAddress,
    window: windowOfBlocks(window),
    maturity,
    confirmations,
    scripts: own.ok ? [own.script] : [],
    network,
    pinsWindow: pinsWindow(config),
  };
}
