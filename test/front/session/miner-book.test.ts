import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JudgedShare, Worker } from '#base/domain/share';
import type { Verdict } from '#base/domain/verdict';
import { MinerBook } from '#front/session/workers/miner-book';
import { Client, ManualClock, makeBench, makeJob } from './support.ts';

const worker = (account: string, rig: string): Worker => ({ name: `${account}.${rig}`, account, rig });

function setup() {
  const clock = new ManualClock();
  const book = new MinerBook({ clock });
  const share = (verdict: Verdict, difficulty: number): JudgedShare =>
    ({ verdict, terms: { difficulty }, receivedMs: clock.nowMs() }) as JudgedShare;
  const rigs = (account: string, after?: string, workersMax = 1000): string[] | undefined =>
    book.view({ account, after, workersMax })?.workers.map(({ rig }) => rig);
  return { clock, book, share, rigs };
}

describe('the book of miners', () => {
  it('counts shares for the worker and for its address, by what became of them', () => {
    const { clock, book, share } = setup();
    const [a, b] = [book.enter(worker('me', 'a')), book.enter(worker('me', 'b'))];
    const startMs = clock.nowMs();
    clock.ms += 5000;
    a.count(share('accepted', 8));
    a.count(share('stale', 8));
    b.count(share('accepted', 2));
    b.count(share('low-difficulty', 2));
    b.count(share('low-difficulty', 2));
    const view = book.view({ account: 'me', after: undefined, workersMax: 10 });
    expect(view?.miner).toMatchObject({
      account: 'me',
      workers: 2,
      sinceMs: startMs,
      lastShareMs: startMs + 5000,
      acceptedShares: 2,
      acceptedDifficulty: 10,
      rejectedShares: { stale: 1, 'low-difficulty': 2, duplicate: 0 },
    });
    expect(view?.workers).toMatchObject([
      { rig: 'a', connections: 1, acceptedShares: 1, rejectedShares: 1, acceptedDifficulty: 8 },
      { rig: 'b', connections: 1, acceptedShares: 1, rejectedShares: 2, acceptedDifficulty: 2 },
    ]);
  });

  it('has one tally for a worker, whatever its connections, and forgets it with the last of them', () => {
    const { clock, book, share, rigs } = setup();
    const first = book.enter(worker('me', 'a'));
    first.count(share('accepted', 3));
    const again = book.enter(worker('me', 'a'));
    expect(again).toBe(first);
    book.leave(first);
    expect(book.view({ account: 'me', after: undefined, workersMax: 1 })?.workers).toMatchObject([
      { connections: 1, acceptedDifficulty: 3 },
    ]);
    book.enter(worker('me', 'b'));
    book.leave(again);
    expect(rigs('me')).toEqual(['b']);
    clock.ms += 1000;
    // A worker that was gone altogether begins anew.
    book.enter(worker('me', 'a'));
    expect(book.view({ account: 'me', after: undefined, workersMax: 1 })?.workers).toMatchObject([
      { rig: 'a', sinceMs: clock.nowMs(), acceptedShares: 0, lastShareMs: undefined },
    ]);
    expect(rigs('somebody else')).toBeUndefined();
  });

  it('is empty when all have gone', () => {
    const { book } = setup();
    const all = Array.from({ length: 500 }, (_, i) => book.enter(worker(`miner${i % 50}`, `${i % 5}`)));
    expect(book.size).toBe(50);
    for (const each of all) book.leave(each);
    expect(book.size).toBe(0);
  });

  it('lists workers page by page, each once, in order, whatever order they came in', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ maxLength: 6 }), { maxLength: 80 }),
        fc.integer({ min: 1, max: 20 }),
        (names, max) => {
          const { book, rigs } = setup();
          for (const name of names) book.enter(worker('me', name));
          const listed: string[] = [];
          for (let after: string | undefined; ; after = listed.at(-1)) {
            const page = rigs('me', after, max) ?? [];
            expect(page.length).toBeLessThanOrEqual(max);
            listed.push(...page);
            if (page.length < max) break;
          }
          expect(listed).toEqual([...names].sort());
        },
      ),
    );
  });

  it('takes any name for a name', () => {
    const { book, rigs } = setup();
    for (const name of ['__proto__', 'constructor', 'toString', '']) book.enter(worker(name, name));
    for (const name of ['__proto__', 'constructor', 'toString', '']) expect(rigs(name)).toEqual([name]);
    expect(rigs('hasOwnProperty')).toBeUndefined();
  });
});

describe('sessions and the book', () => {
  it('have the same workers, through logins and ends', () => {
    const { registry, stratum, intake } = makeBench();
    registry.broadcast(makeJob(1));
    const [one, two] = [new Client(stratum), new Client(stratum)];
    one.login('me.a');
    one.call('mining.authorize', ['me.b']);
    one.call('mining.authorize', ['me.b']);
    two.login('me.a');
    two.call('mining.authorize', ['me_a']);
    const view = () => registry.miner({ account: 'me', after: undefined, workersMax: 10 });
    expect(view()?.miner.workers).toBe(4);
    expect(view()?.miner.workers).toBe(registry.counters.authorizedWorkers);
    expect(view()?.workers.map(({ rig, connections }) => [rig, connections])).toEqual([
      ['a', 3],
      ['b', 1],
    ]);
    two.call('mining.submit', ['me.a', '0000000001', '00000000000000aa', '6553f164', '00000001']);
    intake.settle('accepted');
    one.handler.onClose();
    expect(view()?.workers).toMatchObject([{ rig: 'a', connections: 2, acceptedShares: 1 }]);
    two.handler.onClose();
    two.handler.onClose();
    expect(view()).toBeUndefined();
  });
});
