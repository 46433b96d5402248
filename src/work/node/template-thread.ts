import { Piscina } from 'piscina';
import type { Network } from '#base/bitcoin/address';
import { builtFile } from '#base/built';
import type { TemplateTransaction } from '#base/domain/template';
import { unpackTemplate } from './packed-template.ts';
import type { DecodedTemplate, TemplateAnswer } from './template-decoder.ts';
import type { TemplateReply, TemplateTask } from './template-worker.ts';

export type ReadTemplate =
  | { readonly ok: true; readonly template: TemplateAnswer }
  | Extract<DecodedTemplate, { ok: false }>;

/** Reads one node's answers to getblocktemplate. */
export interface TemplateReader {
  /** `body` is lent for good. Never rejects. */
  read(body: Uint8Array): Promise<ReadTemplate>;
}

/**
 * A thread that reads templates: 4,000 transactions are 5 MB of JSON, which stop an event loop for 30 to 100 ms. What comes back are
 * the transactions that are new since the node's last template, in a few pieces of memory that change hands without a copy.
 */
export class TemplateThread {
  readonly #pool = new Piscina<TemplateTask, TemplateReply>({
    filename: builtFile('work/node/template-worker.ts'),
    minThreads: 1,
    maxThreads: 1,
    idleTimeout: Number.POSITIVE_INFINITY,
  });
  #readers = 0;
  #closed = false;

  /** One for each node, because it keeps the transactions of the node's last template. */
  reader(network: Network): TemplateReader {
    this.#readers += 1;
    const reader = this.#readers;
    let known = 0;
    let transactions: readonly TemplateTransaction[] = [];
    const read = async (body: Uint8Array): Promise<ReadTemplate> => {
      if (this.#closed) return { ok: false, reason: 'closed', fatal: false };
      try {
        const before = transactions;
        const reply = await this.#pool.run({ body, network, reader, known }, { transferList: ownedBy(body) });
        if (!reply.ok) return reply;
        const template = unpackTemplate(reply.packed, before);
        known = reply.generation;
        transactions = template.transactions;
        return { ok: true, template };
      } catch (error) {
        return { ok: false, reason: `getblocktemplate: ${String(error)}`, fatal: false };
      }
    };
    return { read };
  }

  close(): Promise<void> {
    this.#closed = true;
    return this.#pool.destroy();
  }
}

/** The memory of bytes that have it to themselves; small ones share a pool with others, and are copied. */
function ownedBy(body: Uint8Array): ArrayBuffer[] {
  const { buffer, byteLength } = body;
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [];
}
