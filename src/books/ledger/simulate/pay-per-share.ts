import { type Carry, fpps, noCarry, type PpsDistribution, pps } from '../rewards/pps.ts';
import { type Fees, noFees, type Slice, type SliceEntry } from '../rewards/scheme.ts';
import type { Figure } from './figure.ts';
import type { Progress } from './progress.ts';
import { Random } from './random.ts';
import { ppsReserve, ppsRuin } from './theory.ts';
import { SUBSIDY_SATS } from './world.ts';

/** About ten slices are a block's worth here: what they pay does not depend on their length. A prime leaves remainders to carry. */
const NETWORK_WORK = 10_000_019n;
const ENTRIES: readonly SliceEntry[] = [
  { account: 'farm', work: 600_000n },
  { account: 'hall', work: 300_000n },
  { account: 'home', work: 100_000n },
];
const SLICE_WORK = ENTRIES.reduce((sum, { work }) => sum + work, 0n);
/** Fees of a block's transactions lie evenly between 0 and twice this part of the subsidy. */
const MEAN_FEES = 0.05;
/** The operator's fee. */
const FEE = 0.05;
const FEES: Fees = { ...noFees, feeBasisPoints: FEE * 10_000 };

/** What happened to the operator's money, in blocks. */
export interface Reserve {
  readonly scheme: 'pps' | 'fpps';
  /** Rosenfeld's reserve for a ruin of 1/1000, in sats. */
  readonly reserveSats: number;
  /** Of many operators: which part was ruined with a reserve of so many blocks. */
  readonly ruins: readonly { readonly blocks: number; readonly measured: number; readonly theory: number }[];
}

type Scheme = (slices: Iterable<Slice>, carry: Carry, fees: Fees) => PpsDistribution;

/** Miners paid per slice by `pps` and `fpps`: what they get, and what reserve the operator needs. */
export function simulatePayPerShare(
  blocks: number,
  seed: number,
  progress: Progress,
): { readonly reserves: readonly Reserve[]; readonly figures: readonly Figure[] } {
  const reserves: Reserve[] = [];
  const figures: Figure[] = [];
  for (const [name, scheme, meanFees] of [
    ['pps', pps, 0],
    ['fpps', fpps, MEAN_FEES],
  ] as const) {
    const paid = payMiners(scheme, meanFees, blocks, seed, (done) => progress(`${name}: miners`, done));
    const walked = walk(paid.cost, meanFees, Math.max(200, Math.round(blocks / 10)), seed + 1, (done) =>
      progress(`${name}: the operator's reserve`, done),
    );
    const reward = Number(SUBSIDY_SATS) * (1 + meanFees);
    reserves.push({ scheme: name, reserveSats: ppsReserve(reward, 0.001, FEE), ruins: walked.ruins });
    figures.push(...payFigures(name, paid, blocks), ruinFigure(name, walked.ruins, walked.operators));
  }
  figures.push({
    name: 'pps.reserve',
    text: 'pps: reserve for B = 50, f = 5 %, δ = 1/1000',
    formula: 'B ln(1/δ) / (2 f)',
    theory: 3453.88,
    measured: ppsReserve(50, 0.001, 0.05),
    tolerance: 0.005,
  });
  return { reserves, figures };
}

interface Paid {
  /** The largest difference between what a miner was paid and its work's exact worth, in sats. */
  readonly offBySats: number;
  /** What the operator kept of blocks and fees, in blocks. */
  readonly profit: number;
  /** What the miners were paid for a block's worth of work, in subsidies. */
  readonly cost: number;
}

function payMiners(
  scheme: Scheme,
  meanFees: number,
  blocks: number,
  seed: number,
  progress: (done: number) => void,
): Paid {
  const random = new Random(seed);
  const sats = new Map<string, bigint>();
  let carry = noCarry;
  let rates = 0n;
  let income = 0n;
  let [serial, found] = [0, 0];
  let feesSats = someFees(random, meanFees);
  while (found < blocks) {
    serial += 1;
    const slice = {
      serial,
      jobId: String(serial),
      networkWork: NETWORK_WORK,
      subsidySats: SUBSIDY_SATS,
      feesSats,
      entries: ENTRIES,
    };
    const paid = scheme([slice], carry, FEES);
    carry = paid.carry;
    for (const credit of paid.credits) sats.set(credit.account, (sats.get(credit.account) ?? 0n) + credit.sats);
    rates += SUBSIDY_SATS + feesSats;
    if (random.unit() >= Number(SLICE_WORK) / Number(NETWORK_WORK)) continue;
    income += SUBSIDY_SATS + feesSats;
    found += 1;
    feesSats = someFees(random, meanFees);
    if (found % 256 === 0) progress(found / blocks);
  }
  const due = ENTRIES.map(
    ({ account, work }) =>
      [account, (work * rates * BigInt(10_000 - FEES.feeBasisPoints)) / (NETWORK_WORK * 10_000n)] as const,
  );
  const paidSats = [...sats.values()].reduce((sum, each) => sum + each, 0n);
  const worth = (serial * Number(SLICE_WORK)) / Number(NETWORK_WORK);
  return {
    offBySats: Math.max(...due.map(([account, exact]) => Math.abs(Number((sats.get(account) ?? 0n) - exact)))),
    profit: Number(income - paidSats) / Number(SUBSIDY_SATS),
    cost: Number(paidSats) / Number(SUBSIDY_SATS) / worth,
  };
}

function someFees(random: Random, mean: number): bigint {
  return mean === 0 ? 0n : BigInt(Math.floor(random.unit() * 2 * mean * Number(SUBSIDY_SATS)));
}

function payFigures(name: 'pps' | 'fpps', { offBySats, profit }: Paid, blocks: number): Figure[] {
  const reward = name === 'pps' ? 1 : 1 + MEAN_FEES;
  return [
    {
      name: `${name}.expectation`,
      text: `${name}: sats by which a miner's pay differs from its work's worth`,
      formula: `work × ${name === 'pps' ? 'subsidy' : '(subsidy + fees)'} × (1 − f) / network work`,
      theory: 0,
      measured: offBySats,
      tolerance: 1,
    },
    {
      name: `${name}.profit`,
      text: `${name}: what the operator keeps of a block, in subsidies`,
      formula: `f × B, f = ${FEE}`,
      theory: FEE * reward,
      measured: profit / blocks,
      tolerance: 4 / Math.sqrt(blocks),
    },
  ];
}

/** Reserves that are looked at, in blocks: Rosenfeld's for a ruin of 1/3, 1/10, 1/30, 1/100, 1/300 and 1/1000. */
const LOOKED_AT = [3, 10, 30, 100, 300, 1000].map((one) => ppsReserve(1, 1 / one, FEE));
/** An operator that has gained so many blocks is safe: ruin from there on has a probability below 10^-7. */
const SAFE_BLOCKS = 170 - Math.max(...LOOKED_AT);

/**
 * Many operators, each until ruin with every reserve or safety. `cost`: what the real scheme paid for a block's worth of work. The
 * reserve falls steadily between blocks, so it is lowest just before one.
 */
function walk(
  cost: number,
  meanFees: number,
  operators: number,
  seed: number,
  progress: (done: number) => void,
): { readonly ruins: Reserve['ruins']; readonly operators: number } {
  const random = new Random(seed);
  const ruined = LOOKED_AT.map(() => 0);
  const deepest = Math.max(...LOOKED_AT);
  const reward = 1 + meanFees;
  for (let operator = 0; operator < operators; operator += 1) {
    let [level, lowest] = [0, 0];
    while (level < SAFE_BLOCKS && lowest > -deepest) {
      const fees = meanFees === 0 ? 0 : random.unit() * 2 * meanFees;
      // Miners are paid (subsidy + fees) × (1 − f) while these fees are on offer; the block brings them in.
      level -= (cost * (1 + fees) * random.exponential()) / reward;
      lowest = Math.min(lowest, level / reward);
      level += 1 + fees;
    }
    for (const [at, blocks] of LOOKED_AT.entries()) if (lowest <= -blocks) ruined[at] = (ruined[at] ?? 0) + 1;
    if (operator % 256 === 0) progress(operator / operators);
  }
  return {
    operators,
    ruins: LOOKED_AT.map((blocks, at) => ({
      blocks,
      measured: (ruined[at] ?? 0) / operators,
      theory: ppsRuin(blocks, FEE),
    })),
  };
}

function ruinFigure(name: 'pps' | 'fpps', ruins: Reserve['ruins'], operators: number): Figure {
  const { blocks, measured, theory } = ruins[3] ?? { blocks: 0, measured: 1, theory: 0 };
  return {
    name: `${name}.ruin`,
    text: `${name}: part of operators ruined with a reserve of ${blocks.toFixed(2)} blocks`,
    formula: 'e^(−ρ R/B), 1 − ρ (1 − f) = e^−ρ; at most δ = 1/100',
    theory,
    measured,
    tolerance: 4 * Math.sqrt(theory / operators) + (name === 'fpps' ? 0.05 * theory : 0),
  };
}
