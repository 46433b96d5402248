import { describe, expect, it } from 'vitest';
import { assets, own } from '#books/ledger/entries/accounts';
import { addressOf, miners, Payer, World } from './world.ts';

const [first = '', second = '', third = ''] = miners;
const YEAR_MS = 365 * 86_400_000;

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

describe('a payout that is stuck', () => {
  it('gets a higher fee although the clock was a year ahead when it was made', async () => {
    const { world, payer } = funded();
    world.nowMs += YEAR_MS;
    await payer.payouts.run();
    world.nowMs -= YEAR_MS;
    await payer.payouts.tick();
    expect(payer.payouts.store.list(1)[0]?.variants.map(({ kind }) => kind)).toEqual(['pay', 'replace']);
    await payer.payouts.tick();
    expect(payer.payouts.store.list(1)[0]?.variants).toHaveLength(2);
  });
});

describe('a payout that is given up', () => {
  it('is not exported any more, since its accounts are owed again', async () => {
    const { payer } = funded({ method: 'psbt' });
    const { batch } = await payer.payouts.run();
    const id = batch?.id ?? '';
    expect(await payer.payouts.cancel(id)).toMatchObject({ state: 'cancelled' });
    expect(await payer.payouts.exportPsbt(id)).toEqual({ error: `payout ${id} is cancelled: it needs no signature` });
  });

  it('may be made again just as it was', async () => {
    const { payer } = funded({ method: 'psbt' });
    const { batch } = await payer.payouts.run();
    await payer.payouts.cancel(batch?.id ?? '');
    const again = await payer.payouts.run();
    expect([again.reason, again.batch?.state]).toEqual([undefined, 'funded']);
    expect(again.batch?.variants[0]?.txid).toBe(batch?.variants[0]?.txid);
    expect(payer.payouts.store.list(2).map(({ state }) => state)).toEqual(['funded', 'cancelled']);
    expect(payer.faults()).toEqual([]);
  });

  it.each(['wallet', 'psbt'] as const)('takes its coins back however many outputs it has, by %s', async (method) => {
    const world = new World(1);
    const payer = new Payer(world, { method, feeRateMax: 20_000n });
    payer.earn(Array.from({ length: 300 }, (_, index) => [addressOf(index), 12_000n] as const));
    payer.earn([]);
    world.mine(10);
    const { batch } = await payer.payouts.run();
    const id = batch?.id ?? '';
    expect(batch?.items).toHaveLength(300);
    if (method === 'psbt') expect(await payer.payouts.exportPsbt(id)).toMatchObject({ txid: expect.any(String) });
    expect(await payer.payouts.cancel(id)).toMatchObject({ note: expect.stringContaining('go back to the wallet') });
    if (method === 'psbt') {
      const withdrawal = await payer.payouts.exportPsbt(id);
      if ('error' in withdrawal) throw new Error(withdrawal.error);
      const signed = await world.wallet.sign(withdrawal.psbt);
      expect(await payer.payouts.importSigned(signed.ok ? (signed.value.raw ?? '') : '')).toMatchObject({ id });
    }
    world.mine(10);
    await payer.payouts.tick();
    expect(payer.payouts.store.find(id)?.state).toBe('unpaid');
    expect(payer.balances().map(({ payableSats }) => payableSats)).toEqual(Array.from({ length: 300 }, () => 12_000n));
    expect(payer.book.balance(assets.wallet)).toBe(world.walletSats);
  });
});

describe('what keeps somebody from being paid', () => {
  it('is told by the log, once', async () => {
    const { world, payer } = funded();
    world.poison.add(second);
    const { batch } = await payer.payouts.run();
    expect(batch?.items.map(({ account }) => account)).toEqual([first]);
    expect(payer.lines.filter((line) => line.startsWith('an account is set aside'))).toEqual([
      `an account is set aside {"account":"${second}","reason":"scriptpubkey"}`,
    ]);
    world.standing = 'gone';
    for (let look = 0; look < 3; look += 1) await payer.payouts.tick();
    const told = payer.lines.filter((line) => line.startsWith('a payout does not go on'));
    expect(told).toEqual([expect.stringContaining('place: gone')]);
  });
});
