import { parseAddress } from '#base/bitcoin/address';
import { limits } from '#base/limits';
import { compareBytes, type MinerBalance } from '../entries/accounts.ts';
import type { Item } from './batch.ts';
import { BASE_WEIGHT, dustSats, feeOfWeight, INPUT_WEIGHT, outputWeight } from './output-cost.ts';
import type { PayoutRules } from './rules.ts';
import type { Aside } from './store.ts';

/**
 * Why an account that is owed something is not paid now. `below-minimum`, `dust`: it waits until it is owed more.
 * `no-address`: its name is no address that can be paid, and no address is configured for it. `set-aside`: the node refuses
 * to pay it. `own-address`: it is the pool's own, and a payment to oneself would only cost its fee; the debt stays in the books.
 */
export type LeftReason = 'below-minimum' | 'dust' | 'no-address' | 'set-aside' | 'own-address';

export interface Left {
  readonly account: string;
  readonly sats: bigint;
  readonly why: LeftReason;
  readonly detail: string;
}

/** Who gets what, in batches of one transaction each, and who does not. */
export interface Plan {
  readonly batches: readonly (readonly Item[])[];
  readonly left: readonly Left[];
  readonly feeRate: bigint;
}

export interface PlanInput {
  readonly rules: PayoutRules;
  readonly balances: readonly Pick<MinerBalance, 'account' | 'payableSats'>[];
  readonly aside: readonly Aside[];
  /** Satoshis for 1,000 virtual bytes. */
  readonly feeRate: bigint;
}

interface Candidate extends Item {
  readonly weight: number;
}

/**
 * What would be paid now. The largest debts come first, and debts of the same size in byte order of their accounts; a batch is
 * full at `limits.payoutOutputsWeightMax`. Where miners bear the fee, an output pays for its own weight and for an equal part of
 * the rest of its transaction, with one input for each `limits.payoutOutputsPerInput` outputs. That is decided here: what the
 * fee really comes to, the pool bears or keeps.
 */
export function planPayouts({ rules, balances, aside, feeRate }: PlanInput): Plan {
  const reasons = new Map(aside.map(({ account, reason }) => [account, reason]));
  const candidates: Candidate[] = [];
  const left: Left[] = [];
  for (const { account, payableSats: sats } of balances) {
    if (sats <= 0n) continue;
    const judged = judge(account, sats, { rules, feeRate, setAside: reasons.get(account) });
    if ('why' in judged) left.push(judged);
    else candidates.push(judged);
  }
  candidates.sort((a, b) => (a.sats === b.sats ? compareBytes(a.account, b.account) : a.sats > b.sats ? -1 : 1));
  return { batches: intoBatches(candidates), left, feeRate };
}

function judge(
  account: string,
  sats: bigint,
  { rules, feeRate, setAside }: { rules: PayoutRules; feeRate: bigint; setAside: string | undefined },
): Candidate | Left {
  const leave = (why: LeftReason, detail: string): Left => ({ account, sats, why, detail });
  const read = parseAddress(rules.addresses.get(account) ?? account, rules.network);
  if (!read.ok) return leave('no-address', read.reason);
  if (read.address === rules.ownAddress) return leave('own-address', 'the pool would pay itself');
  if (setAside !== undefined) return leave('set-aside', setAside);
  const minimum = rules.minimums.get(account) ?? rules.minimumSats;
  if (sats < minimum) return leave('below-minimum', `${sats} of ${minimum} sats`);
  const weight = outputWeight(read.script);
  const feeSats = rules.networkFee === 'miners' ? feeOfWeight(weight + SHARED_WEIGHT, feeRate) : 0n;
  const dust = dustSats(read.script);
  if (sats - feeSats < dust) {
    const fee = feeSats === 0n ? '' : ` less ${feeSats} sats of fee`;
    return leave('dust', `${sats} sats${fee}: nodes relay no output of less than ${dust} sats to this address`);
  }
  return { account, address: read.address, sats, feeSats, weight };
}

/** An output's part of what is not its own: a part of an input and of the frame. */
const SHARED_WEIGHT = Math.ceil(INPUT_WEIGHT / limits.payoutOutputsPerInput + BASE_WEIGHT / 10);

function intoBatches(candidates: readonly Candidate[]): Item[][] {
  const batches: Item[][] = [];
  let room = 0;
  for (const { weight, ...item } of candidates) {
    if (weight > room) {
      batches.push([]);
      room = limits.payoutOutputsWeightMax;
    }
    room -= weight;
    batches.at(-1)?.push(item);
  }
  return batches;
}
