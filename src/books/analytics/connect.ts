import type { Logger } from '#base/domain/ports';
import type { LogReaders } from '#shares/sharelog/consumers/log-readers';
import { folderIdOf, hasBoot } from '#shares/sharelog/journal/identity';
import { POOL_JOURNAL } from '#shares/sharelog/journal/journals';
import type { DeliveryBook } from './delivery-book.ts';
import { takeName } from './pool-name.ts';
import { databaseId, migrate, SCHEMA_VERSION, schemaVersion } from './schema/migrate.ts';
import type { Position, ShipState } from './ship-state.ts';
import type { Warehouse } from './warehouse.ts';

const NOTHING: Position = { seq: 0, rowsTotal: 0 };

export interface ConnectModules {
  readonly warehouse: Warehouse;
  readonly state: ShipState;
  readonly readers: LogReaders;
  readonly logger: Logger;
  readonly node?: string | undefined;
}

/**
 * Makes sure of the tables, and of how far this very database has got. `sendSealed` sends the shipment that may have been
 * sent already: the tables of an earlier version know its token, and those that are made anew do not.
 */
export async function connect(
  modules: ConnectModules,
  book: DeliveryBook,
  sendSealed: (how: 'booked' | 'unbooked') => Promise<void>,
): Promise<void> {
  const { warehouse, state, readers, node } = modules;
  const applied = await schemaVersion(warehouse);
  state.connected((await databaseId(warehouse)) ?? warehouse.name, applied > 0);
  await finishSealed(modules, book, applied, sendSealed);
  await migrate(warehouse, applied);
  const own = readers.all().find(({ journal }) => journal === POOL_JOURNAL);
  if (node !== undefined && own !== undefined) await takeName(warehouse, node, folderIdOf(own.logId));
  await takePositions(modules, book);
}

/** The shipment that is under way goes into the tables that know its token, before a migration makes tables anew. */
async function finishSealed(
  modules: ConnectModules,
  book: DeliveryBook,
  applied: number,
  sendSealed: (how: 'booked' | 'unbooked') => Promise<void>,
): Promise<void> {
  const { state } = modules;
  if (applied === 0 || applied >= SCHEMA_VERSION || state.sealed().length === 0) return;
  // The first version kept no book.
  if (applied > 1) await takePositions(modules, book);
  if (state.sealed().length === 0) return;
  try {
    await sendSealed(applied > 1 ? 'booked' : 'unbooked');
  } catch (error) {
    // Rows with a column that these tables lack were never sent to them: a database was set back to an older copy.
    if (!/NO_SUCH_COLUMN/.test(String(error))) throw error;
  }
}

/**
 * Takes the database's word for how far it has got. Where it is further than this data folder knows, the folder is an
 * older copy; where it is less far, the database is. If its book is damaged, the greater of the two holds.
 */
async function takePositions({ readers, state, logger }: ConnectModules, book: DeliveryBook): Promise<void> {
  const journals = readers.all();
  const booked = await book.positions(journals.map(({ logId }) => logId));
  const intact = await book.intact();
  for (const life of new Set([...booked.keys(), ...journals.flatMap(({ lives }) => lives)])) {
    const known = state.position(life);
    const there = booked.get(life) ?? (hasBoot(life) ? NOTHING : known);
    if (there.seq > known.seq) state.place(life, there);
    if (there.seq >= known.seq || !intact) continue;
    state.place(life, there);
    logger.error(
      { life, delivered: known.seq, there: there.seq },
      'ClickHouse is older than what was delivered to it: what the share log still has is sent again',
    );
  }
  for (const reader of journals) {
    const { journal, lives } = reader;
    const oldest = reader.oldestSeq() ?? 1;
    const others = [...booked].filter(
      ([life, { seq }]) => reader.lived(life) && !lives.includes(life) && seq >= oldest,
    );
    if (others.length === 0) continue;
    logger.warn(
      { journal, others: others.map(([life]) => life) },
      'this share log is an older copy of one that has gone on: ids of jobs and sessions may come twice under one name',
    );
  }
  const sealed = state.sealed();
  if (sealed.length > 0 && sealed.every(({ log, last }) => (booked.get(log)?.seq ?? 0) >= last)) state.forget();
}
