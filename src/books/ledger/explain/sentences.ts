import { feeOf } from '../rewards/distribute.ts';
import { ONE } from '../rewards/fixed-point.ts';
import type { Explanation, SlicePart } from './explanation.ts';

/** Slices that are listed; the others are summed up. */
const LISTED_MAX = 20;
const BILLION = 1_000_000_000n;

/** An explanation in sentences, one paragraph a line. */
export function sentencesOf(explanation: Explanation): string[] {
  return [
    ...rewardSentences(explanation),
    '',
    ...schemeSentences(explanation),
    '',
    ...sliceSentences(explanation),
    '',
    ...creditSentences(explanation),
    '',
    ...bookSentences(explanation),
  ];
}

function rewardSentences({ account, block, rewardSats, terms, distribution, credit }: Explanation): string[] {
  const { feeSats, donationSats } = distribution;
  const own = terms.fees.exceptions.get(account);
  const donated =
    terms.fees.donationBasisPoints === 0
      ? ''
      : ` The donation of ${percent(terms.fees.donationBasisPoints)} is ${sats(donationSats)}.`;
  return [
    `Block ${block.hash} at height ${block.height} (${block.status}) credits ${account} with ${sats(credit.sats)}.`,
    `Its coinbase pays ${sats(rewardSats)}. The pool's fee is ${percent(terms.fees.feeBasisPoints)}, in all ${sats(feeSats)}.${donated} ${sats(rewardSats - feeSats - donationSats)} are left for accounts.`,
    ...(own === undefined ? [] : [`${account} has a fee of its own: ${percent(own)}.`]),
  ];
}

function schemeSentences({ block, terms, slices, distribution }: Explanation): string[] {
  const newest = slices[0]?.jobId;
  const oldest = slices.at(-1);
  const end =
    newest === block.jobId
      ? `the block's own job ${newest}`
      : `job ${newest}, the newest sealed one when the coinbase was made`;
  const range = `${count(slices.length, 'slice')}, from job ${oldest?.jobId} to ${end}`;
  if (terms.scheme === 'solo') return [`Scheme solo: the finder, ${terms.finder}, gets all that is left.`];
  if (terms.scheme === 'prop') {
    const after = terms.afterSerial === undefined ? 'from the first on' : `after that of the pool's block before`;
    return [
      `Scheme prop: an account's weight is its work in the slices ${after}. The round has ${range}.`,
      `All accounts together have ${distribution.totalWeight} hashes of work.`,
    ];
  }
  const full =
    distribution.totalWeight === terms.window
      ? ''
      : ' History does not fill the window, and the whole reward goes to what is there.';
  const cut =
    oldest !== undefined && oldest.weight < oldest.wholeWeight
      ? ` The oldest counts in part: ${blocks(oldest.weight)} of its ${blocks(oldest.wholeWeight)} blocks.`
      : '';
  return [
    `Scheme pplns: a weight is work ÷ network work of the entry's own job. The window of ${blocks(terms.window)} blocks holds ${range}.${cut}`,
    `All accounts together weigh ${blocks(distribution.totalWeight)} blocks.${full}`,
  ];
}

function sliceSentences({ account, slices, credit, terms }: Explanation): string[] {
  const own = slices.filter(({ work }) => work > 0n);
  const shares = own.reduce((sum, each) => sum + each.shares, 0n);
  const line = ({ jobId, shares: some, work, networkWork, accountWeight, weight, wholeWeight }: SlicePart): string => {
    const part = weight < wholeWeight ? ', in part' : '';
    const weighs = terms.scheme === 'pplns' ? ` of ${networkWork}: ${blocks(accountWeight)} blocks${part}` : '';
    return `  job ${jobId}  ${count(Number(some), 'share')}, work ${work}${weighs}`;
  };
  const left = own.length - LISTED_MAX;
  return [
    `${account} has ${count(Number(shares), 'accepted share')} in ${count(own.length, 'slice')} of these:`,
    ...own.slice(0, LISTED_MAX).map(line),
    ...(left > 0 ? [`  and ${count(left, 'older slice')} (all of them with --json)`] : []),
    `Together: work ${credit.work}, weight ${terms.scheme === 'pplns' ? `${blocks(credit.weight)} blocks` : credit.weight}.`,
  ];
}

function creditSentences({ account, rewardSats, terms, distribution, credit, share }: Explanation): string[] {
  const restSats = rewardSats - distribution.feeSats - distribution.donationSats;
  if (share.denominator === 0n) return [`No account has a weight, so ${account} is credited nothing.`];
  const billionths = (restSats * share.numerator * BILLION) / share.denominator;
  const charged = terms.fees.exceptions.size === 0 ? '' : ` × (1 − its fee of ${percent(feeOf(account, terms.fees))})`;
  const exact = decimal(billionths, 9);
  return [
    `Formula: ${sats(restSats)} × weight${charged} ÷ the sum of these over all accounts = ${sats(restSats)} × ${decimal((share.numerator * BILLION) / share.denominator, 9)} = ${exact}.`,
    `Rounded by largest remainder, that is ${sats(credit.sats)}.`,
  ];
}

function bookSentences({ account, booked, differences }: Explanation): string[] {
  const direct = booked.directSats === 0n ? '' : ` ${sats(booked.directSats)} of it were paid by the coinbase itself.`;
  const where = booked.entry === undefined ? '' : `, by entry ${booked.entry.id} (${booked.entry.hash})`;
  return [
    `The book credits ${account} with ${sats(booked.sats)}${where}.${direct}`,
    ...(differences.length === 0
      ? ['Computed again from the slices, the whole division is what the book has.']
      : differences.map((difference) => `DIFFERENT: ${difference}.`)),
  ];
}

function sats(amount: bigint): string {
  return `${amount.toLocaleString('en')} sats`;
}

function count(many: number, what: string): string {
  return `${many.toLocaleString('en')} ${what}${many === 1 ? '' : 's'}`;
}

function percent(basisPoints: number): string {
  return `${basisPoints / 100} %`;
}

/** A weight in blocks, rounded down to nine digits. */
function blocks(weight: bigint): string {
  return decimal((weight * BILLION) / ONE, 9);
}

/** An integer of 10^-digits as a decimal number without zeros at its end. */
function decimal(scaled: bigint, digits: number): string {
  const text = String(scaled).padStart(digits + 1, '0');
  return `${BigInt(text.slice(0, -digits)).toLocaleString('en')}.${text.slice(-digits)}`.replace(/\.?0+$/, '');
}
