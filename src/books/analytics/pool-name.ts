import { quoted, type Warehouse } from './warehouse.ts';

/** Another data folder ships its rows into this database under the same name. */
export class NameTaken extends Error {
  override readonly name = 'NameTaken';
}

/**
 * Takes a name (the `node` column) for a data folder. Jobs and sessions are numbered in a data folder, and told apart by
 * `node` in a database, so a name is one data folder's. Throws NameTaken if another one has it.
 */
export async function takeName(warehouse: Warehouse, node: string, folderId: string): Promise<void> {
  const pools = `${warehouse.database}.pools`;
  const holder = async (): Promise<string | undefined> => {
    const [row] = await warehouse.rows(
      `SELECT folder FROM ${pools} WHERE node = ${quoted(node)} ORDER BY since, folder LIMIT 1`,
    );
    return row?.[0];
  };
  if ((await holder()) === undefined) {
    await warehouse.command(`INSERT INTO ${pools} (node, folder) VALUES (${quoted(node)}, ${quoted(folderId)})`);
  }
  // Once more: two may have come at once.
  const now = await holder();
  if (now === undefined || now === folderId) return;
  throw new NameTaken(
    `another data folder already ships to this ClickHouse under the name ${node}: set "name" in the config to one of this pool's own`,
  );
}
