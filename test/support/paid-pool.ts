import { PoolFolder, PoolProcess } from './pool-process.ts';
import { StratumClient } from './stratum-client.ts';

/** Of a share and of a block. */
export const DIFFICULTY = 1e-9;

/** A pool whose shares are blocks, and that pays within seconds. */
export function paidPoolFolder(): PoolFolder {
  return new PoolFolder(
    [
      '[node]\nsimulated-block-difficulty = 1e-9\nrefresh-seconds = 0.5\nsimulated-transactions = 5',
      `[stratum.difficulty]\nstart = ${DIFFICULTY}\nvardiff = false`,
      '[payout]\ninterval = "1s"\nminimum-sats = 1000',
      '[http]\nadmin-token = "0123456789abcdef"',
    ].join('\n'),
  );
}

export interface PaidPool {
  readonly pool: PoolProcess;
  /** Shares that were accepted; one more was refused. */
  readonly accepted: number;
  /** Still connected. */
  readonly client: StratumClient;
}

/** Starts a pool and mines until a payout is settled. */
export async function startPaidPool(folder: PoolFolder, user: string): Promise<PaidPool> {
  const pool = await PoolProcess.start(folder);
  const { host, port } = pool.endpoints.tcp;
  const client = await StratumClient.tcp(host, port);
  await client.login(user, { agent: 'test/1.0' });
  let accepted = 0;
  const submit = async (solution = client.solve(user)): Promise<void> => {
    if ((await client.submit(solution)).result === true) accepted += 1;
  };
  const settled = async (): Promise<boolean> => {
    const { payouts } = await pool.json<{ payouts?: readonly { state: string }[] }>('/api/v1/payouts');
    return payouts?.some(({ state }) => state === 'settled') === true;
  };
  const deadlineMs = Date.now() + 100_000;
  while (!(await settled())) {
    if (Date.now() > deadlineMs) throw new Error('nothing was paid');
    for (let share = 0; share < 3; share += 1) await submit();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const again = client.solve(user);
  await submit(again);
  await submit(again);
  return { pool, accepted, client };
}
