/**
 * The gate before a user's SQL. A statement passes if it only reads and every function that it names, called or not, is on
 * the list in sql-functions.ts. The engine has walls of its own behind the gate: the query's connection is read-only and has
 * no right to files, URLs or other servers. The gate stops what those walls let through, as tried with ClickHouse 26.7: the
 * function `file`, INTO OUTFILE, DESCRIBE of a table function, statements after the first.
 */
import { isAllowedFunction, mayBeCalled } from './sql-functions.ts';
import { type Token, tokens } from './sql-tokens.ts';

const SQL_CHARS_MAX = 65_536;
const FIRST_WORDS = new Set(['select', 'with', 'from', 'show', 'describe', 'desc', 'explain', 'exists']);
const SELECT_WORDS = new Set(['select', 'with', 'from', '(']);
/** What SHOW may show, and DESCRIBE's optional word. */
const SHOWN = new Set([
  'tables',
  'columns',
  'fields',
  'databases',
  'create',
  'full',
  'extended',
  'index',
  'indexes',
  'keys',
]);
const EXPLAINED = new Set(['ast', 'syntax', 'query', 'tree', 'plan', 'pipeline', 'estimate']);
/** Words that write, or that start another statement within this one. */
const WRITING = new Set(['insert', 'into', 'outfile', 'infile', 'parallel']);
/** The tables of `system` that say what there is to query, and the endless ones. */
const SYSTEM_TABLES = new Set(
  'columns databases tables functions formats data_type_families keywords one numbers numbers_mt settings zeros zeros_mt parts'.split(
    ' ',
  ),
);
const SYSTEM_DATABASES = new Set(['system', 'information_schema']);

/**
 * Returns undefined if the statement may go to the engine, otherwise the reason, for the user. `engineFunctions` has the name
 * of every function that the engine knows, in lower case: a name is a function if the engine says so, wherever it stands.
 */
export function checkQuery(sql: string, engineFunctions: ReadonlySet<string>): string | undefined {
  if (sql.length > SQL_CHARS_MAX) return `the query is longer than ${SQL_CHARS_MAX} characters`;
  const all = tokens(sql);
  if (all === undefined)
    return 'the query has an open quote or comment, or a character outside quotes that SQL does not use';
  while (all.at(-1)?.text === ';' && all.at(-1)?.kind === 'sign') all.pop();
  const reason = checkHead(all);
  if (reason !== undefined) return reason;
  for (const [index, token] of all.entries()) {
    const why =
      token.kind === 'sign' ? checkSign(token) : checkName(token, all.slice(index + 1, index + 4), engineFunctions);
    if (why !== undefined) return why;
  }
  return undefined;
}

/** The statement's kind. */
function checkHead(all: readonly Token[]): string | undefined {
  const at = all.findIndex((token) => token.text !== '(');
  const first = all[at];
  if (first === undefined) return 'the query is empty';
  const word = first.text.toLowerCase();
  if (first.kind !== 'word' || !FIRST_WORDS.has(word)) {
    return `only ${[...FIRST_WORDS].map((name) => name.toUpperCase()).join(', ')} are allowed`;
  }
  const rest = all.slice(at + 1);
  if (word === 'show' && !isShown(rest))
    return 'SHOW is allowed for TABLES, COLUMNS, DATABASES, INDEX and CREATE TABLE';
  if (word === 'explain' && !isSelect(rest)) return 'EXPLAIN is allowed for a SELECT';
  return undefined;
}

function isShown([first, second]: readonly Token[]): boolean {
  const named = (token: Token | undefined): boolean => token?.kind === 'word' && SHOWN.has(token.text.toLowerCase());
  const [one, two] = [first?.text.toLowerCase(), second?.text.toLowerCase()];
  if (one === 'create') return second?.kind === 'word' && (two === 'table' || two === 'view');
  return named(first) && ((one !== 'full' && one !== 'extended') || (named(second) && two !== 'create'));
}

/** Whether a SELECT follows the kind of EXPLAIN and its settings (`indexes = 1, …`). */
function isSelect(rest: readonly Token[]): boolean {
  let at = 0;
  while (EXPLAINED.has(rest[at]?.text.toLowerCase() ?? '')) at += 1;
  while (rest[at]?.kind === 'word' && rest[at + 1]?.text === '=') at += rest[at + 3]?.text === ',' ? 4 : 3;
  const token = rest[at];
  return token !== undefined && token.kind !== 'string' && SELECT_WORDS.has(token.text.toLowerCase());
}

function checkSign(token: Token): string | undefined {
  return token.text === ';' ? 'only one statement at a time' : undefined;
}

/** A word or a quoted name; `after` are the tokens behind it. */
function checkName(token: Token, after: readonly Token[], engineFunctions: ReadonlySet<string>): string | undefined {
  if (token.kind === 'string') return undefined;
  const name = token.text.toLowerCase();
  const [next, second] = after;
  // The engine takes a quoted path for a table: it would tell which files there are.
  if (token.kind === 'quoted' && token.text.includes('/')) return 'a name with a slash is not allowed';
  if (next?.kind === 'sign' && next.text === '(') {
    if (/^[0-9]/.test(name)) return 'a number can not be called';
    if (!mayBeCalled(name)) return `the function ${token.text} is not allowed`;
  } else if (engineFunctions.has(name) && !isAllowedFunction(name)) {
    return `${token.text} is a function that is not allowed, also as a name: quote nothing, choose another name`;
  }
  if (SYSTEM_DATABASES.has(name) && !(name === 'system' && next?.text === '.' && isSystemTable(second))) {
    return `of the system tables, only ${[...SYSTEM_TABLES].join(', ')} are allowed`;
  }
  return token.kind === 'word' ? checkWord(name, token.text, after) : undefined;
}

function checkWord(name: string, text: string, after: readonly Token[]): string | undefined {
  if (WRITING.has(name)) return `${text} is not allowed`;
  if (name === 'settings' && after[1]?.text === '=') return 'SETTINGS are not allowed';
  if (name === 'describe' || name === 'desc') {
    const what = after[0]?.text.toLowerCase() === 'table' ? after.slice(1) : after;
    if (what[0]?.kind !== 'sign' && what[1]?.text === '(') return 'DESCRIBE of a function is not allowed';
  }
  return undefined;
}

function isSystemTable(token: Token | undefined): boolean {
  return token !== undefined && token.kind !== 'string' && SYSTEM_TABLES.has(token.text.toLowerCase());
}
