import { assembleBlock } from '#base/bitcoin/block';
import { concatBytes } from '#base/bitcoin/bytes';
import { encodeHeader, headerHash } from '#base/bitcoin/header';
import { foldBranch } from '#base/bitcoin/merkle';
import { sha256d } from '#base/bitcoin/sha256d';
import { meetsTarget } from '#base/bitcoin/target';
import { EXTRANONCE1_BYTES, EXTRANONCE2_BYTES, type Job, VARIANT_BYTES } from '#base/domain/job';
import type { Clock, SpareDescriptors } from '#base/domain/ports';
import type { BlockTemplate } from '#base/domain/template';

export const systemClock: Clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };

export const noSpare: SpareDescriptors = { release: () => false };

/** Takes templates as a pool does, and lets a test wait for the one that it expects. */
export class TemplateInbox {
  readonly all: BlockTemplate[] = [];
  readonly #waiting = new Set<() => void>();

  readonly take = (template: BlockTemplate): void => {
    this.all.push(template);
    for (const look of this.#waiting) look();
  };

  get latest(): BlockTemplate {
    const latest = this.all.at(-1);
    if (!latest) throw new Error('no template yet');
    return latest;
  }

  /** The first template, from the `from`th on, that is as wanted; waits for it. */
  wait(wanted: (template: BlockTemplate) => boolean, from = 0): Promise<BlockTemplate> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = this.all.slice(from).find(wanted);
        if (!found) return;
        this.#waiting.delete(look);
        resolve(found);
      };
      this.#waiting.add(look);
      look();
    });
  }
}

export interface MinedHeader {
  readonly header: Uint8Array;
  /** Without witness. */
  readonly coinbase: Uint8Array;
}

/** Fills the job's extranonces and tries nonces until the header meets (or, if so wanted, misses) the network's target. */
export function mineHeader(job: Job, { time = job.curTime, meets = true, fill = 0 } = {}): MinedHeader {
  const extranonces = new Uint8Array(VARIANT_BYTES + EXTRANONCE1_BYTES + EXTRANONCE2_BYTES).fill(fill);
  const coinbase = concatBytes([job.coinb1, extranonces, job.coinb2]);
  const merkleRoot = foldBranch(sha256d(coinbase), job.merkleBranch);
  const { version, previousHash, bits } = job;
  for (let nonce = 0; ; nonce += 1) {
    const header = encodeHeader({ version, previousHash, merkleRoot, time, bits, nonce });
    if (meetsTarget(headerHash(header), job.networkTarget) === meets) return { header, coinbase };
  }
}

/** A block as the pool would submit it. */
export function mineBlock(job: Job, options: { time?: number; meets?: boolean; fill?: number } = {}): Uint8Array {
  return assembleBlock({
    ...mineHeader(job, options),
    transactions: job.template.transactions.map((transaction) => transaction.data),
    witness: job.template.witnessCommitment !== undefined,
  });
}

/** A template with the fields that bitcoind gives, in its spelling. */
export const templateAnswer = {
  capabilities: ['proposal'],
  version: 536870912,
  rules: ['csv', '!segwit', 'taproot'],
  previousblockhash: '0a'.repeat(32),
  transactions: [
    { data: '0200ff', txid: '01'.repeat(32), hash: '02'.repeat(32), depends: [], fee: 10, sigops: 1, weight: 400 },
  ],
  coinbaseaux: {},
  coinbasevalue: 5000000010,
  target: `7fffff${'00'.repeat(29)}`,
  mintime: 1296688603,
  mutable: ['time'],
  noncerange: '00000000ffffffff',
  curtime: 1700000000,
  bits: '207fffff',
  height: 1,
  default_witness_commitment: `6a24aa21a9ed${'03'.repeat(32)}`,
};
