import { readFileSync } from 'node:fs';
import { parse as parseToml, TomlError } from 'smol-toml';
import type { z } from 'zod';
import { limits } from '#base/limits';
import type { Config } from './config.ts';
import { readEnv, type Table, withOverrides } from './env.ts';
import { keyAt, plainName, tables } from './keys.ts';
import { nameRule } from './leaf.ts';
import { nearest } from './near.ts';
import { ConfigError, type ConfigProblem, showName, showValue } from './problem.ts';
import { resolve } from './resolve.ts';
import { schema } from './schema.ts';

export interface ConfigSource {
  /** A TOML file; without one the config is made of the environment and the defaults. */
  readonly file?: string | undefined;
  /** Usually `process.env`; only its `SLUICE_…` variables are looked at. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Loads the config from a file and the environment, which overrides the file. The result is deeply frozen. Throws only ConfigError,
 * with all problems.
 */
export function loadConfig({ file, env }: ConfigSource): Config {
  const { overrides, problems } = readEnv(env);
  const table = withOverrides(file === undefined ? {} : readTable(file), overrides);
  const checked = schema.safeParse(table, { reportInput: true });
  if (!checked.success) problems.push(...checked.error.issues.flatMap(problemsOf));
  if (!checked.success || problems.length > 0) throw new ConfigError(problems);
  const resolved = resolve(checked.data);
  if (resolved.config === undefined) throw new ConfigError(resolved.problems);
  return freeze(resolved.config);
}

function readTable(file: string): Table {
  const fail = (bound: string): never => {
    throw new ConfigError([{ key: showName(file), value: undefined, bound }]);
  };
  let bytes: Uint8Array = new Uint8Array();
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const reasons: Record<string, string> = {
      ENOENT: 'there is no such file',
      EISDIR: 'is a directory',
      EACCES: 'may not be read',
    };
    fail(reasons[code] ?? `can not be read (${code})`);
  }
  if (bytes.length > limits.configBytesMax) fail(`is larger than ${limits.configBytesMax} bytes`);
  try {
    return parseToml(new TextDecoder('utf-8', { fatal: true }).decode(bytes), { maxDepth: 16 });
  } catch (error) {
    return fail(tomlFault(error));
  }
}

/** Describes an error of a TOML text and its place, without quoting the line, which may hold a password. */
function tomlFault(error: unknown): string {
  if (!(error instanceof TomlError)) return 'is not UTF-8 text';
  const reason = error.message.split('\n', 1)[0]?.replace(/^Invalid TOML document: /, '') ?? '';
  return `is not valid TOML: line ${error.line}, column ${error.column}: ${reason}`;
}

function problemsOf(issue: z.core.$ZodIssue): ConfigProblem[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(issue.path, key));
  if (issue.code === 'invalid_key') return [{ key: shown(issue.path), value: undefined, bound: nameRule }];
  const key = keyAt(issue.path);
  const name = shown(issue.path);
  // A text may be the URL that belongs into the table, with its login.
  const plain = typeof issue.input === 'string' ? undefined : showValue(issue.input);
  if (key === undefined) return [{ key: name, value: plain, bound: 'must be a table' }];
  const value = issue.input === undefined ? undefined : key.shown(issue.input);
  return [{ key: name, value, bound: issue.input === undefined ? `is missing: ${key.rule}` : key.rule }];
}

function shown(path: readonly PropertyKey[]): string {
  return path.map((part) => showName(String(part))).join('.');
}

function unknownKey(path: readonly PropertyKey[], name: string): ConfigProblem {
  const table = plainName(path);
  const near = nearest(name, tables.get(table) ?? []);
  const prefix = table === '' ? '' : `${shown(path)}.`;
  const elsewhere = [...tables].find(([other, names]) => other !== table && names.includes(name));
  let hint = `known here: ${(tables.get(table) ?? []).join(', ')}`;
  if (near !== undefined) hint = `did you mean ${prefix}${near}?`;
  else if (elsewhere !== undefined) hint = `did you mean ${elsewhere[0] === '' ? name : `${elsewhere[0]}.${name}`}?`;
  return { key: `${prefix}${showName(name)}`, value: undefined, bound: `is an unknown key; ${hint}` };
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) freeze(inner);
  }
  return value;
}
