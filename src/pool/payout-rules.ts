import type { Config } from '#base/config/config';
import type { PayoutOptions } from '#books/ledger/payouts/part';
import type { PayoutRules } from '#books/ledger/payouts/rules';

/** The config's rules for payouts by transactions of the pool. */
export function payoutRules({ network, payout, stratum }: Config): PayoutRules {
  const { method, minimumSats, networkFee, accounts, confirmations, maturity } = payout;
  return {
    network,
    // What a coinbase could not hold is paid by the wallet.
    method: method === 'psbt' ? 'psbt' : 'wallet',
    ownAddress: payout.address,
    addresses: new Map(stratum.accounts.map(({ name, address }) => [name, address])),
    minimumSats,
    minimums: new Map(
      accounts.flatMap(({ address, minimumSats: own }) => (own === undefined ? [] : [[address, own] as const])),
    ),
    networkFee,
    feeRateMin: perThousand(payout.feeRateMin),
    feeRateMax: perThousand(payout.feeRateMax),
    settleDepth: confirmations,
    buryDepth: maturity,
  };
}

/** The payout settings of the ledger's process. A pool that pays by coinbase pays the remainder by wallet. */
export function payoutOptions(config: Config): PayoutOptions {
  return { rules: payoutRules(config), intervalMs: config.payout.intervalMs };
}

/** sat/vB as satoshis for 1,000 virtual bytes. */
function perThousand(rate: number): bigint {
  return BigInt(Math.round(rate * 1000));
}
