/**
 * What theory says of the schemes. Source: M. Rosenfeld, "Analysis of Bitcoin Pooled Mining Reward Systems", arXiv:1112.4980,
 * appendices A to C and § 3.3, with a slice in place of a share: K slices of equal work are a block's worth, so each is a block
 * with probability p = 1 ÷ K. Payoffs are relative to what work is worth on average.
 */

/** prop: variance of the payoff of a slice, ln K ÷ (1 − 1 ÷ K) − 1, because the length of a round is geometric. */
export function propSliceVariance(slicesPerBlock: number): number {
  return Math.log(slicesPerBlock) / (1 - 1 / slicesPerBlock) - 1;
}

/** pplns: variance of the payoff of a slice, (1 − 1 ÷ K) ÷ N: the blocks of a window's length are binomial. */
export function pplnsSliceVariance(windowBlocks: number, slicesPerBlock: number): number {
  return (1 - 1 / slicesPerBlock) / windowBlocks;
}

/**
 * prop: gain of a hopper with a share h of the pool's work that mines the first n slices of each round here, and elsewhere at a fair
 * rate for the rest of it:
 *
 *     V_i = Σ_{m ≥ i} p q^(m − i) × K ÷ m      the payoff of the round's slice i, if the round gets there
 *     gain = Σ_{i ≤ n} q^(i − 1) (V_i − 1) ÷ (S + (K − S) ÷ (1 − h)),  S = Σ_{i ≤ n} q^(i − 1)
 *
 * A round takes longer while the hopper is away, hence 1 − h. For small slices and h this is x × E1(x) − … = 28.15 % at x = 0.435.
 */
export function propHopperGain(slices: number, slicesPerBlock: number, share: number): number {
  const p = 1 / slicesPerBlock;
  const q = 1 - p;
  // Beyond 40 blocks' worth of work the tail is below 10^-17.
  let value = 0;
  const values: number[] = [];
  for (let at = slicesPerBlock * 40; at >= 1; at -= 1) {
    value = 1 / at + q * value;
    if (at <= slices) values[at] = value;
  }
  let here = 0;
  let gain = 0;
  for (let at = 1; at <= slices; at += 1) {
    const reached = q ** (at - 1);
    here += reached;
    gain += reached * ((values[at] ?? 0) - 1);
  }
  return gain / (here + (slicesPerBlock - here) / (1 - share));
}

/** pps: the reserve R = B ln(1 ÷ δ) ÷ (2 f) at which the operator is ruined with a probability of at most δ. In the unit of `reward`. */
export function ppsReserve(reward: number, ruin: number, fee: number): number {
  return (reward * Math.log(1 / ruin)) / (2 * fee);
}

/**
 * pps: probability of ruin with a reserve of `blocks` × B, exp(−ρ × blocks). ρ is the positive root of 1 − ρ (1 − f) = e^−ρ: between
 * blocks the reserve falls by (1 − f) B × an exponential time, then rises by B. Rosenfeld's 2 f is a little below ρ, so his reserve
 * is on the safe side.
 */
export function ppsRuin(blocks: number, fee: number): number {
  // Newton's steps from above converge: the function is concave.
  let rho = 4 * fee;
  for (let step = 0; step < 50; step += 1) {
    rho -= (1 - rho * (1 - fee) - Math.exp(-rho)) / (fee - 1 + Math.exp(-rho));
  }
  return Math.exp(-rho * blocks);
}
