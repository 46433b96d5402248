import type { Warehouse } from '../warehouse.ts';
import { migrations } from './migrations.ts';

/** A step may copy tables of any size. */
const STEP_MS_MAX = 12 * 3_600_000;
/** What ClickHouse says of a table in a database that gives its tables no ids (engine Ordinary). */
const NO_ID = '00000000-0000-0000-0000-000000000000';

/** The version of the tables that this Sluice works with. */
export const SCHEMA_VERSION = migrations.at(-1)?.version ?? 0;

/** The schema's version; 0 for a database without tables. Makes the database, and the table that says so. */
export async function schemaVersion(warehouse: Warehouse): Promise<number> {
  const { database } = warehouse;
  await warehouse.command(`CREATE DATABASE IF NOT EXISTS ${database}`);
  await warehouse.command(
    `CREATE TABLE IF NOT EXISTS ${database}.schema_migrations (version UInt32, applied DateTime('UTC') DEFAULT now())
     ENGINE = ReplacingMergeTree ORDER BY version`,
  );
  const [row] = await warehouse.rows(`SELECT max(version) FROM ${database}.schema_migrations`);
  return Number(row?.[0] ?? 0);
}

/** Brings the schema from a version to this one's, step by step; rejects if it is a later version's. */
export async function migrate(warehouse: Warehouse, applied: number): Promise<void> {
  const { database } = warehouse;
  if (applied > SCHEMA_VERSION) throw new Error(`the tables are of a later version of Sluice (schema ${applied})`);
  if (applied === SCHEMA_VERSION) return;
  const [row] = await warehouse.rows('SELECT timezone()');
  const timeZone = row?.[0] ?? 'UTC';
  for (const { version, statements } of migrations) {
    if (version <= applied) continue;
    for (const statement of statements({ database, timeZone, empty: applied === 0 })) {
      await warehouse.command(statement, STEP_MS_MAX);
    }
    await warehouse.command(`INSERT INTO ${database}.schema_migrations (version) VALUES (${version})`);
  }
}

/**
 * The database's own identity, under whatever name it is reached: ClickHouse gives each table a random id. That of
 * `schema_migrations` stays when other tables are made anew. Undefined if the database's engine gives none.
 */
export async function databaseId(warehouse: Warehouse): Promise<string | undefined> {
  const [row] = await warehouse.rows(
    `SELECT toString(uuid) FROM system.tables WHERE database = '${warehouse.database}' AND name = 'schema_migrations'`,
  );
  return row?.[0] === NO_ID ? undefined : row?.[0];
}
