import type { Config } from '#base/config/config';
import { rpcHref } from '#base/config/href';
import type { SpareDescriptors } from '#base/domain/ports';
import { createRpcClient } from '#work/node/rpc';
import { BitcoindWallet } from '#work/node/wallet';

/** A URL that names a wallet itself (Bitcoin Core, doc/JSON-RPC-interface.md). */
const WALLET_PATH = /\/wallet\/[^/]+\/?$/;

/**
 * The wallet that a config names: `payout.wallet` on the first node, or else the first URL of `node.rpc` with `/wallet/NAME` in
 * it, or else the only wallet of the first node. Undefined for the simulated node, whose wallet is its own.
 */
export function createWallet(
  { node, payout }: Config,
  modules: { readonly spare: SpareDescriptors },
): BitcoindWallet | undefined {
  if (node.kind === 'simulated') return undefined;
  const named = payout.wallet === undefined ? node.endpoints.find(({ url }) => WALLET_PATH.test(url)) : undefined;
  const endpoint = named ?? node.endpoints[0];
  if (endpoint === undefined) return undefined;
  const url = new URL(rpcHref(endpoint));
  if (payout.wallet !== undefined) {
    url.pathname = `${url.pathname.replace(WALLET_PATH, '').replace(/\/$/, '')}/wallet/${encodeURIComponent(payout.wallet)}`;
  }
  const cookie = 'cookie' in endpoint.login ? endpoint.login.cookie : undefined;
  return new BitcoindWallet(createRpcClient({ url: url.href, cookie }, modules));
}
