import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CONFIRMATIONS_DEFAULT } from '#base/config/defaults';
import { exitCodes } from '#cli/io';
import { run } from '#cli/program';
import { FakeIo } from '../cli/harness.ts';
import { PoolFolder, PoolProcess } from '../support/pool-process.ts';
import { StratumClient } from '../support/stratum-client.ts';

const ALICE = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const BOB = 'bcrt1qy7yl6pjgjct4qgael8e5dp2csn9f9k068fnq9n';

interface ShownBlock {
  readonly hash: string;
  readonly height: number;
  readonly status: string;
  readonly confirmations: number;
  readonly reward_sats: string;
  readonly fee_sats: string;
  readonly credits: readonly { readonly account: string; readonly sats: string; readonly work: string }[];
}
interface Balances {
  readonly accounts: readonly Record<'account' | 'immature_sats' | 'payable_sats', string>[];
  readonly pool: Readonly<Record<string, string>>;
}

describe('the books of a pool with everything embedded', () => {
  // Every share is a block.
  const folder = new PoolFolder(
    '[node]\nsimulated-block-difficulty = 1e-9\n[stratum.difficulty]\nstart = 1e-9\nvardiff = false\n[payout]\nfee-percent = 2\n',
  );
  let pool: PoolProcess;

  beforeAll(async () => {
    pool = await PoolProcess.start(folder);
  });
  afterAll(async () => {
    pool.child.kill('SIGKILL');
    await folder.remove();
  });

  async function ledger<T>(...args: string[]): Promise<T> {
    const io = new FakeIo({ SLUICE_DATA: join(folder.path, 'data') });
    expect(await run(['ledger', ...args, '--json'], io), io.err + io.out).toBe(exitCodes.fine);
    return JSON.parse(io.out) as T;
  }

  /** Each share is found on the tip of its moment, one in four by bob. `mined`: how many there were before. */
  async function mine(count: number, mined = 0): Promise<void> {
    const { host, port } = pool.endpoints.tcp;
    const client = await StratumClient.tcp(host, port);
    await client.login(`${ALICE}.rig`);
    await client.request('mining.authorize', [`${BOB}.rig`, 'x']);
    for (let share = 0; share < count; share += 1) {
      const seen = client.jobs.length;
      const { params } = client.solve(`${(mined + share) % 4 === 3 ? BOB : ALICE}.rig`);
      expect((await client.request('mining.submit', params)).result).toBe(true);
      await vi.waitFor(() => expect(client.jobs.length).toBeGreaterThan(seen), { timeout: 10_000, interval: 1 });
    }
    client.close();
  }

  async function matureBlocks(count: number): Promise<readonly ShownBlock[]> {
    return vi.waitFor(
      async () => {
        const { blocks } = await ledger<{ blocks: ShownBlock[] }>('blocks');
        const mature = blocks.filter(({ status }) => status === 'mature');
        expect(mature.length).toBeGreaterThanOrEqual(count);
        return mature;
      },
      { timeout: 40_000, interval: 250 },
    );
  }

  async function expectBooksOf(mature: readonly ShownBlock[]): Promise<void> {
    for (const { reward_sats, fee_sats, credits } of mature) {
      const credited = credits.reduce((sum, { sats }) => sum + BigInt(sats), 0n);
      expect(credited + BigInt(fee_sats)).toBe(BigInt(reward_sats));
      expect(BigInt(fee_sats)).toBe((BigInt(reward_sats) * 2n) / 100n);
    }
    expect(await ledger('check')).toMatchObject({ holds: true });
    expect(await ledger('rebuild', '--check')).toMatchObject({ same: true });
  }

  it('book the first block as soon as it has its confirmations: its slice is sealed by the change of the tip', async () => {
    await mine(CONFIRMATIONS_DEFAULT);
    await vi.waitFor(
      async () => {
        const { blocks } = await ledger<{ blocks: ShownBlock[] }>('blocks');
        const [first] = blocks.toSorted((a, b) => a.height - b.height);
        expect(first).toMatchObject({ status: 'confirmed', confirmations: CONFIRMATIONS_DEFAULT });
        expect(first?.credits.map(({ account }) => account)).toEqual([ALICE]);
      },
      { timeout: 20_000, interval: 100 },
    );
  });

  it('divide each block, and owe it when it is mature', async () => {
    await mine(24, CONFIRMATIONS_DEFAULT);
    const mature = await matureBlocks(10);
    await expectBooksOf(mature);
    const [first, , , fourth] = mature;
    expect(first?.credits.map(({ account }) => account)).toEqual([ALICE]);
    // The window has the four shares so far: the same work each.
    const [alice, bob] = fourth?.credits ?? [];
    expect([alice?.account, bob?.account]).toEqual([ALICE, BOB]);
    expect(BigInt(alice?.work ?? 0)).toBe(3n * BigInt(bob?.work ?? 1));
    const { accounts } = await ledger<Balances>('balances');
    expect(accounts.map(({ account }) => account)).toEqual([ALICE, BOB]);
    expect(accounts.every(({ payable_sats }) => BigInt(payable_sats) > 0n)).toBe(true);
  });

  it('go on after kill -9', async () => {
    const before = await ledger<{ blocks: ShownBlock[] }>('blocks');
    await pool.kill();
    pool = await PoolProcess.start(folder);
    await mine(20);
    const mature = await matureBlocks(25);
    await expectBooksOf(mature);
    const known = new Map(before.blocks.map((block) => [block.hash, block]));
    for (const block of mature) {
      const was = known.get(block.hash);
      if (was !== undefined && was.credits.length > 0) expect(block.credits).toEqual(was.credits);
    }
  });
});
