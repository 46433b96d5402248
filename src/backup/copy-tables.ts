import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ENGINE_FOLDER, FROZEN_FOLDER } from '#books/analytics/chdb-engine';
import type { Draft } from './draft.ts';
import { DATA_FOLDER } from './manifest.ts';

/** In the folder of a table: what its parts' format is. */
const FORMAT_FILE = 'format_version.txt';

/** A file of the embedded ClickHouse, and where it belongs in the data folder. */
export interface TableFile {
  readonly from: string;
  readonly path: string;
  readonly bytes: number;
}

/**
 * The files that the tables are made of which are frozen now: their definitions, and the parts that the engine has made links of.
 * An engine that finds these in its folder takes them for its own.
 */
export function tableFiles(folder: string): TableFile[] {
  const engine = join(folder, ENGINE_FOLDER);
  const file = (from: string, path: string): TableFile => ({
    from: join(from, path),
    path: `${ENGINE_FOLDER}/${path}`,
    bytes: statSync(join(from, path)).size,
  });
  const definitions = namesIn(join(engine, 'metadata'))
    .filter((name) => name.endsWith('.sql'))
    .map((name) => file(engine, `metadata/${name}`));
  const tables = namesIn(join(engine, 'store')).flatMap((prefix) =>
    namesIn(join(engine, 'store', prefix)).flatMap((id) =>
      namesIn(join(engine, 'store', prefix, id))
        .filter((name) => name.endsWith('.sql') || name === FORMAT_FILE)
        .map((name) => file(engine, `store/${prefix}/${id}/${name}`)),
    ),
  );
  const frozen = join(folder, FROZEN_FOLDER);
  const parts = existsSync(frozen)
    ? readdirSync(frozen, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => file(frozen, join(entry.parentPath, entry.name).slice(frozen.length + 1)))
    : [];
  return [...definitions, ...tables, ...parts];
}

export async function copyTables(files: readonly TableFile[], draft: Draft): Promise<void> {
  for (const { from, path } of files) await draft.copy(from, join(DATA_FOLDER, path));
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
