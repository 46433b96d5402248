import { chmodSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { ChdbConnection } from 'chdb/connection';
import { makeFolder } from '#shares/sharelog/journal/make-folder';
import { forgetUnfinished } from './unfinished-inserts.ts';
import { DATABASE_DEFAULT } from './warehouse.ts';

/** In the data folder, which is the working folder. */
export const ENGINE_FOLDER = 'chdb';
/** Where the engine makes the links of FREEZE. */
export const SHADOW_FOLDER = `${ENGINE_FOLDER}/shadow`;
export const FROZEN_NAME = 'backup';
/** What was frozen, as `store/…`: each part in the folder that it has below ENGINE_FOLDER. */
export const FROZEN_FOLDER = `${SHADOW_FOLDER}/${FROZEN_NAME}`;
const CONFIG_FILE = 'chdb.xml';
/** The engine wants an absolute path here, and may be given none that the operator chose: it reads patterns in paths. */
const CONFIG_PATH = `/proc/self/cwd/${CONFIG_FILE}`;

/**
 * The engine's users. The shipper's connections have the role `owner`, which may do everything. A query's connection gives the
 * role up (`RIGHTS_GIVEN_UP`): what is left is SELECT on the pool's database, and no right to files, URLs or other servers.
 */
const CONFIG = `<clickhouse>
  <users_config>${CONFIG_PATH}</users_config>
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

/** Loads the engine on a data folder, once a process, and makes that the working folder; returns what makes connections. */
export async function openEngine(folder: string): Promise<() => ChdbConnection> {
  const { createChdbConnection } = await import('chdb/connection');
  const { Session } = createRequire(import.meta.url)('chdb') as typeof import('chdb');
  process.chdir(folder);
  makeFolder(ENGINE_FOLDER);
  try {
    // For its owner alone, also where an earlier version has made it.
    chmodSync(ENGINE_FOLDER, 0o700);
  } catch {
    // Another user's, or on a file system without modes: who may look into it is decided there.
  }
  forgetUnfinished(ENGINE_FOLDER);
  writeFileSync(CONFIG_FILE, CONFIG, { mode: 0o600 });
  // The first connection is the one that starts the engine, so the config is its argument. It stays open.
  new Session(ENGINE_FOLDER, { connectionArgs: [`--config-file=${CONFIG_PATH}`] });
  return () => createChdbConnection({ path: ENGINE_FOLDER });
}
