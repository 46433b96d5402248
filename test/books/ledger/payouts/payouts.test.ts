import { describe, expect, it } from 'vitest';
import { assets, own } from '#books/ledger/entries/accounts';
import { miners, Payer, World } from './world.ts';

const [first = '', second = '', third = ''] = miners;

function funded(options: ConstructorParameters<typeof Payer>[1] = {}, blocks = 2) {
  const world = new World(1);
  const payer = new Payer(world, options);
  for (let block = 0; block < blocks; block += 1) {
    payer.earn([
      [first, 1_000_000n],
      [second, 500_000n],
      [third, 4_000n],
    ]);
  }
  world.mine(10);
  return { world, payer };
}

describe('a payout by wallet', () => {
  it('goes from what is owed to what is paid, and the books have every satoshi', async () => {
    const { world, payer } = funded();
    const plan = await payer.payouts.plan();
    expect(plan.left).toMatchObject([{ account: third, sats: 8_000n, why: 'below-minimum' }]);
    const { batch, reason } = await payer.payouts.run();
    expect(reason).toBeUndefined();
    expect(batch?.state).toBe('seen');
    expect(batch?.items.map(({ account, sats }) => [account, sats])).toEqual(
      [
        [first, 2_000_000n],
        [second, 1_000_000n],
      ].sort(),
    );
    expect(payer.book.balance(assets.inFlight)).toBe(3_000_000n);
    world.mine();
    await payer.payouts.tick();
    expect(payer.payouts.store.list(1)[0]?.state).toBe('confirmed');
    world.mine(2);
    await payer.payouts.tick();
    expect(payer.payouts.store.list(1)[0]?.state).toBe('settled');
    expect(world.paidTo(first)).toBe(2_000_000n);
    const fee = payer.book.balance(own.networkFees);
    expect(fee).toBeGreaterThan(0n);
    expect(payer.book.balance(assets.wallet)).toBe(world.walletSats);
    expect(payer.book.balance(assets.inFlight)).toBe(0n);
    expect(payer.balances().find(({ account }) => account === first)).toMatchObject({
      payableSats: 0n,
      inFlightSats: 0n,
      paidSats: 2_000_000n,
    });
    expect(payer.faults()).toEqual([]);
  });

  it('lets miners bear the fee, and the pool the difference', async () => {
    const { world, payer } = funded({ networkFee: 'miners' });
    const { batch } = await payer.payouts.run();
    world.mine(3);
    await payer.payouts.tick();
    const paid = world.paidTo(first);
    expect(paid).toBeLessThan(2_000_000n);
    expect(paid).toBe(2_000_000n - (batch?.items.find(({ account }) => account === first)?.feeSats ?? 0n));
    expect(payer.book.balance(assets.wallet)).toBe(world.walletSats);
    expect(payer.balances().find(({ account }) => account === first)?.paidSats).toBe(paid);
  });
});
