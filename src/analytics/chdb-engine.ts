import { chmodSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import type { ChdbConnection } from 'chdb/connection';
import { makeFolder } from '../sharelog/make-folder.ts';
import { DATABASE_DEFAULT } from './warehouse.ts';

const CONFIG_FILE = 'chdb.xml';

/**
 * The engine's users. The shipper's connections have the role `owner`, which may do everything. A query's connection gives the
 * role up (`RIGHTS_GIVEN_UP`): what is left is SELECT on the pool's database, and no right to files, URLs or other servers.
 */
const configFor = (file: string): string => `<clickhouse>
  <users_config>${escaped(file)}</users_config>
  <profiles><default></default></profiles>
  <quotas><default></default></quotas>
  <roles><owner><grants><query>GRANT ALL ON *.*</query></grants></owner></roles>
  <users>
    <default>
      <password></password>
      <networks><ip>::/0</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants><query>GRANT owner</query><query>GRANT SELECT ON ${DATABASE_DEFAULT}.*</query></grants>
    </default>
  </users>
</clickhouse>
`;

function escaped(text: string): string {
  return text.replace(/[<>&]/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** The statement by which a connection gives up all rights but those of a query. */
export const RIGHTS_GIVEN_UP = 'SET ROLE NONE';

/** Whether this machine has the embedded ClickHouse: an optional package with a library for each platform. */
export function chdbInstalled(): boolean {
  try {
    const { tryResolveLibchdb } = createRequire(import.meta.url)('chdb/libchdb') as typeof import('chdb/libchdb');
    return tryResolveLibchdb() !== undefined;
  } catch {
    return false;
  }
}

/** Loads the engine on a data folder, once a process; returns what makes connections to it. */
export async function openEngine(folder: string): Promise<() => ChdbConnection> {
  const { createChdbConnection } = await import('chdb/connection');
  const { Session } = createRequire(import.meta.url)('chdb') as typeof import('chdb');
  const path = join(folder, 'chdb');
  makeFolder(path);
  try {
    // For its owner alone, also where an earlier version has made it.
    chmodSync(path, 0o700);
  } catch {
    // Another user's, or on a file system without modes: who may look into it is decided there.
  }
  const configFile = resolve(folder, CONFIG_FILE);
  writeFileSync(configFile, configFor(configFile), { mode: 0o600 });
  // The first connection is the one that starts the engine, so the config is its argument. It stays open.
  new Session(path, { connectionArgs: [`--config-file=${configFile}`] });
  return () => createChdbConnection({ path });
}
