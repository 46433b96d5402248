import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { targetOfDifficulty, targetToBytes } from '#base/bitcoin/target';
import type { SessionOptions } from '#front/session/context';
import { fuzz, fuzzMsMax } from '../../fuzz/runs.ts';
import { Front, hashOf, type Miner, type Params } from '../../support/front.ts';

/** A share in about four hashes. */
const EASY = 1e-9;
const difficulty = { start: EASY, min: EASY, max: 1, vardiff: false, sharesPerMinute: 12 };
let front: Front;

async function openFront(options: Partial<SessionOptions> = {}): Promise<Miner> {
  front = await Front.open({ difficulty, ...options });
  front.announce();
  const miner = front.connect();
  miner.login({ mask: 'ffffffff' });
  return miner;
}

afterEach(() => front.close());

describe('ntime', () => {
  it.each([
    ['two hours behind', -7_200_000],
    ['right', 0],
    ['two hours ahead', 7_200_000],
  ])(
    'runs from the template’s minimum to two hours past the job’s own time, at every edge, with a host clock that is %s',
    async (_clock, offMs) => {
      const miner = await openFront();
      const { minTime, curTime } = front.announce();
      miner.hear();
      front.clock.ms = curTime * 1000 + offMs - 1_700_000_000_000;
      expect(front.clock.nowMs()).toBe(curTime * 1000 + offMs);
      const verdicts = (...times: number[]): string[] => times.map((ntime) => miner.submit(miner.solve({ ntime })));
      expect(verdicts(minTime - 1, minTime, minTime + 1)).toEqual(['ntime-out-of-range', 'accepted', 'accepted']);
      expect(verdicts(curTime - 1, curTime, curTime + 1)).toEqual(['accepted', 'accepted', 'accepted']);
      const end = curTime + 7200;
      expect(verdicts(end - 1, end, end + 1)).toEqual(['accepted', 'accepted', 'ntime-out-of-range']);
      for (const ntime of ['00000000', 'ffffffff', '7fffffff', '80000000']) {
        const params = ['me.rig', miner.work?.id, '00000000000000aa', ntime, '00000001'];
        expect(miner.submit(params), ntime).toBe('ntime-out-of-range');
      }
    },
  );
});

describe('the time of a testnet4 job', () => {
  it('ends where its bits would no longer be right', async () => {
    const miner = await openFront();
    const { curTime, template } = front.announce();
    const maxTime = curTime + 600;
    front.announce(1, { template: { ...template, maxTime } });
    miner.hear();
    expect(miner.submit(miner.solve({ ntime: maxTime }))).toBe('accepted');
    expect(miner.submit(miner.solve({ ntime: maxTime + 1 }))).toBe('ntime-out-of-range');
  });
});

describe('version bits', () => {
  it.each([
    ['none', 0],
    ['BIP320', 0x1fff_e000],
    ['BIP323', 0x1fff_ffe0],
  ])('are taken within the mask and refused outside it, each of the 32: %s', async (_name, versionMask) => {
    const miner = await openFront({ versionMask });
    expect(miner.mask).toBe(versionMask);
    for (let place = 0; place < 32; place += 1) {
      const bits = (1 << place) >>> 0;
      const inside = (bits & versionMask) !== 0;
      const params = inside ? miner.solve({ bits }) : [...miner.solve(), bits.toString(16).padStart(8, '0')];
      expect(miner.submit(params), `bit ${place}`).toBe(inside ? 'accepted' : 'version-outside-mask');
    }
  });

  it('are taken within the pool’s mask from a miner that has not asked, and no others', async () => {
    await openFront();
    const miner = front.connect();
    miner.login();
    expect(miner.mask).toBe(0);
    for (const bits of [0, 0x2000, 0x1fff_e000]) expect(miner.submit(miner.solve({ bits }))).toBe('accepted');
    for (const bits of ['00001000', '20000000', 'ffffffff'])
      expect(miner.submit([...miner.solve(), bits]), bits).toBe('version-outside-mask');
  });

  it('keep to the mask that was agreed on', async () => {
    await openFront();
    const miner = front.connect();
    miner.login({ mask: '00006000' });
    expect(miner.submit(miner.solve({ bits: 0x2000 }))).toBe('accepted');
    expect(miner.submit([...miner.solve(), '00008000'])).toBe('version-outside-mask');
  });

  it('make headers of their own: an honest miner that rolls nothing else is never refused', async () => {
    const miner = await openFront();
    // One nonce, one time, one extranonce2: only the version differs.
    const target = miner.work?.target ?? 0n;
    const base = miner.solve();
    let sent = 0;
    for (let roll = 0; roll < 0x10000; roll += 37) {
      const bits = (roll << 13) >>> 0;
      const versioned = miner.work?.header('00000000000000aa', bits) ?? Buffer.alloc(80);
      versioned.writeUInt32LE(Number.parseInt(base[3], 16), 68);
      versioned.writeUInt32LE(Number.parseInt(base[4], 16), 76);
      if (hashOf(versioned) > target) continue;
      sent += 1;
      expect(miner.submit([...base, bits.toString(16).padStart(8, '0')])).toBe('accepted');
    }
    expect(sent).toBeGreaterThan(200);
    expect(front.accepted).toBe(sent);
  });
});

describe('one header, one credit', () => {
  let miner: Miner;
  let share: Params;
  beforeEach(async () => {
    miner = await openFront();
    share = miner.solve();
    expect(miner.submit(share)).toBe('accepted');
  });

  const line = (params: readonly unknown[], id = 1): string => JSON.stringify({ id, method: 'mining.submit', params });

  it('under whatever spelling of its fields', () => {
    const [user, job, extranonce2, ntime, nonce] = share;
    const duplicates: unknown[][] = [
      [user, job, extranonce2.toUpperCase(), ntime.toUpperCase(), nonce.toUpperCase()],
      [user, job, `0x${extranonce2}`, `0X${ntime}`, `0x${nonce}`],
      [user, job, extranonce2, ntime, nonce.replace(/^0+/, '')],
      [user, job, extranonce2, ntime, nonce, null],
      [user, job, extranonce2, ntime, nonce, ''],
      [user, job, extranonce2, ntime, nonce, '00000000'],
      [user, job, extranonce2, ntime, nonce, '0'],
      [`${user}\u0000`, job, extranonce2, ntime, nonce],
      [` ${user} `, job, extranonce2, ntime, nonce],
    ];
    for (const params of duplicates) expect(miner.submit(params), JSON.stringify(params)).toBe('duplicate');
    const broken: unknown[][] = [
      [user, job, `${extranonce2}\u0000`, ntime, nonce],
      [user, job, ` ${extranonce2}`, ntime, nonce],
      [user, job, extranonce2, `${ntime} `, nonce],
      [user, job, extranonce2, ntime, `0${nonce}`],
      [user, job, `00${extranonce2}`, ntime, nonce],
      [user, job, extranonce2.slice(1), ntime, nonce],
      [user, job, extranonce2, ntime, Number.parseInt(nonce, 16)],
      [user, job, extranonce2, ntime, nonce, '-1'],
    ];
    for (const params of broken) expect(miner.submit(params), JSON.stringify(params)).toBe('malformed');
    for (const other of [job.toUpperCase(), `0${job}`, `${job}0000`, ` ${job}`, `0x${job}`].filter(
      (id) => id !== job,
    )) {
      expect(['duplicate', 'job-not-found']).toContain(miner.submit([user, other, extranonce2, ntime, nonce]));
    }
    expect(front.accepted).toBe(1);
  });

  it('under keys that come twice', () => {
    const other = line(['me.rig', 'x', '', '', '']);
    expect(miner.submit(`${other.slice(0, -1)},"params":${JSON.stringify(share)}}`)).toBe('duplicate');
    expect(miner.submit(`${line(share).slice(0, -1)},"method":"mining.submit"}`)).toBe('duplicate');
    expect(miner.submit(line(share).replace('"params"', '"\\u0070arams"'))).toBe('duplicate');
    expect(miner.submit(line(share).replaceAll(',', ' ,\t'))).toBe('duplicate');
    expect(front.accepted).toBe(1);
  });

  it('for another session neither, nor under the repeated job’s id', () => {
    const thief = front.connect();
    thief.login({ user: 'thief.1', mask: 'ffffffff' });
    expect(thief.submit(['thief.1', ...share.slice(1)])).toBe('job-not-found');
    // Its extranonce1 is another, so the same fields of its own job are another header, and no solution but by luck: the
    // same luck each time, since the variants are the same.
    const [, , ...solution] = share;
    expect(thief.submit(['thief.1', thief.work?.id ?? '', ...solution])).toBe('low-difficulty');
  });
});

describe('replays', () => {
  it('of a share that solves a block, a thousand times: one credit, one block', async () => {
    const miner = await openFront();
    front.announce(1, { networkTarget: targetToBytes(targetOfDifficulty(EASY)) });
    miner.hear();
    const solution = miner.solve();
    const verdicts = Array.from({ length: 1001 }, () => miner.submit(solution));
    expect(verdicts).toEqual(['accepted', ...new Array(1000).fill('duplicate')]);
    expect(front.blocks).toHaveLength(1);
    expect(front.accepted).toBe(1);
  });

  it.each([
    ['with all jobs answerable', 64],
    ['with jobs that are evicted meanwhile', 3],
  ])(
    'over tips that go from A to B and back, in any order, %s: one credit each',
    { timeout: fuzzMsMax },
    async (_name, jobsMax) => {
      const miner = await openFront({ jobsMax });
      const step = fc.oneof(
        fc.record({ do: fc.constant('tip' as const), tip: fc.constantFrom(1, 2, 3) }),
        fc.record({ do: fc.constant('solve' as const), tip: fc.constant(0) }),
        fc.record({ do: fc.constant('replay' as const), tip: fc.nat(20) }),
      );
      const replies = new Set<string>();
      fc.assert(
        fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) => {
          const solved: Params[] = [];
          front.log.length = 0;
          for (const { do: what, tip } of steps) {
            if (what === 'tip') {
              front.announce(tip);
              miner.hear();
            } else if (what === 'solve') {
              const params = miner.solve();
              expect(miner.submit(params)).toBe('accepted');
              solved.push(params);
            } else {
              const old = solved[tip % Math.max(solved.length, 1)];
              if (old) replies.add(miner.submit(old));
            }
          }
          expect(front.accepted).toBe(solved.length);
        }),
        fuzz(500, 20),
      );
      const gone = jobsMax < 10 ? ['job-not-found'] : [];
      expect([...replies].sort()).toEqual(['duplicate', ...gone, 'stale']);
    },
  );

  it('when the first tip is back: late work of A is stale under B, and under A for ever', async () => {
    const miner = await openFront();
    const onA = miner.solve();
    const another = miner.solve();
    expect(miner.submit(onA)).toBe('accepted');
    front.announce(2);
    expect([miner.submit(onA), miner.submit(another)]).toEqual(['stale', 'stale']);
    front.announce(1);
    expect([miner.submit(onA), miner.submit(another)]).toEqual(['stale', 'stale']);
    expect(front.accepted).toBe(1);
  });
});

describe('the order of the checks', () => {
  it('names the first thing that is wrong', async () => {
    const miner = await openFront();
    const stranger = front.connect();
    const nothing = ['nobody', 'zz', 'zz', 'zz', 'zz', 'zz'];
    expect(stranger.submit(nothing)).toBe('not-subscribed');
    expect(miner.submit(nothing)).toBe('unauthorized');
    expect(miner.submit(['me.rig', ...nothing.slice(1)])).toBe('job-not-found');
    const id = miner.work?.id ?? '';
    front.announce(2);
    expect(miner.submit(['me.rig', id, 'zz', 'zz', 'zz', 'zz'])).toBe('stale');
    const now = miner.work?.id ?? '';
    expect(miner.submit(['me.rig', now, 'zz', '00000000', 'zz', 'ffffffff'])).toBe('malformed');
    expect(miner.submit(['me.rig', now, '00000000000000aa', '00000000', '00000000', 'ffffffff'])).toBe(
      'ntime-out-of-range',
    );
    expect(miner.submit(['me.rig', now, '00000000000000aa', '6553f164', '00000000', 'ffffffff'])).toBe(
      'version-outside-mask',
    );
    const low = miner.solve({ passes: (hash) => hash > targetOfDifficulty(EASY) });
    expect([miner.submit(low), miner.submit(low)]).toEqual(['low-difficulty', 'low-difficulty']);
  });
});
