import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '#base/limits';
import { ActiveWorkers, type Marked } from '#front/session/work/active-workers';
import { SessionDifficulty } from '#front/session/work/difficulty';
import { type Bench, type Client, type Line, makeBench, makeJob, sessionOptions } from './support.ts';

/** Seeded. */
function randomness(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 1) / (2 ** 32 + 1);
  };
}

/** Shares of one connection at `hashrate` (hashes a second), each of one of its workers, until a time. */
class Farm {
  readonly bench: Bench;
  readonly client: Client;
  readonly #random = randomness(7);
  /** Those that find shares. */
  working: readonly string[];
  readonly #hashrate: number;
  difficulty = 0;
  #job = '';
  #nonce = 0;

  constructor(names: readonly string[], hashrate: number, start = 1000) {
    this.bench = makeBench({ difficulty: { ...sessionOptions.difficulty, start } });
    this.working = names;
    this.#hashrate = hashrate;
    this.bench.registry.broadcast(makeJob(1));
    this.client = this.bench.connect();
    this.client.call('mining.subscribe', ['farm-proxy/1']);
    this.hear(this.client.call('mining.authorize', [names[0], 'x']));
  }

  authorize(names: readonly string[]): void {
    for (const name of names) this.hear(this.client.call('mining.authorize', [name, 'x']));
  }

  hear(lines: readonly Line[]): void {
    for (const { method, params = [] } of lines) {
      if (method === 'mining.set_difficulty') this.difficulty = Number(params[0]);
      if (method === 'mining.notify') this.#job = String(params[0]);
    }
  }

  /** Returns the accepted shares of each worker, with the registry's ticks once a second. */
  mine(minutes: number): Map<string, number> {
    const { clock, registry, intake } = this.bench;
    const shares = new Map<string, number>();
    const endMs = clock.ms + minutes * 60_000;
    let tickMs = clock.ms + 1000;
    while (clock.ms < endMs) {
      const waitMs = (-Math.log(this.#random()) * this.difficulty * 2 ** 32 * 1000) / this.#hashrate;
      if (clock.ms + waitMs > tickMs) {
        clock.ms = tickMs;
        tickMs += 1000;
        registry.tick();
      } else {
        clock.ms += waitMs;
        const name = this.working[Math.floor(this.#random() * this.working.length)] ?? '';
        this.#nonce += 1;
        this.hear(
          this.client.call('mining.submit', [
            name,
            this.#job,
            '0000000000000001',
            '6553f164',
            this.#nonce.toString(16),
          ]),
        );
        intake.settle('accepted');
        shares.set(name, (shares.get(name) ?? 0) + 1);
      }
      this.hear(this.client.wire.take());
    }
    return shares;
  }
}

const names = (count: number): string[] => Array.from({ length: count }, (_, worker) => `farm.${worker}`);

describe('a farm proxy', () => {
  it.each([1, 30, 100])('with %i workers gets the share rate of one worker for each', (count) => {
    const workers = names(count);
    const farm = new Farm(workers, count * 100e12);
    farm.authorize(workers);
    farm.mine(10);
    const shares = farm.mine(20);
    const rates = workers.map((name) => (shares.get(name) ?? 0) / 20);
    const mean = rates.reduce((sum, rate) => sum + rate, 0) / count;
    expect(mean).toBeGreaterThan(6);
    expect(mean).toBeLessThan(24);
    // Every one has enough of them to be measured by.
    expect(Math.min(...rates)).toBeGreaterThan(2);
  });

  it('is not raised to the rate of one worker first, while its workers have yet to find a share', () => {
    const workers = names(100);
    const ideal = Math.round((100e12 * 5) / 2 ** 32);
    const farm = new Farm(workers, 100 * 100e12, ideal);
    farm.authorize(workers);
    let highest = 0;
    for (let second = 0; second < 120; second += 1) {
      farm.mine(1 / 60);
      highest = Math.max(highest, farm.difficulty);
    }
    expect(highest).toBeLessThan(ideal * 2.5);
    expect(farm.difficulty).toBeGreaterThan(ideal / 2.5);
  });

  it('gets no more for names that find nothing', () => {
    const farm = new Farm(['farm.0'], 100e12);
    farm.authorize(names(1000));
    // From a start at a hundred times that rate, which it keeps until it is known that the others are silent.
    farm.mine(2);
    const shares = farm.mine(20).get('farm.0') ?? 0;
    expect(shares / 20).toBeGreaterThan(6);
    expect(shares / 20).toBeLessThan(24);
  });

  it('comes down to one worker some minutes after the others have gone silent', () => {
    const farm = new Farm(names(100), 100e12);
    farm.authorize(names(100));
    farm.mine(20);
    const many = farm.difficulty;
    farm.working = ['farm.0'];
    farm.mine(20);
    const shares = farm.mine(20).get('farm.0') ?? 0;
    expect(shares / 20).toBeLessThan(24);
    expect(farm.difficulty / many).toBeGreaterThan(50);
  });
});

/** Mines with a session's difficulty alone; returns the shares a second in the last half of the time. */
function perSecond(control: SessionDifficulty, hashrate: number, minutes: number): number {
  const random = randomness(3);
  let [nowMs, announced, shares, tickMs] = [0, control.wanted, 0, 1000];
  const endMs = minutes * 60_000;
  control.begin(0);
  while (nowMs < endMs) {
    const waitMs = (-Math.log(random()) * announced * 2 ** 32 * 1000) / hashrate;
    const found = nowMs + waitMs <= tickMs;
    nowMs = found ? nowMs + waitMs : tickMs;
    if (!found) tickMs += 1000;
    else {
      control.accept(announced);
      if (nowMs > endMs / 2) shares += 1;
    }
    control.review(nowMs);
    if (control.wanted === announced) continue;
    announced = control.wanted;
    control.begin(nowMs);
  }
  return shares / (endMs / 2000);
}

const options = { start: 65_536, min: 1, max: 1e12, vardiff: true, sharesPerMinute: 12 };

describe('the share rate of a connection', () => {
  it('is bounded, however many names are made up', () => {
    const control = new SessionDifficulty(options);
    control.shareAmong(limits.workersPerSessionMax, limits.workersPerSessionMax);
    const rate = perSecond(control, 1e17, 4);
    expect(rate).toBeLessThan(limits.farmSharesPerSecondMax * 1.6);
    expect(rate).toBeGreaterThan(limits.farmSharesPerSecondMax / 1.6);
  });

  it('stays within the budget of easy shares below the pool’s minimum', () => {
    const control = new SessionDifficulty(options);
    control.device(1e-4, 1.5e-4);
    control.shareAmong(1000, 1000);
    // A thousand devices of 100 kH/s.
    const rate = perSecond(control, 1e8, 60);
    expect(control.wanted).toBeLessThan(1);
    expect(rate).toBeLessThan(limits.easySharesPerSessionMax);
    expect(rate).toBeGreaterThan(limits.easySharesPerSessionMax / 4);
  });

  it('rests at the pool’s minimum if it would need the budget below it, and exceed it', () => {
    const control = new SessionDifficulty(options);
    control.device(1e-4, undefined);
    control.shareAmong(1000, 1000);
    // At difficulty 1 these are 25 a second.
    perSecond(control, 25 * 2 ** 32, 30);
    expect(control.wanted).toBe(1);
  });

  it('is the configured rate if that is above the bound', () => {
    const control = new SessionDifficulty({ ...options, sharesPerMinute: limits.farmSharesPerSecondMax * 120 });
    control.shareAmong(50, 50);
    expect(perSecond(control, 1e17, 2)).toBeGreaterThan(limits.farmSharesPerSecondMax * 1.3);
  });
});

describe('ActiveWorkers', () => {
  it('counts those with a share in this window or the one before, whatever comes and goes', () => {
    const actions = fc.array(fc.tuple(fc.constantFrom('worked', 'gone', 'pass'), fc.nat(9)), { maxLength: 200 });
    fc.assert(
      fc.property(actions, (steps) => {
        const active = new ActiveWorkers(12);
        active.pass(0);
        let [window, nowMs] = [0, 0];
        const workers = new Map<number, Marked & { last: number }>();
        for (const [action, index] of steps) {
          const worker = workers.get(index) ?? { activeIn: -1, last: Number.NEGATIVE_INFINITY };
          if (action === 'pass') {
            nowMs += 300_000;
            window += 1;
            active.pass(nowMs);
          } else if (action === 'worked') {
            active.worked(worker);
            workers.set(index, Object.assign(worker, { last: window }));
          } else {
            active.gone(worker);
            workers.delete(index);
          }
          expect(active.count).toBe([...workers.values()].filter(({ last }) => last >= window - 1).length);
        }
      }),
    );
  });

  it('are all known when each should have found a few shares', () => {
    const active = new ActiveWorkers(12);
    active.pass(0);
    active.pass(29_999);
    expect(active.complete).toBe(false);
    active.pass(30_000);
    expect(active.complete).toBe(true);
  });

  it('looks back further if shares are rare', () => {
    const active = new ActiveWorkers(0.1);
    const worker = { activeIn: -1 };
    active.pass(0);
    active.worked(worker);
    active.pass(3_600_000);
    active.pass(7_199_999);
    expect([active.count, active.complete]).toEqual([1, true]);
    active.pass(7_200_000);
    expect(active.count).toBe(0);
  });
});
