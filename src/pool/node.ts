import { join } from 'node:path';
import type { Config } from '#base/config/config';
import { SIMULATED_PAYOUT_ADDRESS } from '#base/config/defaults';
import { rpcHref } from '#base/config/href';
import type { Containment } from '#base/domain/contain';
import type { BitcoinNode, Clock, Logger, SpareDescriptors } from '#base/domain/ports';
import type { Wallet } from '#base/domain/wallet';
import { connectBitcoind } from '#work/node/bitcoind';
import { simulatedNode } from '#work/node/simulated';
import { loadKey } from '#work/node/simulated-key';
import { createWallet } from './wallet.ts';

/** A node, and what payouts need of it. */
export interface OpenedNode {
  readonly node: BitcoinNode;
  readonly wallet: Wallet | undefined;
}

/** The secret of the embedded node's wallet, in the data folder. */
const SIMULATED_KEY_FILE = 'simulated-wallet.key';
const SIMULATED_CHAIN_FILE = 'simulated-chain.json';
/** What the embedded node keeps in the data folder: copied together, they are a node and its wallet. */
export const SIMULATED_FILES: readonly string[] = [SIMULATED_CHAIN_FILE, SIMULATED_KEY_FILE];

/**
 * The config of a pool on the embedded node, whose blocks pay that node's wallet unless `payout.address` names another address;
 * any other config as it is. Makes the wallet's key in the data folder if there is none.
 */
export function withOwnWallet(config: Config): Config {
  const { node, data, payout } = config;
  if (node.kind !== 'simulated' || payout.address !== SIMULATED_PAYOUT_ADDRESS) return config;
  return { ...config, payout: { ...payout, address: loadKey(join(data, SIMULATED_KEY_FILE)).address } };
}

/** The Bitcoin node of the config, or the simulated node if the config names none. It is not started yet. */
export function createNode(
  config: Config,
  modules: {
    readonly clock: Clock;
    readonly contain: Containment;
    readonly logger: Logger;
    readonly spare: SpareDescriptors;
  },
): OpenedNode {
  const { node, network, data } = config;
  if (node.kind === 'simulated') {
    const file = join(data, SIMULATED_CHAIN_FILE);
    const { blockDifficulty, transactions, refreshMs } = node;
    const key = loadKey(join(data, SIMULATED_KEY_FILE));
    const simulated = simulatedNode(
      {
        network,
        blockDifficulty,
        transactionsPerBlock: transactions,
        transactionsMax: transactions,
        refreshMs,
        ...{ file, key },
      },
      { ...modules, random: Math.random },
    );
    return { node: simulated, wallet: simulated.wallet };
  }
  const rpc = node.endpoints.map((endpoint) => ({
    url: rpcHref(endpoint),
    cookie: 'cookie' in endpoint.login ? endpoint.login.cookie : undefined,
  }));
  const bitcoind = connectBitcoind({ rpc, zmq: node.zmq, network, refreshMs: node.refreshMs }, modules);
  return { node: bitcoind, wallet: createWallet(config, modules) };
}
