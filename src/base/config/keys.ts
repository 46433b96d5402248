import { z } from 'zod';
import { type Leaf, leafOf } from './leaf.ts';
import { schema } from './schema.ts';

const ENV_PREFIX = 'SLUICE_';

/** One key that a config may have. */
export interface Key extends Leaf {
  /** As in TOML, from the outermost table inwards. */
  readonly path: readonly string[];
  /** Dotted, as messages name it. */
  readonly name: string;
  /** The environment variable that overrides it; undefined for keys under names that the operator chooses. */
  readonly env: string | undefined;
}

/** Stands in a key's path for any name that the operator chooses. */
const ANY = '*';

/** A table of the config: its own keys and the tables in it, by name. */
type Shape = Readonly<Record<string, z.core.$ZodType>>;

function unwrap(type: z.core.$ZodType): z.core.$ZodType {
  return type instanceof z.ZodOptional ? unwrap(type.unwrap()) : type;
}

function walk(shape: Shape, above: readonly string[]): { keys: Key[]; tables: [string, readonly string[]][] } {
  const found: ReturnType<typeof walk> = { keys: [], tables: [[above.join('.'), Object.keys(shape)]] };
  for (const [name, wrapped] of Object.entries(shape)) {
    const type = unwrap(wrapped);
    const path = [...above, name];
    const table = type instanceof z.ZodRecord ? type.valueType : type;
    if (table instanceof z.ZodObject) {
      const inner = walk(table.shape, type instanceof z.ZodRecord ? [...path, ANY] : path);
      found.keys.push(...inner.keys);
      found.tables.push(...inner.tables);
    } else {
      const leaf = leafOf(type);
      if (leaf === undefined) throw new Error(`the schema says nothing of ${path.join('.')}`);
      found.keys.push({ ...leaf, path, name: path.join('.'), env: envName(path) });
    }
  }
  return found;
}

function envName(path: readonly string[]): string | undefined {
  if (path.includes(ANY)) return undefined;
  return ENV_PREFIX + path.map((part) => part.replaceAll('-', '_').toUpperCase()).join('__');
}

const all = walk(schema.shape, []);

/** Every key, in the order of the schema. */
export const keys: readonly Key[] = all.keys;
const byName: ReadonlyMap<string, Key> = new Map(keys.map((key) => [key.name, key]));
const byEnv: ReadonlyMap<string, Key> = new Map(keys.flatMap((key) => (key.env === undefined ? [] : [[key.env, key]])));
/** What each table may hold, by the table's dotted name; the outermost is ''. */
export const tables: ReadonlyMap<string, readonly string[]> = new Map(all.tables);

/** A path as keys and tables have it: dotted, and without the names that the operator chooses. */
export function plainName(path: readonly PropertyKey[]): string {
  let name = '';
  for (const part of path) {
    const inner = name === '' ? String(part) : `${name}.${String(part)}`;
    name = tables.has(`${name}.${ANY}`) ? `${name}.${ANY}` : inner;
  }
  return name;
}

/** The key at a path, or the one that the path leads into (an item of a list). */
export function keyAt(path: readonly PropertyKey[]): Key | undefined {
  for (let length = path.length; length > 0; length--) {
    const key = byName.get(plainName(path.slice(0, length)));
    if (key !== undefined) return key;
  }
  return undefined;
}

export function keyOfEnv(name: string): Key | undefined {
  return byEnv.get(name);
}

/** True for a variable that claims to be meant for the config. */
export function isOurs(variable: string): boolean {
  return variable.startsWith(ENV_PREFIX);
}
