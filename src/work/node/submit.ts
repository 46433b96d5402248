import type { SubmitOutcome } from '#base/domain/ports';
import type { RpcAnswer } from './rpc.ts';

/** Bitcoin Core, rpc/protocol.h: the block could not be decoded. */
const RPC_DESERIALIZATION_ERROR = -22;

/** BIP22: the node does not have the block's parent yet. The answer says nothing of the block itself. */
export const PARENT_UNKNOWN = 'prev-blk-not-found';

/** BIP22: the node has the block already, from a first try whose answer was lost or for so long that it may be off the chain. */
export const DUPLICATE = 'duplicate';

/**
 * What submitblock's answer means (BIP22, and Bitcoin Core's rpc/mining.cpp); undefined if the node did not judge the
 * block and should be asked again.
 */
export function readSubmitAnswer(answer: RpcAnswer): SubmitOutcome | undefined {
  if (!answer.ok) {
    if (answer.failure.kind === 'error' && answer.failure.code === RPC_DESERIALIZATION_ERROR) {
      return { status: 'rejected', reason: answer.failure.message };
    }
    return undefined;
  }
  const { result } = answer;
  if (result === PARENT_UNKNOWN) return undefined;
  if (result === null) return { status: 'accepted' };
  // Of a block that is said to be there already only the chain can say more.
  if (result === DUPLICATE) return undefined;
  if (result === 'inconclusive' || result === 'duplicate-inconclusive') return { status: 'orphaned', reason: result };
  if (typeof result === 'string' && result !== '') return { status: 'rejected', reason: result.slice(0, 200) };
  return undefined;
}

const ranks = { accepted: 3, orphaned: 2, unknown: 1, rejected: 0 } as const satisfies Record<
  SubmitOutcome['status'],
  number
>;

/**
 * The outcome that counts if nodes judge differently. A block that any node accepted is in the network. A block that a node has not
 * judged may still be accepted, whatever other nodes say.
 */
export function betterOutcome(a: SubmitOutcome, b: SubmitOutcome): SubmitOutcome {
  return ranks[b.status] > ranks[a.status] ? b : a;
}

/**
 * Waits for the outcomes of all nodes, but no longer than until one node accepts. The outcome is `unknown` if there are no nodes, or
 * if no node has judged the block.
 */
export function bestOutcome(outcomes: readonly Promise<SubmitOutcome>[]): Promise<SubmitOutcome> {
  return new Promise((resolve) => {
    let best: SubmitOutcome | undefined;
    let open = outcomes.length;
    if (open === 0) resolve({ status: 'unknown', reason: 'no node can be asked' });
    for (const outcome of outcomes) {
      void outcome.then((one) => {
        best = best === undefined ? one : betterOutcome(best, one);
        open -= 1;
        if (best.status === 'accepted' || open === 0) resolve(best);
      });
    }
  });
}
