import { Transaction } from 'bitcoinjs-lib';
import { describe, expect, it } from 'vitest';
import { parseAddress } from '#base/bitcoin/address';
import { buildCoinbase } from '#base/bitcoin/coinbase';
import type { Job } from '#base/domain/job';
import type { Submission } from '#base/domain/share';
import { authorizeAddress } from '#front/session/login/authorize';
import { payees } from '#front/session/login/payees';
import { type Client, type Line, makeBench, makeJob } from './support.ts';

const ALICE = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const BOB = 'bcrt1qy7yl6pjgjct4qgael8e5dp2csn9f9k068fnq9n';
const POOL = Uint8Array.from([0, 20, ...new Uint8Array(20).fill(0x11)]);
const REWARD = 5_000_000_000n;
const scriptOf = (account: string): Uint8Array => {
  const parsed = parseAddress(account, 'regtest');
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.script;
};

function jobOf(serial: number): Job {
  const halves = buildCoinbase({
    ...{ height: 7, serial, identity: new Uint8Array(6), extranonceBytes: 14, tag: '/test/' },
    outputs: [{ script: POOL, sats: REWARD }],
    witnessCommitment: undefined,
  });
  return makeJob(serial, { ...halves, rewardSats: REWARD });
}

const payeeOfAll = { script: scriptOf(ALICE), feeBasisPoints: 200, donationBasisPoints: 0 };

function bench() {
  const exceptions = new Map([[BOB, 0]]);
  return makeBench(
    {},
    {
      authorize: authorizeAddress('regtest'),
      payeeOf: payees({ feeBasisPoints: 200, donationBasisPoints: 0, exceptions }, 'regtest'),
    },
  );
}

const accountOf = ({ coinbase }: Submission): string | undefined =>
  coinbase !== undefined && 'account' in coinbase ? coinbase.account : undefined;

/** The outputs of the coinbase in the last notify. */
function outputs(lines: readonly Line[]): unknown[] {
  const notify = lines.findLast(({ method }) => method === 'mining.notify');
  const [, , coinb1, coinb2] = (notify?.params ?? []) as string[];
  const { outs } = Transaction.fromHex(`${coinb1}${'00'.repeat(12)}${coinb2}`);
  return outs.map(({ script, value }) => [Buffer.from(script), value]);
}
const alices = [
  [Buffer.from(scriptOf(ALICE)), 4_900_000_000n],
  [Buffer.from(POOL), 100_000_000n],
];

describe('a session whose coinbases pay its account', () => {
  it('gets each job with its own address first, and a fee of its own', () => {
    const { registry, connect } = bench();
    registry.broadcast(jobOf(1));
    const [alice, bob] = [connect(), connect()];
    expect(outputs(alice.login(`${ALICE}.rig`))).toEqual(alices);
    expect(outputs(bob.login(`${BOB}.rig`))).toEqual([[Buffer.from(scriptOf(BOB)), REWARD]]);
    registry.broadcast(jobOf(2));
    expect(outputs(alice.wire.take())).toEqual(alices);
    expect(outputs(bob.wire.take())).toEqual([[Buffer.from(scriptOf(BOB)), REWARD]]);
    // A retarget repeats the job with the same coinbase.
    expect(outputs(alice.call('mining.suggest_difficulty', [5000]))).toEqual(alices);
  });

  it('does not repeat jobs because terms are shared with a session of the same account', () => {
    const { registry, connect, clock } = makeBench(
      {},
      { authorize: authorizeAddress('regtest'), payeeOf: (account) => ({ ...payeeOfAll, account }) },
    );
    registry.broadcast(jobOf(1));
    const [first, second] = [connect(), connect()];
    for (const client of [first, second]) client.login(`${ALICE}.rig`);
    for (let round = 0; round < 5; round += 1) {
      clock.ms += 3000;
      registry.tick();
    }
    expect([first, second].flatMap(({ wire }) => wire.take())).toEqual([]);
  });

  it('has one account: another one is refused, another worker of the same is not', () => {
    const { registry, connect } = bench();
    registry.broadcast(jobOf(1));
    const client = connect();
    client.login(`${ALICE}.rig`);
    const [refused] = client.call('mining.authorize', [`${BOB}.rig`]);
    expect(refused).toMatchObject({ result: null, 'reject-reason': expect.stringContaining(ALICE) });
    expect(client.call('mining.authorize', [`${ALICE}.other`])[0]).toMatchObject({ result: true });
  });

  it('hands in shares with whom their coinbase pays, also of jobs whose terms are forgotten', () => {
    const { registry, connect, intake } = bench();
    registry.broadcast(jobOf(1));
    const client = connect();
    client.login(`${ALICE}.rig`);
    registry.broadcast(jobOf(2));
    const payee = (of: Client, serial: number): string | undefined => accountOf(intake.handedIn(of, serial, 0));
    expect(payee(client, 2)).toBe(ALICE);
    for (let serial = 3; serial < 80; serial += 1) registry.broadcast(jobOf(serial));
    // Its ladder starts above job 1, which has expired.
    expect(intake.handedIn(client, 1, 0)).toMatchObject({ terms: undefined, coinbase: { account: ALICE } });
  });

  it('keeps the payee of its resumed jobs if it resumes with another account', () => {
    const { registry, connect, intake } = bench();
    registry.broadcast(jobOf(1));
    const first = connect();
    const [subscribed] = first.call('mining.subscribe', ['BFGMiner/5.5.0']);
    const [topics = []] = (subscribed?.result ?? []) as [string[][]?];
    const id = topics[0]?.[1];
    first.call('mining.authorize', [`${ALICE}.rig`]);
    first.handler.onClose();
    const second = connect();
    second.call('mining.subscribe', ['BFGMiner/5.5.0', id]);
    expect(outputs(second.call('mining.authorize', [`${BOB}.rig`]))).toEqual([[Buffer.from(scriptOf(BOB)), REWARD]]);
    expect([1, 2].map((variant) => accountOf(intake.handedIn(second, 1, variant)))).toEqual([ALICE, BOB]);
  });
});

describe('a session of a device that takes short coinbases', () => {
  it('gets the longest coinbase of the job that it takes, as soon as the device is known', () => {
    const { registry, connect, intake } = makeBench({}, { sizedCoinbases: true });
    const shorter = [384, 255].map((bytes) => ({ bytes, coinb2: new Uint8Array(4).fill(bytes & 0xff) }));
    const coinb2Of = (lines: readonly Line[]): unknown =>
      lines.find(({ method }) => method === 'mining.notify')?.params?.[3];
    const job = (serial: number) => makeJob(serial, { coinb1: new Uint8Array(700), shorterCoinbases: shorter });
    registry.broadcast(job(1));
    const [any, axe, late, large] = [connect(), connect(), connect(), connect()];
    expect(coinb2Of(any.login())).toBe('02');
    axe.call('mining.subscribe', ['bitaxe/BM1370/v2']);
    expect(coinb2Of(axe.call('mining.authorize', ['someone.rig']))).toBe('80808080');
    large.call('mining.subscribe', ['bmminer/2.0.0']);
    expect(coinb2Of(large.call('mining.authorize', ['someone.rig']))).toBe('02');
    late.call('mining.subscribe', []);
    const asked = late.call('mining.authorize', ['someone.rig']);
    expect(coinb2Of(asked)).toBe('02');
    const { id } = asked.find(({ method }) => method === 'client.get_version') ?? { id: 0 };
    late.say({ id, result: 'NerdMinerV2' });
    registry.broadcast(job(2));
    expect([any, axe, late].map(({ wire }) => coinb2Of(wire.take()))).toEqual(['02', '80808080', 'ffffffff']);
    expect([any, axe, late].map((of) => intake.handedIn(of, 2, 0).coinbase)).toEqual([
      undefined,
      { bytesMax: 384 },
      { bytesMax: 255 },
    ]);
    expect(registry.counters.oversizedCoinbases).toBe(0);
  });
});
