import { isOurs, type Key, keyOfEnv, keys } from './keys.ts';
import { nearest } from './near.ts';
import { type ConfigProblem, showName } from './problem.ts';

/** A TOML table, or an object in its place. */
export type Table = { [key: string]: unknown };

/** A key that an environment variable sets. */
interface Override {
  readonly key: Key;
  readonly value: unknown;
}

const decimal = /^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$/;

/**
 * Reads the `SLUICE_…` variables: `__` separates a table from its key, `_` means a dash, and commas separate a list. An empty text
 * is a value: valid for keys that may be empty, invalid for a number.
 */
export function readEnv(env: Readonly<Record<string, string | undefined>>): {
  overrides: Override[];
  problems: ConfigProblem[];
} {
  const overrides: Override[] = [];
  const problems: ConfigProblem[] = [];
  for (const [variable, text] of Object.entries(env)) {
    if (!isOurs(variable) || text === undefined) continue;
    const key = keyOfEnv(variable);
    if (key === undefined) {
      problems.push(unknownVariable(variable));
      continue;
    }
    const value = parse(key, text);
    if (value === undefined) problems.push({ key: variable, value: key.shown(text), bound: key.rule });
    else overrides.push({ key, value });
  }
  return { overrides, problems };
}

function parse({ kind }: Key, text: string): unknown {
  switch (kind) {
    case 'text':
      return text;
    case 'number':
      return decimal.test(text) ? Number(text) : undefined;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : undefined;
    case 'list':
      return text.split(',').map((item) => item.trim());
  }
}

function unknownVariable(variable: string): ConfigProblem {
  const near = nearest(
    variable,
    keys.flatMap(({ env }) => env ?? []),
  );
  const hint = near === undefined ? '`sluice check --help` lists them all' : `did you mean ${near}?`;
  return { key: showName(variable), value: undefined, bound: `is an unknown variable; ${hint}` };
}

/** `file` with the overrides put in; a copy wherever something changes. A table's place that holds no table is left to the schema. */
export function withOverrides(file: Table, overrides: readonly Override[]): Table {
  return overrides.reduce((table, { key, value }) => put(table, key.path, value), file);
}

function put(table: Table, path: readonly string[], value: unknown): Table {
  const [name, ...rest] = path;
  if (name === undefined) return table;
  if (rest.length === 0) return { ...table, [name]: value };
  const inner = Object.hasOwn(table, name) ? table[name] : {};
  return isTable(inner) ? { ...table, [name]: put(inner, rest, value) } : table;
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
