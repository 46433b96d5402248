import type { Line } from './entry.ts';

/** Adds lines to balances, account by account. */
export function addLines(balances: Map<string, bigint>, lines: readonly Line[]): void {
  for (const { account, sats } of lines) balances.set(account, (balances.get(account) ?? 0n) + sats);
}

/** The balances that entries come to: the truth of which the table of running balances is a copy. */
export function fold(entries: Iterable<{ readonly lines: readonly Line[] }>): Map<string, bigint> {
  const balances = new Map<string, bigint>();
  for (const { lines } of entries) addLines(balances, lines);
  return balances;
}
