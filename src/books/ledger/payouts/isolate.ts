import type { WalletAnswer } from '#base/domain/wallet';
import { limits } from '#base/limits';

/** Items that can be paid together, with what the trial of all of them gave; and those that can not be paid alone. */
export interface Isolated<I, T> {
  readonly items: readonly I[];
  readonly result: T;
  readonly poison: readonly { readonly item: I; readonly reason: string }[];
}

/**
 * Finds the items that are refused whatever stands beside them, by halving: about 2·log2(n) trials each. `attempt` must change
 * nothing. A fault other than `refused` ends the search and is the answer; so is the refusal of more items than
 * `limits.payoutPoisonMax`, because then something else is wrong than an address.
 */
export async function isolate<I, T>(
  items: readonly I[],
  attempt: (items: readonly I[]) => Promise<WalletAnswer<T>>,
): Promise<WalletAnswer<Isolated<I, T>>> {
  const poison: { item: I; reason: string }[] = [];
  const good = await payable(items, attempt, poison);
  if (!good.ok) return good;
  if (good.value === undefined) {
    const [first] = poison;
    return { ok: false, fault: 'refused', reason: `nobody can be paid: ${first?.reason ?? 'there is nobody'}` };
  }
  return { ok: true, value: { ...good.value, poison } };
}

interface Good<I, T> {
  readonly items: readonly I[];
  readonly result: T;
}

/** Undefined if each of the items is poison. */
async function payable<I, T>(
  items: readonly I[],
  attempt: (items: readonly I[]) => Promise<WalletAnswer<T>>,
  poison: { item: I; reason: string }[],
): Promise<WalletAnswer<Good<I, T> | undefined>> {
  if (items.length === 0) return { ok: true, value: undefined };
  const answer = await attempt(items);
  if (answer.ok) return { ok: true, value: { items, result: answer.value } };
  if (answer.fault !== 'refused') return answer;
  const [only] = items;
  if (items.length === 1 && only !== undefined) {
    if (poison.length >= limits.payoutPoisonMax) return answer;
    poison.push({ item: only, reason: answer.reason });
    return { ok: true, value: undefined };
  }
  const half = Math.ceil(items.length / 2);
  const first = await payable(items.slice(0, half), attempt, poison);
  if (!first.ok) return first;
  const second = await payable(items.slice(half), attempt, poison);
  if (!second.ok) return second;
  if (first.value === undefined || second.value === undefined) {
    return { ok: true, value: first.value ?? second.value };
  }
  const both = [...first.value.items, ...second.value.items];
  // Two halves that are good alone may be too large together: then one of them is enough for now.
  const together = both.length === items.length ? undefined : await attempt(both);
  if (together?.ok === true) return { ok: true, value: { items: both, result: together.value } };
  return together === undefined || together.fault === 'refused' ? first : together;
}
