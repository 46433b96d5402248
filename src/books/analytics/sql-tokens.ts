/** A token of ClickHouse's SQL. */
export interface Token {
  readonly kind: 'word' | 'quoted' | 'string' | 'sign';
  /** Without quotes. */
  readonly text: string;
}

/**
 * Reads a statement as ClickHouse's lexer does and returns its tokens, without comments. Returns undefined for a statement
 * that the two might read differently.
 */
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
