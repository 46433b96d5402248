import type { Logger } from '#base/domain/ports';
import type { DeliveryBook } from './delivery-book.ts';

/** Looks for rows that a ClickHouse had confirmed and has lost since, and says so, once for each finding. */
export class Losses {
  readonly #book: DeliveryBook;
  readonly #logger: Logger;
  #said = '';
  #missingRows = 0;

  constructor(book: DeliveryBook, logger: Logger) {
    this.#book = book;
    this.#logger = logger;
  }

  /** As of the last look. */
  get missingRows(): number {
    return this.#missingRows;
  }

  async look(): Promise<void> {
    const broken = [...(await this.#book.brokenParts())];
    const missing = await this.#book.missing();
    this.#missingRows = missing.reduce((sum, { missing: rows }) => sum + rows, 0);
    const found = JSON.stringify([broken, missing]);
    if (found === this.#said) return;
    this.#said = found;
    for (const [table, parts] of broken) {
      this.#logger.error(
        { table, parts },
        'ClickHouse has put damaged parts of a table aside: results are without their rows',
      );
    }
    for (const { table, delivered, missing: rows } of missing) {
      this.#logger.error(
        { table, delivered, missing: rows, heal: 'src/books/analytics/README.md, "Rows that are gone"' },
        'ClickHouse has lost rows that it had confirmed: put back a copy of its data',
      );
    }
  }
}
