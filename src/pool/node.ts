import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { rpcHref } from '../config/href.ts';
import type { BitcoinNode, Clock, Logger } from '../domain/ports.ts';
import { connectBitcoind } from '../node/bitcoind.ts';
import { simulatedNode } from '../node/simulated.ts';

/** The Bitcoin node that a config names; the simulated one where it names none. It is not started yet. */
export function createNode(
  { node, network, data }: Config,
  { clock, logger }: { clock: Clock; logger: Logger },
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
      { clock, logger, random: Math.random },
    );
  }
  const rpc = node.endpoints.map((endpoint) => ({
    url: rpcHref(endpoint),
    cookie: 'cookie' in endpoint.login ? endpoint.login.cookie : undefined,
  }));
  return connectBitcoind({ rpc, zmq: node.zmq, network, refreshMs: node.refreshMs }, { clock, logger });
}
