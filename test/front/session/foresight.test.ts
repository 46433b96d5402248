import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mustBeDifficulty } from '#base/domain/difficulty';
import { roundDifficulty } from '#front/session/work/vardiff';
import { randomVariant } from '#front/session/workers/registry';
import { variantHex } from '#front/stratum/v1/job-id';
import { Front, type Miner, type Params } from '../../support/front.ts';
import { inShort, makeBench, makeJob } from './support.ts';

/** What everybody starts at, and what is asked for once the hashes are known. */
const [START, CHOSEN] = [1e-9, roundDifficulty(mustBeDifficulty(64e-9))];

let front: Front;
beforeEach(async () => {
  let variant = 9999;
  front = await Front.open(
    { difficulty: { start: START, min: START, max: 1, vardiff: false, sharesPerMinute: 12 } },
    // No neighbours, and the same each time.
    {
      newVariant: () => {
        variant = (variant * 75) % 65_537;
        return variant;
      },
    },
  );
  front.announce();
});
afterEach(() => front.close());

/**
 * Shares of the current job for `extranonce1`, all good at the difficulty that will be chosen: mined before the job is given
 * out to whoever has that extranonce, under the ids that it may be thought to come with.
 */
function mineAhead(extranonce1: string, variants: readonly number[]): Params[] {
  const notify = front
    .connect()
    .client.login()
    .find(({ method }) => method === 'mining.notify');
  const [id, previous, coinb1, ...rest] = (notify?.params ?? []) as string[];
  const cheat = front.connect();
  cheat.extranonce1 = extranonce1;
  return variants.flatMap((variant) => {
    const hex = variantHex(variant);
    const known = `${id}`.slice(0, 10);
    const params = [variant === 0 ? known : known + hex, previous, coinb1?.slice(0, -4) + hex, ...rest];
    cheat.hear([
      { id: null, method: 'mining.set_difficulty', params: [CHOSEN] },
      { id: null, method: 'mining.notify', params },
    ]);
    return [1, 2, 3].map(() => cheat.solve());
  });
}

function expectNothing(miner: Miner, ahead: readonly Params[]): void {
  expect(ahead.length).toBeGreaterThan(0);
  for (const share of ahead) expect(miner.submit(share), share[1]).toBe('job-not-found');
  // At the difficulty that was asked for, it has work like anybody.
  expect(miner.difficulty).toBe(CHOSEN);
  expect(miner.submit(miner.solve())).toBe('accepted');
  expect(front.accepted).toBe(1);
}

function subscribe(miner: Miner, ...sessionId: string[]): void {
  const [reply] = miner.client.call('mining.subscribe', ['miner/1', ...sessionId]);
  const [, extranonce1 = ''] = (reply?.result ?? []) as [unknown?, string?];
  miner.extranonce1 = extranonce1;
}

describe('shares that were mined before their difficulty was chosen are worth nothing', () => {
  it('before the first authorisation, with the job from another connection', () => {
    const miner = front.connect();
    subscribe(miner);
    const ahead = mineAhead(miner.extranonce1, [0, 1, 2]);
    miner.client.call('mining.suggest_difficulty', [CHOSEN]);
    miner.hear(miner.client.call('mining.authorize', ['me.rig', 'x']));
    expectNothing(miner, ahead);
  });

  it('on the same connection, under the ids that would come next', () => {
    const miner = front.connect();
    miner.login();
    const variant = Number.parseInt(miner.work?.id.slice(10) || '0', 16);
    const ahead = mineAhead(
      miner.extranonce1,
      [0, 1, 2, variant + 1, variant + 2].filter((other) => other !== variant),
    );
    miner.hear(miner.client.call('mining.suggest_difficulty', [CHOSEN]));
    expectNothing(miner, ahead);
  });

  it.each([0, 1, 3])('by a client that comes back, after %s jobs that were sent meanwhile', (jobs) => {
    const gone = front.connect();
    gone.login();
    const variant = Number.parseInt(gone.work?.id.slice(10) || '0', 16);
    gone.client.handler.onClose();
    const ahead: Params[] = [];
    for (let job = 0; job <= jobs; job += 1) {
      if (job > 0) front.announce();
      ahead.push(...mineAhead(gone.extranonce1, [0, 1, variant + 1]));
    }
    const back = front.connect();
    subscribe(back, gone.sessionId);
    expect(back.extranonce1).toBe(gone.extranonce1);
    back.client.call('mining.suggest_difficulty', [CHOSEN]);
    back.hear(back.client.call('mining.authorize', ['me.rig', 'x']));
    expectNothing(back, ahead);
  });

  it('with the extranonce that mining.set_extranonce would bring', () => {
    const old = front.connect();
    old.login();
    old.client.call('mining.extranonce.subscribe');
    old.client.call('mining.suggest_difficulty', [CHOSEN]);
    // Connections that mine ahead take one each, and so does the one that comes back.
    const spies = 1;
    const ahead = mineAhead(
      (Number.parseInt(old.extranonce1, 16) + spies + 1).toString(16).padStart(8, '0'),
      [0, 1, 2],
    );
    front.connect().login({ sessionId: old.sessionId });
    const lines = old.client.wire.take();
    expect(lines[0]).toMatchObject({ method: 'mining.set_extranonce', params: ['00000002', 8] });
    old.hear(lines);
    expectNothing(old, ahead);
  });
});

describe('a job that is current already', () => {
  it('is given out under ids that are spread over all there are', async () => {
    await front.close();
    front = await Front.open({}, { newVariant: randomVariant });
    front.announce();
    const variants = Array.from({ length: 300 }, () => {
      const miner = front.connect();
      miner.login();
      return Number.parseInt(miner.work?.id.slice(10) || '0', 16);
    });
    expect(Math.min(...variants)).toBeGreaterThan(0);
    expect(new Set(variants).size).toBeGreaterThan(290);
    expect(Math.max(...variants) - Math.min(...variants)).toBeGreaterThan(0xc000);
  });

  it('has its own id only for sessions that had work when it came', () => {
    const { registry, connect, intake } = makeBench();
    registry.broadcast(makeJob(1));
    const client = connect();
    client.login();
    registry.broadcast(makeJob(2));
    expect(inShort(client.wire.take())).toEqual(['job 0000000002']);
    const of = (serial: number, variant: number) => intake.promised(client, serial, variant)?.difficulty;
    expect([of(1, 0), of(1, 1), of(2, 0)]).toEqual([undefined, 1000, 1000]);
  });
});
