import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MinerView } from '#base/domain/miner';
import type { JudgedShare } from '#base/domain/share';
import { mergeViews } from '#cluster/merge-views';
import { MinerBook } from '#front/session/workers/miner-book';
import { addStatus, countersOf, NO_STATUS } from '#gateway/status';
import { ManualClock } from '../front/session/support.ts';

const PAGE = 5;

describe('a miner on several gateways', () => {
  it('is shown as if it were on one: totals, workers, pages', () => {
    const login = fc.record({ gateway: fc.nat(2), rig: fc.string({ maxLength: 2 }), shares: fc.nat(3) });
    fc.assert(
      fc.property(fc.array(login, { minLength: 1, maxLength: 40 }), (logins) => {
        const clock = new ManualClock();
        const [one, ...parts] = Array.from({ length: 4 }, () => new MinerBook({ clock })) as [
          MinerBook,
          ...MinerBook[],
        ];
        for (const { gateway, rig, shares } of logins) {
          clock.ms += 1000;
          const worker = { name: `me.${rig}`, account: 'me', rig };
          const tallies = [one, parts[gateway] ?? one].map((book) => book.enter(worker));
          for (let count = 0; count < shares; count += 1) {
            const verdict = count === 2 ? 'stale' : 'accepted';
            const share = { verdict, terms: { difficulty: 4 }, receivedMs: clock.nowMs() } as JudgedShare;
            for (const tally of tallies) tally.count(share);
          }
        }
        clock.ms += 60_000;
        for (let after: string | undefined; ; ) {
          const query = { account: 'me', after, workersMax: PAGE };
          const merged = mergeViews(
            parts.flatMap((book) => book.view(query) ?? []),
            PAGE,
          );
          expect(plain(merged)).toEqual(plain(one.view(query)));
          if ((merged?.workers.length ?? 0) < PAGE) break;
          after = merged?.workers.at(-1)?.rig;
        }
      }),
    );
  });

  it('is undefined if no gateway knows the miner', () => {
    expect(mergeViews([], PAGE)).toBeUndefined();
  });
});

/** Without the rates, whose sum is another where a part of the work is younger. */
function plain(view: MinerView | undefined): unknown {
  return JSON.parse(JSON.stringify(view, (key, value) => (key === 'hashrate' ? undefined : value)));
}

describe('the status of several gateways', () => {
  it('is the sum of every number of theirs, and keeps the counters of those that are gone', () => {
    let next = 1;
    const fill = (value: object): object =>
      Object.fromEntries(
        Object.entries(value).map(([key, part]) => [key, typeof part === 'object' ? fill(part) : next++]),
      );
    const one = fill(NO_STATUS) as typeof NO_STATUS;
    const both = addStatus(one, one);
    expect(both.session.protocolErrors['bad-params']).toBe(2 * one.session.protocolErrors['bad-params']);
    expect(both.listeners.slowReaders).toBe(2 * one.listeners.slowReaders);
    expect(addStatus(one, NO_STATUS)).toEqual(one);
    const gone = countersOf(one);
    expect([gone.sessions, gone.workers, gone.sharesInFlight]).toEqual([0, 0, 0]);
    expect(gone.door).toEqual(one.door);
    expect(gone.passwords).toEqual({ ...one.passwords, depth: 0 });
    expect(gone.seen).toEqual({ headers: 0, full: 0, closedEarly: one.seen.closedEarly });
  });
});
