import { afterEach, describe, expect, it } from 'vitest';
import { Front, hashOf, hex8, type Miner, type Params, type Work } from '../../support/front.ts';

let front: Front;
afterEach(() => front.close());

interface Outcome {
  readonly verdicts: Record<string, number>;
  readonly hashes: number;
  /** Hashes that the accepted shares stand for. */
  readonly credited: number;
}

/**
 * Mines for real, one header after the other, on a clock that moves with the hashes: so shares come as they do in the field,
 * and every verdict is the pool's own. What the pool sends reaches the miner late, and so does what the miner sends.
 */
function mine(miner: Miner, hashesPerSecond: number, seconds: number, latencyMs: number): Outcome {
  const verdicts: Record<string, number> = {};
  const arriving: { atMs: number; params: Params }[] = [];
  const heard: { atMs: number; work: Work }[] = [];
  let work = miner.work as Work;
  let known = work;
  let [hashes, nonce] = [0, 0];
  let extranonce2 = front.log.length + 1;
  let header = work.header(extranonce2.toString(16).padStart(16, '0'));
  const endMs = front.clock.ms + seconds * 1000;
  let nextSecondMs = front.clock.ms + 1000;
  let nextJobMs = front.clock.ms + 30_000;
  while (front.clock.ms < endMs) {
    front.clock.ms += 1000 / hashesPerSecond;
    const now = front.clock.ms;
    hashes += 1;
    nonce += 1;
    header.writeUInt32LE(work.ntime, 68);
    header.writeUInt32LE(nonce, 76);
    if (hashOf(header) <= work.target) {
      const fields = [extranonce2.toString(16).padStart(16, '0'), hex8(work.ntime), hex8(nonce)] as const;
      arriving.push({ atMs: now + latencyMs, params: ['me.rig', work.id, ...fields] });
    }
    for (let share = arriving[0]; share && share.atMs <= now; share = arriving[0]) {
      arriving.shift();
      const verdict = miner.submit(share.params);
      verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
    }
    if (now >= nextSecondMs) {
      nextSecondMs += 1000;
      front.registry.tick();
      miner.hear();
    }
    if (now >= nextJobMs) {
      nextJobMs += 30_000;
      front.announce();
      miner.hear();
    }
    if (miner.work && miner.work !== known) {
      known = miner.work;
      heard.push({ atMs: now + latencyMs, work: known });
    }
    for (let next = heard[0]; next && next.atMs <= now; next = heard[0]) {
      heard.shift();
      work = next.work;
      extranonce2 += 1;
      header = work.header(extranonce2.toString(16).padStart(16, '0'));
    }
  }
  let credited = 0;
  for (const { verdict, terms } of front.log)
    if (verdict === 'accepted') credited += (terms?.difficulty ?? 0) * 2 ** 32;
  return { verdicts, hashes, credited };
}

async function open(start: number): Promise<Miner> {
  front = await Front.open({ difficulty: { start, min: 1e-9, max: 1, vardiff: true, sharesPerMinute: 12 } });
  front.announce();
  const miner = front.connect();
  miner.login();
  return miner;
}

describe('an honest miner', () => {
  it('has no share rejected by a retarget, up or down, however late its messages come', async () => {
    const miner = await open(1e-9);
    const difficulties: number[] = [miner.difficulty];
    for (const [hashesPerSecond, seconds, latencyMs] of [
      [1000, 240, 300],
      [60, 400, 5000],
      [1500, 120, 1000],
    ] as const) {
      const { verdicts } = mine(miner, hashesPerSecond, seconds, latencyMs);
      difficulties.push(miner.difficulty);
      expect(Object.keys(verdicts)).toEqual(['accepted']);
    }
    // It did change, there and back again.
    expect((difficulties[1] ?? 0) / (difficulties[0] ?? 1)).toBeGreaterThan(100);
    expect((difficulties[1] ?? 0) / (difficulties[2] ?? 1)).toBeGreaterThan(4);
    expect((difficulties[3] ?? 0) / (difficulties[2] ?? 1)).toBeGreaterThan(4);
    expect(front.registry.counters.difficultyChanges).toBeGreaterThanOrEqual(4);
  });

  it('is credited with the work it did, whatever the difficulty was meanwhile', async () => {
    const miner = await open(2e-8);
    const { hashes, credited } = mine(miner, 400, 1500, 200);
    // About 300 shares: 6 % of one standard deviation, and difficulty 1 is 2^32 / 1.00001 hashes.
    expect(credited / hashes).toBeGreaterThan(0.75);
    expect(credited / hashes).toBeLessThan(1.25);
  });
});

describe('a miner that continues the easier job after a raise', () => {
  it('is judged and credited at that job’s difficulty, no more', async () => {
    const miner = await open(1e-9);
    const easy = miner.work as Work;
    for (let share = 0; share < 200; share += 1) {
      front.clock.ms += 50;
      expect(miner.submit(miner.solve({ work: easy }))).toBe('accepted');
    }
    expect(miner.difficulty).toBeGreaterThan(1e-8);
    expect(new Set(front.log.map(({ terms }) => terms?.difficulty))).toEqual(new Set([1e-9]));
    const borrowed = miner.solve({
      work: easy,
      passes: (hash) => hash <= easy.target && hash > (miner.work?.target ?? 0n),
    });
    expect(miner.submit([borrowed[0], miner.work?.id ?? '', ...borrowed.slice(2)])).not.toBe('accepted');
  });
});
