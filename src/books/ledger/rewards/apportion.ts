/**
 * Divides a total by the largest-remainder method (Hamilton's): each part is floor(total × weight ÷ Σ weights), and the units that
 * are left go one each to the parts with the largest remainders. Of equal remainders the earlier in the list comes first, so the
 * caller sorts by account. The parts sum to `total`; all are 0 if no weight is positive.
 */
export function apportion(total: bigint, weights: readonly bigint[]): bigint[] {
  if (total < 0n) throw new RangeError(`apportion: ${total} is negative`);
  let sum = 0n;
  for (const weight of weights) {
    if (weight < 0n) throw new RangeError(`apportion: the weight ${weight} is negative`);
    sum += weight;
  }
  if (sum === 0n) return weights.map(() => 0n);

  const parts: bigint[] = [];
  const remainders: { readonly at: number; readonly remainder: bigint }[] = [];
  let left = total;
  for (const [at, weight] of weights.entries()) {
    const product = total * weight;
    const part = product / sum;
    parts.push(part);
    left -= part;
    const remainder = product - part * sum;
    if (remainder > 0n) remainders.push({ at, remainder });
  }
  // Array.sort is stable: equal remainders keep the list's order.
  remainders.sort((a, b) => (a.remainder === b.remainder ? 0 : a.remainder > b.remainder ? -1 : 1));
  for (const { at } of remainders.slice(0, Number(left))) parts[at] = (parts[at] ?? 0n) + 1n;
  return parts;
}
