/**
 * The gate before a user's SQL. The engine itself is set to read-only, which forbids writing, changing settings and most
 * functions that reach outside the database; the gate stops what read-only lets through, as tried with ClickHouse 26.7: INTO OUTFILE, the
 * function `file()`, DESCRIBE of a table function, `eval()`, statements after the first, USE and KILL. It reads the statement as ClickHouse's lexer does, and refuses
 * whatever the two might read differently.
 */

export interface Token {
  readonly kind: 'word' | 'quoted' | 'string' | 'sign';
  /** Without quotes. */
  readonly text: string;
}

const SQL_CHARS_MAX = 65_536;
const FIRST_WORDS = new Set(['select', 'with', 'from', 'show', 'describe', 'desc', 'explain', 'exists']);

/** Functions that reach files, networks or other programs, or run text as SQL. Lower case; families by their stem. */
const OUTSIDE = [
  'file',
  'filecluster',
  'filesystem',
  'url',
  'urlcluster',
  'remote',
  'remotesecure',
  'cluster',
  'clusterallreplicas',
  'mysql',
  'postgresql',
  'mongodb',
  'redis',
  'sqlite',
  'odbc',
  'jdbc',
  'executable',
  'input',
  'python',
  'dictionary',
  'loop',
  'eval',
  'viewexplain',
  'catboostevaluate',
  'gcs',
  'oss',
  'cosn',
  'ytsaurus',
  'arrowstream',
  'arrowflight',
] as const;
const OUTSIDE_STEMS = [
  's3',
  'hdfs',
  'hudi',
  'iceberg',
  'deltalake',
  'paimon',
  'azureblobstorage',
  'prometheusquery',
  'fuzz',
];

const reachesOutside = (name: string): boolean =>
  (OUTSIDE as readonly string[]).includes(name) || OUTSIDE_STEMS.some((stem) => name.startsWith(stem));

/** Undefined where the statement may go to the engine; otherwise why not, for the user. */
export function checkQuery(sql: string): string | undefined {
  if (sql.length > SQL_CHARS_MAX) return `the query is longer than ${SQL_CHARS_MAX} characters`;
  const all = tokens(sql);
  if (all === undefined)
    return 'the query has an open quote or comment, or a character outside quotes that SQL does not use';
  while (all.at(-1)?.text === ';' && all.at(-1)?.kind === 'sign') all.pop();
  const first = all.find((token) => token.text !== '(');
  if (first === undefined) return 'the query is empty';
  if (first.kind !== 'word' || !FIRST_WORDS.has(first.text.toLowerCase())) {
    return `only ${[...FIRST_WORDS].map((word) => word.toUpperCase()).join(', ')} are allowed`;
  }
  for (const [index, token] of all.entries()) {
    const reason = checkToken(token, all.slice(index + 1, index + 4));
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function checkToken(token: Token, after: readonly Token[]): string | undefined {
  const name = token.text.toLowerCase();
  const [next] = after;
  if (token.kind === 'sign') return token.text === ';' ? 'only one statement at a time' : undefined;
  if (token.kind === 'string') return undefined;
  // The engine takes a quoted path for a table: it would tell which files there are.
  if (token.kind === 'quoted' && token.text.includes('/')) return 'a name with a slash is not allowed';
  if (token.kind === 'word' && (name === 'outfile' || name === 'infile')) return `${token.text} is not allowed`;
  if (next?.text === '(' && next.kind === 'sign' && reachesOutside(name))
    return `the function ${token.text} is not allowed`;
  if (next?.text === '(' && /^[0-9]/.test(name)) return 'a number can not be called';
  if (token.kind === 'word' && (name === 'describe' || name === 'desc')) {
    const what = next?.text.toLowerCase() === 'table' ? after.slice(1) : after;
    if (what[0]?.kind !== 'sign' && what[1]?.text === '(') return 'DESCRIBE of a function is not allowed';
  }
  return undefined;
}

/** The statement's tokens without comments; undefined where it is not to be trusted. */
export function tokens(sql: string): Token[] | undefined {
  const found: Token[] = [];
  let at = 0;
  while (at < sql.length) {
    const token = tokenAt(sql, at);
    if (token === undefined) return undefined;
    at = token.end;
    if (token.kind !== 'space') found.push({ kind: token.kind, text: token.text });
  }
  return found;
}

interface Lexed {
  readonly kind: Token['kind'] | 'space';
  readonly text: string;
  readonly end: number;
}

const SPACE = /[ \t\r\n\v\f]+|--[^\n]*/y;
const COMMENT = /\/\*(?:[^*/]|\*(?!\/)|\/(?!\*))*\*\//y; // one inside another is refused
const WORD = /[A-Za-z0-9_]+/y;
const QUOTED = /'(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"\\]|\\[\s\S]|"")*"|`(?:[^`\\]|\\[\s\S]|``)*`/y;
/** Neither `$` (heredocs), `#` (comments), `\` (\G) nor anything beyond ASCII, which has quotes and spaces of its own. */
const SIGN = /[-()[\]{},.;:+*/%=<>!?|&^~@]/y;

function tokenAt(sql: string, at: number): Lexed | undefined {
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(sql)?.[0];
  };
  const lexed = (kind: Lexed['kind'], text: string, raw = text): Lexed => ({ kind, text, end: at + raw.length });
  const space = match(SPACE) ?? match(COMMENT);
  if (space !== undefined) return lexed('space', space);
  if (sql.startsWith('/*', at)) return undefined;
  const word = match(WORD);
  if (word !== undefined) return lexed('word', word);
  const quotedText = match(QUOTED);
  if (quotedText !== undefined) {
    const inner = quotedText.slice(1, -1);
    if (quotedText.startsWith("'")) return lexed('string', inner, quotedText);
    // A name may be spelt with escapes; what it then says is the engine's business, so it has none.
    if (/[\\"`]/.test(inner)) return undefined;
    return lexed('quoted', inner, quotedText);
  }
  const sign = match(SIGN);
  return sign === undefined ? undefined : lexed('sign', sign);
}
