import { effectiveFormat, isFormat } from './formats.ts';
import { errors, type Query, type Refusal } from './query.ts';
import { checkSettings } from './query-settings.ts';
import { checkQuery } from './sql-gate.ts';
import { type Token, tokens } from './sql-tokens.ts';

const PARAMETER_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
/** Names in an Identifier: a column, a table, or a table of a database. */
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]{0,63}(\.[A-Za-z_][A-Za-z0-9_]{0,63}){0,2}$/;

/**
 * Returns why a query may not go to the engine: its statement by the gate, its database, parameters, settings or format;
 * undefined if it may. `engineFunctions` is as for `checkQuery`, `database` the pool's.
 */
export function checkWhole(query: Query, database: string, engineFunctions: ReadonlySet<string>): Refusal | undefined {
  const { sql, parameters = {}, settings = {} } = query;
  if (![undefined, 'default', database].includes(query.database)) {
    return { ...errors.unknownDatabase, reason: `the pool's tables are in the database ${database}` };
  }
  const gate = checkQuery(sql, engineFunctions);
  if (gate !== undefined) return { ...errors.readonly, reason: gate };
  const format = effectiveFormat(query);
  if (!isFormat(format)) return { ...errors.unknownFormat, reason: 'that is no format for a result here' };
  return checkParameters(sql, parameters, engineFunctions) ?? checkSettings(settings);
}

/**
 * Values of the type Identifier are names in the statement: the engine takes a function's name there too, such as `file` in
 * `arrayMap({f:Identifier}, …)`. So the gate must let them pass as names. Values of other types are constants to the engine.
 */
function checkParameters(
  sql: string,
  parameters: Readonly<Record<string, string>>,
  engineFunctions: ReadonlySet<string>,
): Refusal | undefined {
  const refused = (reason: string): Refusal => ({ ...errors.badParameter, reason });
  if (!Object.keys(parameters).every((name) => PARAMETER_NAME.test(name))) {
    return refused('a parameter is named by letters, digits and _');
  }
  for (const name of identifierParameters(tokens(sql) ?? [])) {
    const value = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
    if (value === undefined) continue;
    if (!IDENTIFIER.test(value)) return refused(`the parameter ${name} is an Identifier, and its value is no name`);
    const reason = checkQuery(`SELECT * FROM ${value}`, engineFunctions);
    if (reason !== undefined) return { ...errors.readonly, reason: `the parameter ${name}: ${reason}` };
  }
  return undefined;
}

/** The names of all `{name:Type}` in whose type the word Identifier stands, however it is written. */
function identifierParameters(all: readonly Token[]): readonly string[] {
  return all.flatMap((token, at) => {
    const [name, colon] = [all[at + 1], all[at + 2]];
    if (token.text !== '{' || token.kind !== 'sign' || name === undefined || colon?.text !== ':') return [];
    const end = all.findIndex((later, index) => index > at && later.kind === 'sign' && later.text === '}');
    const type = all.slice(at + 3, end === -1 ? undefined : end);
    return type.some(({ text }) => text.toLowerCase().includes('identifier')) ? [name.text] : [];
  });
}
