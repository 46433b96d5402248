import { explainBlock, newestCredited } from '#books/ledger/explain/explain-block';
import { ExplainError, type Explanation } from '#books/ledger/explain/explanation';
import { sentencesOf } from '#books/ledger/explain/sentences';
import { CommandError, type ExitCode, exitCodes, type Io, paint } from './io.ts';
import { type LedgerOptions, toJson, withLedger } from './ledger.ts';

export interface ExplainOptions extends LedgerOptions {
  readonly account: string;
  /** Hash of a block; the newest that credits the account if there is none. */
  readonly block?: string;
}

/** `sluice explain`: one credit from its block down to slices and shares. Exit code 1 if the book has something else. */
export function explainCredit(options: ExplainOptions, io: Io): ExitCode {
  const explanation = withLedger(options, io, (database) => {
    try {
      const hash = options.block?.toLowerCase() ?? newestCredited(database, options.account);
      return explainBlock(database, options.account, hash);
    } catch (error) {
      throw error instanceof ExplainError ? new CommandError(error.message) : error;
    }
  });
  if (options.json === true) io.stdout.write(`${toJson(shown(explanation))}\n`);
  else {
    for (const line of sentencesOf(explanation)) {
      io.stdout.write(`${line.startsWith('DIFFERENT') ? paint(io, io.stdout, 'red', line) : line}\n`);
    }
  }
  return explanation.differences.length === 0 ? exitCodes.fine : exitCodes.failed;
}

function shown({
  account,
  block,
  rewardSats,
  terms,
  slices,
  distribution,
  credit,
  share,
  booked,
  differences,
}: Explanation) {
  const { hash, height, status, jobId } = block;
  const { feeSats, donationSats, roundingSats, totalWeight, credits } = distribution;
  return {
    ...{ account, block: hash, height, status, job_id: jobId },
    ...{ reward_sats: rewardSats, fee_sats: feeSats, donation_sats: donationSats, rounding_sats: roundingSats },
    scheme: terms.scheme,
    window: terms.scheme === 'pplns' ? terms.window : undefined,
    after_serial: terms.scheme === 'prop' ? (terms.afterSerial ?? null) : undefined,
    finder: terms.finder,
    fee_basis_points: terms.fees.feeBasisPoints,
    fee_exceptions: Object.fromEntries(terms.fees.exceptions),
    donation_basis_points: terms.fees.donationBasisPoints,
    ...{ total_weight: totalWeight, accounts: credits.length },
    slices: slices.map(({ jobId: job, networkWork, weight, wholeWeight, accountWeight, work, shares }) => ({
      ...{ job_id: job, network_work: networkWork, weight, whole_weight: wholeWeight },
      ...{ account_shares: shares, account_work: work, account_weight: accountWeight },
    })),
    credit: { sats: credit.sats, weight: credit.weight, work: credit.work, share },
    booked: { sats: booked.sats, direct_sats: booked.directSats, entry: booked.entry ?? null },
    ...{ same: differences.length === 0, differences },
  };
}
