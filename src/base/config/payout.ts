import { type Network, parseAddress } from '#base/bitcoin/address';
import type { NodeConfig, PayoutAccountConfig, PayoutConfig } from './config.ts';
import {
  COINBASE_TAG_DEFAULT,
  CONFIRMATIONS_DEFAULT,
  CONSENSUS_MATURITY,
  FEE_RATE_MAX_DEFAULT,
  FEE_RATE_MIN_DEFAULT,
  SIMULATED_MATURITY_DEFAULT,
  SIMULATED_PAYOUT_ADDRESS,
} from './defaults.ts';
import type { Complain } from './problem.ts';
import type { Given } from './schema.ts';

type GivenPayout = NonNullable<Given['payout']>;

const FEE_BASIS_POINTS_DEFAULT = 100;
const MINIMUM_SATS_DEFAULT = 100_000;
const WINDOW_BLOCKS_DEFAULT = 8;
const INTERVAL_MS_DEFAULT = 3_600_000;
const WHOLE_BASIS_POINTS = 10_000;

/** `[payout]`: how rewards are divided, and how they reach miners. */
export function resolvePayout(
  { payout = {} }: Given,
  network: Network,
  node: NodeConfig['kind'],
  complain: Complain,
): PayoutConfig {
  const scheme = payout.scheme ?? 'pplns';
  const method = payout.method ?? 'wallet';
  if (method === 'coinbase' && scheme !== 'pplns' && scheme !== 'solo') {
    complain(
      'payout.method',
      method,
      `pays what a block has earned: payout.scheme must be "pplns" or "solo", not "${scheme}"`,
    );
  }
  if (payout.wallet !== undefined && node === 'simulated') {
    complain('payout.wallet', payout.wallet, 'is for a real node, which node.rpc must name');
  }
  const feeBasisPoints = payout['fee-percent'] ?? FEE_BASIS_POINTS_DEFAULT;
  const donation = resolveDonation(payout, network, complain);
  const accounts = resolvePayoutAccounts(payout, network, complain);
  checkShares(feeBasisPoints, donation.donationBasisPoints, accounts, complain);
  return {
    scheme,
    address: resolveAddress(payout.address, network, node, complain),
    feeBasisPoints,
    ...donation,
    accounts,
    minimumSats: BigInt(payout['minimum-sats'] ?? MINIMUM_SATS_DEFAULT),
    method,
    wallet: payout.wallet,
    tag: payout.tag ?? COINBASE_TAG_DEFAULT,
    window: payout.window ?? WINDOW_BLOCKS_DEFAULT,
    ...resolveDepths(payout, node, complain),
    intervalMs: payout.interval === undefined ? INTERVAL_MS_DEFAULT : (payout.interval ?? undefined),
    networkFee: payout['network-fee'] ?? 'pool',
    ...resolveFeeRates(payout, complain),
  };
}

function resolveAddress(
  given: string | undefined,
  network: Network,
  node: NodeConfig['kind'],
  complain: Complain,
): string {
  if (given !== undefined) return payable('payout.address', given, network, complain);
  if (node === 'rpc') {
    complain('payout.address', undefined, `is missing: must be the address on ${network} that blocks are paid to`);
  }
  return SIMULATED_PAYOUT_ADDRESS;
}

/** The address in its one spelling; as it was given if it can not be paid. */
function payable(key: string, text: string, network: Network, complain: Complain): string {
  const read = parseAddress(text, network);
  if (read.ok) return read.address;
  complain(key, text, `must be an address that can be paid on ${network}: ${read.reason}`);
  return text;
}

function resolveDonation(
  payout: GivenPayout,
  network: Network,
  complain: Complain,
): Pick<PayoutConfig, 'donationAddress' | 'donationBasisPoints'> {
  const { 'donation-address': address, 'donation-percent': basisPoints = 0 } = payout;
  if (basisPoints > 0 && address === undefined) {
    complain('payout.donation-address', undefined, 'is missing: payout.donation-percent is for an address');
  } else if (basisPoints === 0 && address !== undefined) {
    complain('payout.donation-address', address, 'gets nothing: payout.donation-percent is 0');
  }
  const donationAddress =
    address === undefined ? undefined : payable('payout.donation-address', address, network, complain);
  return { donationAddress, donationBasisPoints: basisPoints };
}

function resolvePayoutAccounts(
  { accounts = {} }: GivenPayout,
  network: Network,
  complain: Complain,
): readonly PayoutAccountConfig[] {
  const seen = new Set<string>();
  return Object.entries(accounts).map(([name, { 'fee-percent': feeBasisPoints, 'minimum-sats': minimumSats }]) => {
    const key = `payout.accounts.${name}`;
    const address = payable(key, name, network, complain);
    if (seen.has(address)) complain(key, name, 'is there twice, in another spelling');
    seen.add(address);
    return { address, feeBasisPoints, minimumSats: minimumSats === undefined ? undefined : BigInt(minimumSats) };
  });
}

/** Fee and donation together are no more than a whole, for each account. */
function checkShares(
  feeBasisPoints: number,
  donationBasisPoints: number,
  accounts: readonly PayoutAccountConfig[],
  complain: Complain,
): void {
  const check = (key: string, basisPoints: number): void => {
    if (basisPoints + donationBasisPoints <= WHOLE_BASIS_POINTS) return;
    complain(key, basisPoints / 100, 'is, with payout.donation-percent, more than 100 percent');
  };
  check('payout.fee-percent', feeBasisPoints);
  for (const { address, feeBasisPoints: own } of accounts) {
    if (own !== undefined) check(`payout.accounts.${address}.fee-percent`, own);
  }
}

function resolveDepths(
  payout: GivenPayout,
  node: NodeConfig['kind'],
  complain: Complain,
): Pick<PayoutConfig, 'maturity' | 'confirmations'> {
  const maturity = payout.maturity ?? (node === 'simulated' ? SIMULATED_MATURITY_DEFAULT : CONSENSUS_MATURITY);
  if (node === 'rpc' && maturity < CONSENSUS_MATURITY) {
    complain(
      'payout.maturity',
      maturity,
      `must be at least ${CONSENSUS_MATURITY}: a coinbase can not be spent earlier`,
    );
  }
  const confirmations = payout.confirmations ?? Math.min(CONFIRMATIONS_DEFAULT, maturity);
  if (confirmations > maturity) {
    complain('payout.confirmations', confirmations, `must be at most payout.maturity, which is ${maturity}`);
  }
  return { maturity, confirmations };
}

/** A bound that was given moves the other one's default out of its way. */
function resolveFeeRates(payout: GivenPayout, complain: Complain): Pick<PayoutConfig, 'feeRateMin' | 'feeRateMax'> {
  const { 'fee-rate-min': min, 'fee-rate-max': max } = payout;
  const feeRateMin = min ?? Math.min(FEE_RATE_MIN_DEFAULT, max ?? FEE_RATE_MIN_DEFAULT);
  const feeRateMax = max ?? Math.max(FEE_RATE_MAX_DEFAULT, feeRateMin);
  if (feeRateMin > feeRateMax) {
    complain('payout.fee-rate-min', feeRateMin, `must be at most payout.fee-rate-max, which is ${feeRateMax}`);
  }
  return { feeRateMin, feeRateMax };
}
