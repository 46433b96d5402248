import { describe, expect, it } from 'vitest';
import { assets, own } from '#books/ledger/entries/accounts';
import type { PayoutRules } from '#books/ledger/payouts/rules';
import { calm, miners, Payer, World } from './world.ts';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 220);

/** A life of a pool that pays while its process dies, its wallet fails and its chain is reorganised. */
async function live(seed: number): Promise<World> {
  const world = new World(seed);
  const rules: Partial<PayoutRules> = {
    networkFee: world.maybe(0.5) ? 'pool' : 'miners',
    minimumSats: world.maybe(0.5) ? 1n : 100_000n,
  };
  const payer = new Payer(world, rules);
  await payer.payouts.tick();
  if (world.maybe(0.2)) world.poison.add(miners[Math.floor(world.random() * miners.length)] ?? '');
  const storm = { kill: 0.04 * world.random(), refuse: 0.04 * world.random(), lose: 0.2 * world.random() };
  for (let step = 0; step < 25; step += 1) {
    world.nowMs += Math.floor(world.random() * 40 * 60_000);
    world.faults = storm;
    const dice = world.random();
    if (dice < 0.15) {
      world.faults = calm;
      payer.earn(miners.map((miner) => [miner, BigInt(Math.floor(world.random() * 700_000))]));
    } else if (dice < 0.5) await payer.live((payouts) => payouts.run());
    else if (dice < 0.7) await payer.live((payouts) => payouts.tick());
    else if (dice < 0.92) world.mine(1 + Math.floor(world.random() * 4));
    else if (dice < 0.97) world.reorg(1 + Math.floor(world.random() * 5), world.maybe(0.7));
    else world.standing = world.maybe(0.5) ? 'locked' : 'gone';
    if (world.maybe(0.5)) world.standing = undefined;
    expectNothingPaidTwice(payer, seed);
  }
  world.faults = calm;
  world.standing = undefined;
  for (let round = 0; round < 6; round += 1) {
    // Long enough for a reorg's coinbases to be mature again.
    world.mine(11);
    await payer.payouts.run();
  }
  world.mine(11);
  await payer.payouts.tick();
  for (const { state } of payer.payouts.store.list(100)) world.note(state);
  expectBooksAreTheChain(payer, seed);
  return world;
}

function expectNothingPaidTwice(payer: Payer, seed: number, strangersSats = 0n): void {
  for (const { account, payableSats, paidSats, inFlightSats } of payer.balances()) {
    const paid = payer.world.paidTo(account);
    expect(payableSats >= 0n && inFlightSats >= 0n && paidSats >= 0n, `seed ${seed}`).toBe(true);
    expect(paid <= paidSats + inFlightSats + strangersSats, `seed ${seed}: ${account} got ${paid}`).toBe(true);
  }
}

function expectBooksAreTheChain(payer: Payer, seed: number): void {
  const { world, book } = payer;
  expect(payer.faults(), `seed ${seed}`).toEqual([]);
  for (const { account, payableSats, paidSats, inFlightSats } of payer.balances()) {
    expect(world.paidTo(account), `seed ${seed}: ${account}`).toBe(paidSats);
    expect(inFlightSats, `seed ${seed}: ${account} in flight`).toBe(0n);
    if (!world.poison.has(account)) expect(payableSats < 100_000n, `seed ${seed}: ${account} waits`).toBe(true);
  }
  expect(book.balance(assets.inFlight), `seed ${seed}`).toBe(0n);
  expect(book.balance(assets.wallet), `seed ${seed}`).toBe(world.walletSats);
  expect(book.balance(own.networkFees) >= -100_000n, `seed ${seed}`).toBe(true);
}

/** Two pools on copies of one folder, at any moment of their lives, with one wallet. */
async function twoPayers(seed: number): Promise<World> {
  const world = new World(seed);
  const first = new Payer(world, { minimumSats: 1n });
  // As the pool does at its start, long before it owes anything.
  await first.payouts.tick();
  const owed = new Map(miners.map((miner) => [miner, 0n]));
  const earn = (): void => {
    const shares = miners.map((miner) => [miner, BigInt(Math.floor(world.random() * 700_000))] as const);
    first.earn(shares);
    for (const [miner, sats] of shares) owed.set(miner, (owed.get(miner) ?? 0n) + sats);
  };
  for (let block = 0; block < 3; block += 1) earn();
  world.mine(10);
  const storm = { kill: 0.03 * world.random(), refuse: 0.05 * world.random(), lose: 0.1 * world.random() };
  let second: Payer | undefined;
  const copiedAt = Math.floor(world.random() * 8);
  for (let step = 0; step < 16; step += 1) {
    world.nowMs += Math.floor(world.random() * 40 * 60_000);
    world.faults = calm;
    if (step === copiedAt) second = first.copy();
    if (second === undefined && world.maybe(0.2)) earn();
    world.faults = storm;
    const both = [first, second].flatMap((payer) => (payer === undefined ? [] : [payer]));
    // Their steps are between each other's.
    await Promise.all(
      both.map((payer) => payer.live((payouts) => (world.maybe(0.7) ? payouts.run() : payouts.tick()))),
    );
    if (world.maybe(0.5)) world.mine(1 + Math.floor(world.random() * 6));
  }
  world.faults = calm;
  for (let round = 0; round < 4; round += 1) {
    world.mine(11);
    for (const payer of [first, second]) await payer?.payouts.run();
  }
  for (const [miner, sats] of owed) {
    expect(world.paidTo(miner) <= sats, `seed ${seed}: ${miner} got ${world.paidTo(miner)} of ${sats}`).toBe(true);
  }
  if ([first, second].some((payer) => payer?.payouts.alarm !== undefined)) world.note('noticed');
  if (first.payouts.alarm === undefined && second?.payouts.alarm === undefined) world.note('not noticed');
  return world;
}

/** Somebody takes the wallet's coins while a payout is under way. */
async function robbed(seed: number): Promise<World> {
  const world = new World(seed);
  const payer = new Payer(world, { minimumSats: 1n });
  await payer.payouts.tick();
  payer.earn(miners.map((miner) => [miner, 500_000n]));
  world.mine(10);
  world.faults = { kill: 0.02, refuse: 0, lose: 0.05 };
  await payer.live((payouts) => payouts.run());
  world.faults = calm;
  const [under] = payer.payouts.store.list(1);
  const coins = under?.variants[0]?.inputs ?? world.coins.unspent();
  await world.stranger(coins);
  for (let round = 0; round < 3; round += 1) {
    world.mine(5);
    await payer.payouts.run();
  }
  const [outsider] = payer.payouts.store.outsiders();
  if (outsider !== undefined) {
    expect((await payer.payouts.run()).reason, `seed ${seed}`).toContain('spends this wallet');
    world.note('robbed');
    await payer.payouts.accept(outsider.txid);
    world.mine(11);
    // One look sends what was only signed, and the next finds that it never can be mined.
    await payer.payouts.tick();
    await payer.payouts.tick();
  }
  for (const { state } of payer.payouts.store.list(9)) world.note(state);
  expect(payer.payouts.alarm).toBeUndefined();
  expectNothingPaidTwice(payer, seed, outsider === undefined ? 0n : outsider.sats);
  expect(payer.book.balance(assets.wallet), `seed ${seed}`).toBe(world.walletSats);
  expect(payer.book.balance(assets.inFlight), `seed ${seed}`).toBe(0n);
  return world;
}

describe.each([
  ['pay everybody once, and the books are the chain', live, ['killed', 'lost send', 'killed after sign', 'settled']],
  ['pay nobody twice from two copies of a folder', twoPayers, ['noticed', 'killed']],
  ['end unpaid when somebody has taken their coins for good', robbed, ['robbed', 'unpaid']],
] as const)('payouts under faults', (claim, run, expected) => {
  it(`${claim}: ${RUNS} lives`, async () => {
    const seen = new Map<string, number>();
    for (let seed = 1; seed <= RUNS; seed += 1) {
      const world = await run(seed);
      for (const [what, times] of world.seen) seen.set(what, (seen.get(what) ?? 0) + times);
    }
    if (process.env['FUZZ_RUNS'] !== undefined) process.stderr.write(`${JSON.stringify(Object.fromEntries(seen))}\n`);
    for (const what of expected) expect(seen.get(what), what).toBeGreaterThan(0);
  });
});
