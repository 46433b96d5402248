import type { Wallet } from '#base/domain/wallet';

/** What the ledger's process may call of the pool's wallet. */
export const WALLET_METHODS = [
  'status',
  'synced',
  'coins',
  'feeRate',
  'fund',
  'lock',
  'sign',
  'test',
  'send',
  'place',
  'outgoing',
  'transaction',
  'newAddress',
] as const satisfies readonly (keyof Wallet)[];

/**
 * The pool's wallet as seen from the ledger's process. `port` resolves with undefined if no answer came: then nothing is known of
 * what was done.
 */
export function remoteWallet(port: Wallet): Wallet {
  const asking =
    (method: keyof Wallet) =>
    async (...args: unknown[]): Promise<unknown> =>
      (await Reflect.apply(port[method], port, args)) ?? {
        ...{ ok: false, fault: 'unclear', reason: `${method}: the pool did not answer in time` },
      };
  return Object.fromEntries(WALLET_METHODS.map((method) => [method, asking(method)])) as unknown as Wallet;
}
