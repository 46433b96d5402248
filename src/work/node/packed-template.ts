import type { TemplateTransaction } from '#base/domain/template';
import type { TemplateAnswer } from './template-decoder.ts';

/** Place of a transaction that the template before did not have. */
const NEW = -1;
const TXID_BYTES = 32;

/** A template on its way from one thread to another, in few large pieces. */
export interface PackedTemplate {
  readonly fields: Omit<TemplateAnswer, 'transactions'>;
  /** For each transaction its place in the template before, or -1 for the next of the new ones. */
  readonly places: Int32Array;
  /** The new transactions' serialisations, one behind the other. */
  readonly data: Uint8Array;
  /** Where each of them ends. */
  readonly ends: Uint32Array;
  /** Their txids, 32 bytes each, internal order. */
  readonly txids: Uint8Array;
}

/** `before`: the places of the transactions of the template before, which the other thread has. */
export function packTemplate(
  { transactions, ...fields }: TemplateAnswer,
  before: ReadonlyMap<TemplateTransaction, number>,
): PackedTemplate {
  const places = Int32Array.from(transactions, (transaction) => before.get(transaction) ?? NEW);
  const news = transactions.filter((_, index) => places[index] === NEW);
  const data = new Uint8Array(news.reduce((sum, transaction) => sum + transaction.data.length, 0));
  const ends = new Uint32Array(news.length);
  const txids = new Uint8Array(news.length * TXID_BYTES);
  let end = 0;
  for (const [index, transaction] of news.entries()) {
    data.set(transaction.data, end);
    end += transaction.data.length;
    ends[index] = end;
    txids.set(transaction.txid, index * TXID_BYTES);
  }
  return { fields, places, data, ends, txids };
}

/** The inverse: `before` are the transactions of the template before. New ones share the memory of the packed template. */
export function unpackTemplate(packed: PackedTemplate, before: readonly TemplateTransaction[]): TemplateAnswer {
  const { fields, places, data, ends, txids } = packed;
  const transactions: TemplateTransaction[] = [];
  let news = 0;
  let begin = 0;
  for (const place of places) {
    if (place !== NEW) {
      const transaction = before[place];
      if (transaction === undefined) throw new Error(`template: no transaction ${place} in the one before`);
      transactions.push(transaction);
      continue;
    }
    const end = ends[news] ?? 0;
    const txid = txids.subarray(news * TXID_BYTES, (news + 1) * TXID_BYTES);
    transactions.push({ data: data.subarray(begin, end), txid });
    begin = end;
    news += 1;
  }
  return { ...fields, transactions };
}
