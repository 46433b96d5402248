import { BASIS_POINTS, feeOf } from './distribute.ts';
import { fraction, ratio, whole } from './fixed-point.ts';
import { byAccount, type Distribution, type Fees, type Slice, type SliceEntry } from './scheme.ts';

/** What is owed below a satoshi, in units of 2^-64 of a satoshi. An account that is missing is owed 0. */
export interface Carry {
  readonly accounts: ReadonlyMap<string, bigint>;
  readonly fee: bigint;
  readonly donation: bigint;
}

/** The carry before the slices: an account is asked for when it is met. */
export interface CarryBefore extends Pick<Carry, 'fee' | 'donation'> {
  readonly accounts: Pick<Carry['accounts'], 'get'>;
}

export const noCarry: Carry = { accounts: new Map(), fee: 0n, donation: 0n };

export interface PpsDistribution extends Distribution {
  /** The remainders after these slices: of each account that is in them, and of fee and donation. Those of others stay as they are. */
  readonly carry: Carry;
}

/**
 * Pay per share: each slice is paid for when it is sealed, whether or not blocks are found.
 *
 *     due_e = ⌊work × subsidy × 2^64 ÷ network work of the entry's own job⌋       in units of 2^-64 of a satoshi
 *     fee_e = ⌊due_e × f_a⌋    donation_e = ⌊due_e × d⌋    credit_a = ⌊carry + Σ (due_e − fee_e − donation_e)⌋
 *
 * What is left below a satoshi is carried per account to the next slice, and so it is for fee and donation. Therefore it makes no
 * difference whether slices are paid for one by one or together. The operator bears the luck: it keeps the blocks, and needs a
 * reserve of R = B × ln(1 ÷ δ) ÷ (2 f) to be ruined with a probability of at most δ.
 *
 * A share is worth one block at most: `work` is min(work, shares × network work). A share that is harder than a block has found
 * one, and no more. That is so on test networks alone, where the promised difficulty may be 10^14 times that of the network, and
 * what a share came to would not fit into 64 bits. With the cap an account reaches that bound after 1.8 × 10^9 blocks of 50 bitcoin.
 *
 * Source: M. Rosenfeld, "Analysis of Bitcoin Pooled Mining Reward Systems", arXiv:1112.4980, § 2.2 and appendix C.
 *
 * `slices` comes oldest first. A credit's weight is what is due to its account before fees, in units of 2^-64 of a satoshi.
 */
export function pps(slices: Iterable<Slice>, carry: CarryBefore, fees: Fees): PpsDistribution {
  return pay(slices, carry, fees, ({ subsidySats }) => subsidySats);
}

/**
 * Full pay per share: as `pps`, with subsidy and fees of the entry's own job instead of the subsidy. `feesSats`, if given, stands in
 * for the job's own fees (an average over the last blocks of the chain).
 *
 * Source: as `pps`; "full" is this field's word for a rate that contains the fees of transactions.
 */
export function fpps(slices: Iterable<Slice>, carry: CarryBefore, fees: Fees, feesSats?: bigint): PpsDistribution {
  return pay(slices, carry, fees, (slice) => slice.subsidySats + (feesSats ?? slice.feesSats));
}

/** What has come together for one account. */
interface Due {
  readonly account: string;
  readonly feeBasisPoints: bigint;
  gross: bigint;
  net: bigint;
  work: bigint;
}

function pay(slices: Iterable<Slice>, carry: CarryBefore, fees: Fees, rate: (slice: Slice) => bigint): PpsDistribution {
  const dues = new Map<string, Due>();
  const donationBasisPoints = BigInt(fees.donationBasisPoints);
  const scale = BigInt(BASIS_POINTS);
  let { fee, donation } = carry;
  let fromJobId: string | undefined;
  let toJobId: string | undefined;
  for (const slice of slices) {
    fromJobId ??= slice.jobId;
    toJobId = slice.jobId;
    const sats = rate(slice);
    for (const entry of slice.entries) {
      const { account } = entry;
      const work = paidWork(entry, slice.networkWork);
      let due = dues.get(account);
      if (due === undefined) {
        const net = carry.accounts.get(account) ?? 0n;
        due = { account, feeBasisPoints: BigInt(feeOf(account, fees)), gross: 0n, net, work: 0n };
        dues.set(account, due);
      }
      const gross = ratio(work * sats, slice.networkWork);
      const entryFee = (gross * due.feeBasisPoints) / scale;
      const entryDonation = (gross * donationBasisPoints) / scale;
      fee += entryFee;
      donation += entryDonation;
      due.gross += gross;
      due.net += gross - entryFee - entryDonation;
      due.work += work;
    }
  }
  return settle(dues, fee, donation, { fromJobId, toJobId });
}

function paidWork({ work, shares }: SliceEntry, networkWork: bigint): bigint {
  const most = shares === undefined ? work : shares * networkWork;
  return work < most ? work : most;
}

/** Splits what is due into satoshis, which are credited now, and remainders, which are carried. */
function settle(
  dues: ReadonlyMap<string, Due>,
  fee: bigint,
  donation: bigint,
  jobs: { readonly fromJobId: string | undefined; readonly toJobId: string | undefined },
): PpsDistribution {
  const sorted = [...dues.values()].sort(byAccount);
  return {
    credits: sorted.map(({ account, net, gross, work }) => ({ account, sats: whole(net), weight: gross, work })),
    feeSats: whole(fee),
    donationSats: whole(donation),
    roundingSats: 0n,
    totalWeight: sorted.reduce((sum, { gross }) => sum + gross, 0n),
    ...jobs,
    carry: {
      accounts: new Map(sorted.map(({ account, net }) => [account, fraction(net)])),
      fee: fraction(fee),
      donation: fraction(donation),
    },
  };
}
