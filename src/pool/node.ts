import { join } from 'node:path';
import type { Config } from '#base/config/config';
import { rpcHref } from '#base/config/href';
import type { Containment } from '#base/domain/contain';
import type { BitcoinNode, Clock, Logger, SpareDescriptors } from '#base/domain/ports';
import { connectBitcoind } from '#work/node/bitcoind';
import { simulatedNode } from '#work/node/simulated';

/** The Bitcoin node that a config names; the simulated one where it names none. It is not started yet. */
export function createNode(
  { node, network, data }: Config,
  modules: {
    readonly clock: Clock;
    readonly contain: Containment;
    readonly logger: Logger;
    readonly spare: SpareDescriptors;
  },
): BitcoinNode {
  if (node.kind === 'simulated') {
    const file = join(data, 'simulated-chain.json');
    const { blockDifficulty, transactions, refreshMs } = node;
    return simulatedNode(
      {
        network,
        blockDifficulty,
        transactionsPerBlock: transactions,
        transactionsMax: transactions,
        refreshMs,
        file,
      },
      { ...modules, random: Math.random },
    );
  }
  const rpc = node.endpoints.map((endpoint) => ({
    url: rpcHref(endpoint),
    cookie: 'cookie' in endpoint.login ? endpoint.login.cookie : undefined,
  }));
  return connectBitcoind({ rpc, zmq: node.zmq, network, refreshMs: node.refreshMs }, modules);
}
