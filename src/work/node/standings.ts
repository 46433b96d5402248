import type { Standing } from '#base/domain/ports';
import type { RpcAnswer } from './rpc.ts';

/** Bitcoin Core, rpc/protocol.h: what RPC_INVALID_ADDRESS_OR_KEY means for getblockheader is that there is no such block. */
const RPC_NOT_FOUND = -5;
/** Why a block is orphaned that a node has. */
export const OFF_CHAIN = 'known, and not on the best chain';
const CONFIRMATIONS_MAX = 0x7fff_ffff;

/** Where one node says that a block stands. */
export interface NodeStanding {
  /** `unknown` for a node that is silent: it is not ready, is not asked, or does not answer. */
  readonly standing: Standing;
  /** The work of the node's chain when it was last ready, 64 hex digits; empty if it never was. */
  readonly chainwork: string;
  /** Templates come from this node. */
  readonly active: boolean;
}

/** What getblockheader's answer says of a block; `unknown` for an answer that can not be right. */
export function readStanding(answer: RpcAnswer, hash: string): Standing {
  if (!answer.ok) {
    const { kind, code } = answer.failure;
    return { at: kind === 'error' && code === RPC_NOT_FOUND ? 'none' : 'unknown' };
  }
  const fields = typeof answer.result === 'object' && answer.result !== null ? answer.result : {};
  const { hash: answered, confirmations, nTx: transactions } = fields as Readonly<Record<string, unknown>>;
  if (answered !== hash || typeof confirmations !== 'number' || !Number.isInteger(confirmations)) {
    return { at: 'unknown' };
  }
  // Core says -1 of each block that is not in the main chain. Its nTx is 0 while it knows the header only: from a peer, or from
  // a block that it refused. Nodes of other makes may have no nTx.
  if (confirmations === -1) {
    if (transactions === 0) return { at: 'none' };
    return transactions === undefined || isCount(transactions) ? { at: 'side' } : { at: 'unknown' };
  }
  return confirmations >= 1 && confirmations <= CONFIRMATIONS_MAX ? { at: 'chain', confirmations } : { at: 'unknown' };
}

/**
 * Combines the nodes' answers. The node with the most work has the chain; of two with equal work, the serving node. A block that is
 * only in the chain of a node with less work is off the chain. The answer is `unknown` while a silent node had as much work as
 * every node that answers, because its chain may be the best one.
 */
export function mergeStandings(nodes: readonly NodeStanding[]): Standing {
  const heard = nodes
    .filter(({ standing }) => standing.at !== 'unknown')
    .sort((a, b) => compare(b.chainwork, a.chainwork) || Number(b.active) - Number(a.active));
  const [richest] = heard;
  if (richest === undefined) return { at: 'unknown' };
  const isSilent = ({ standing, chainwork }: NodeStanding): boolean =>
    standing.at === 'unknown' && chainwork >= richest.chainwork;
  if (nodes.some(isSilent)) return { at: 'unknown' };
  const having = heard.find(({ standing }) => standing.at !== 'none');
  if (having !== undefined) return having.chainwork < richest.chainwork ? { at: 'side' } : having.standing;
  const refusals = heard.map(({ standing }) => (standing.at === 'none' ? standing.refused : undefined));
  const [refused] = refusals;
  const all = heard.length === nodes.length && refusals.every((refusal) => refusal !== undefined);
  return all && refused !== undefined ? { at: 'none', refused } : { at: 'none' };
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value > 0;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
