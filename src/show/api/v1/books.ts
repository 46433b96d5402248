import type { Clock } from '#base/domain/ports';
import { limits } from '#base/limits';
import { type LedgerDatabase, LedgerError } from '#books/ledger/ledger-db';
import { LedgerReader } from '#books/ledger/read/ledger-reader';
import { Unavailable } from '../sources.ts';
import { SharedAnswers } from './shared-answers.ts';

const FRESH_MS = 1000;

/** Asks the books. Every question goes by an index and has a bounded number of rows; who asks the same within a second gets one answer. */
export class Books {
  readonly #reader: LedgerReader;
  readonly #answers: SharedAnswers<unknown>;

  constructor({ folder }: { readonly folder: string }, { clock }: { readonly clock: Clock }) {
    this.#reader = new LedgerReader(folder);
    this.#answers = new SharedAnswers({ answersMax: limits.booksAnswersMax }, { clock });
  }

  /** `key` names the question. Rejects with Unavailable if there are no books to read. */
  ask<Answer>(key: readonly unknown[], question: (database: LedgerDatabase) => Answer): Promise<Answer> {
    const read = async (): Promise<Answer> => {
      try {
        return this.#reader.read(question);
      } catch (error) {
        throw error instanceof LedgerError ? new Unavailable(`ledger: ${error.message}`) : error;
      }
    };
    return this.#answers.get(JSON.stringify(key), FRESH_MS, read) as Promise<Answer>;
  }

  close(): void {
    this.#reader.close();
  }
}
