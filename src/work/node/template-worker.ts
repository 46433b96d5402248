import { move, transferableSymbol, valueSymbol } from 'piscina';
import type { Network } from '#base/bitcoin/address';
import type { TemplateTransaction } from '#base/domain/template';
import { type PackedTemplate, packTemplate } from './packed-template.ts';
import { type DecodedTemplate, decodeTemplateBody, type TransactionsByHash } from './template-decoder.ts';

export interface TemplateTask {
  /** The body of a node's answer. */
  readonly body: Uint8Array;
  readonly network: Network;
  /** Which node it is from. */
  readonly reader: number;
  /** Of the last template that the other thread has of this node; 0 for none. */
  readonly known: number;
}

export type TemplateReply =
  | { readonly ok: true; readonly generation: number; readonly packed: PackedTemplate }
  | Extract<DecodedTemplate, { ok: false }>;

interface Remembered {
  readonly generation: number;
  readonly transactions: TransactionsByHash;
  readonly places: ReadonlyMap<TemplateTransaction, number>;
}

/** The last template of each node. */
const remembered = new Map<number, Remembered>();
let generations = 0;

/** Reads an answer to getblocktemplate: parsing and decoding a full one takes longer than any turn of the event loop may. */
export default function readTemplate({ body, network, reader, known }: TemplateTask): TemplateReply {
  const last = remembered.get(reader);
  const before = last?.generation === known ? last : undefined;
  const decoded = decodeTemplateBody(body, network, before?.transactions);
  if (!decoded.ok) return decoded;
  generations += 1;
  const places = new Map(decoded.template.transactions.map((transaction, index) => [transaction, index]));
  remembered.set(reader, { generation: generations, transactions: decoded.transactions, places });
  const packed = packTemplate(decoded.template, before?.places ?? new Map());
  return move(new Handover({ ok: true, generation: generations, packed })) as unknown as TemplateReply;
}

/** A reply whose memory changes hands; piscina knows such a thing by two symbols. */
class Handover {
  readonly #reply: Extract<TemplateReply, { ok: true }>;

  constructor(reply: Extract<TemplateReply, { ok: true }>) {
    this.#reply = reply;
  }

  get [transferableSymbol](): object {
    const { data, ends, txids, places } = this.#reply.packed;
    return [data.buffer, ends.buffer, txids.buffer, places.buffer];
  }

  get [valueSymbol](): object {
    return this.#reply;
  }
}
