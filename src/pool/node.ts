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
  /** What blocks pay: unless it is configured, the embedded node's blocks pay the embedded node's wallet. */
  readonly payoutAddress: string;
}

/** The secret of the embedded node's wallet, in the data folder. */
const SIMULATED_KEY_FILE = 'simulated-wallet.key';

/** The Bitcoin node that a config names; the simulated one where it names none. It is not started yet. */
export function createNode(
  config: Config,
  modules: {
    readonly clock: Clock;
    readonly contain: Containment;
    readonly logger: Logger;
    readonly spare: SpareDescriptors;
  },
): OpenedNode {
  const { node, network, data, payout } = config;
  if (node.kind === 'simulated') {
    const file = join(data, 'simulated-chain.json');
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
    const isDefault = payout.address === SIMULATED_PAYOUT_ADDRESS;
    return { node: simulated, wallet: simulated.wallet, payoutAddress: isDefault ? key.address : payout.address };
  }
  const rpc = node.endpoints.map((endpoint) => ({
    url: rpcHref(endpoint),
    cookie: 'cookie' in endpoint.login ? endpoint.login.cookie : undefined,
  }));
  const bitcoind = connectBitcoind({ rpc, zmq: node.zmq, network, refreshMs: node.refreshMs }, modules);
  return { node: bitcoind, wallet: createWallet(config, modules), payoutAddress: payout.address };
}
