import { parseAddress } from '#base/bitcoin/address';
import type { Config } from '#base/config/config';
import type { BlocksOptions } from '#books/ledger/blocks/blocks';
import { windowOfBlocks } from '#books/ledger/rewards/fixed-point';

/** How the books of this pool divide rewards. */
export function blocksOptions({ payout, stratum, network }: Config): BlocksOptions {
  const { scheme, feeBasisPoints, donationBasisPoints, donationAddress, accounts, window, maturity, confirmations } =
    payout;
  const own = parseAddress(payout.address, network);
  const exceptions = accounts.flatMap(({ address, feeBasisPoints: fee }) =>
    fee === undefined ? [] : [[address, fee] as const],
  );
  return {
    // Any name may mine there, so nobody has an account that could be paid.
    scheme: stratum.authorization === 'open' ? 'operator' : scheme,
    fees: { feeBasisPoints, donationBasisPoints, exceptions: new Map(exceptions) },
    donationAccount: donationAddress,
    window: windowOfBlocks(window),
    maturity,
    confirmations,
    scripts: own.ok ? [own.script] : [],
  };
}
