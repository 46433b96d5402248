import { describe, expect, it } from 'vitest';
import { assets, own } from '#books/ledger/entries/accounts';
import type { PayoutRules } from '#books/ledger/payouts/rules';
import { calm, miners, Payer, World } from './world.ts';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 40);

/** A life of a pool that pays while its process dies, its wallet fails and its chain is reorganised. */
async function live(seed: number): Promise<World> {
  const world = new World(seed);
  const rules: Partial<PayoutRules> = {
    networkFee: world.maybe(0.5) ? 'pool' : 'miners',
    minimumSats: world.maybe(0.5) ? 1n : 100_000n,
  };
  const payer = new Payer(world, rules);
  if (world.maybe(0.2)) world.poison.add(miners[Math.floor(world.random() * miners.length)] ?? '');
  const storm = { kill: 0.04 * world.random(), refuse: 0.1 * world.random(), lose: 0.1 * world.random() };
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
    if (world.maybe(0.3)) world.standing = undefined;
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

function expectNothingPaidTwice(payer: Payer, seed: number): void {
  for (const { account, payableSats, paidSats, inFlightSats } of payer.balances()) {
    const paid = payer.world.paidTo(account);
    expect(payableSats >= 0n && inFlightSats >= 0n && paidSats >= 0n, `seed ${seed}`).toBe(true);
    expect(paid <= paidSats + inFlightSats, `seed ${seed}: ${account} got ${paid}`).toBe(true);
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

describe('payouts under faults', () => {
  it(`pay everybody once, and the books are the chain: ${RUNS} lives`, async () => {
    const seen = new Map<string, number>();
    for (let seed = 1; seed <= RUNS; seed += 1) {
      const world = await live(seed);
      for (const [what, times] of world.seen) seen.set(what, (seen.get(what) ?? 0) + times);
    }
    process.stderr.write(`${JSON.stringify(Object.fromEntries(seen))}\n`);
    for (const what of ['killed', 'lost send', 'killed after send', 'settled'])
      expect(seen.get(what), what).toBeGreaterThan(0);
  });
});
