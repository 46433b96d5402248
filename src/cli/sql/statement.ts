/** What a line, or several lines, at the prompt come to. */
export type Entry =
  /** The statement goes on in the next line. */
  | { readonly kind: 'open' }
  | { readonly kind: 'nothing' | 'quit' | 'help' }
  | { readonly kind: 'unknown'; readonly word: string }
  | { readonly kind: 'query'; readonly sql: string };

const TABLES = `SELECT name AS table, total_rows AS rows, formatReadableSize(total_bytes) AS size, comment
  FROM system.tables WHERE database = currentDatabase() AND NOT startsWith(name, '.') ORDER BY name`;

export const HELP = `End a statement with ; and it is run. Lines before that belong together.
  \\d          the tables and views, and what they hold
  \\d TABLE    a table's columns
  \\q          leave (also Ctrl-D)
Ctrl-C ends the query that is running, or empties the line.
`;

/** Reads what was entered since the last statement. */
export function readEntry(text: string): Entry {
  const entered = text.trim();
  if (entered === '' || entered === ';') return { kind: 'nothing' };
  if (entered.startsWith('\\')) return readCommand(entered);
  if (/^(exit|quit)\s*;?$/i.test(entered)) return { kind: 'quit' };
  return isComplete(entered) ? { kind: 'query', sql: entered } : { kind: 'open' };
}

function readCommand(entered: string): Entry {
  const [word = '', argument = ''] = entered.replace(/;$/, '').trim().split(/\s+/, 2);
  if (word === '\\q') return { kind: 'quit' };
  if (word === '\\?' || word === '\\h') return { kind: 'help' };
  if (word !== '\\d' && word !== '\\dt') return { kind: 'unknown', word };
  if (argument === '') return { kind: 'query', sql: TABLES };
  const name = argument.replace(/^sluice\./, '').replaceAll(/[^A-Za-z0-9_]/g, '');
  const columns = 'SELECT name AS column, type, comment FROM system.columns';
  return {
    kind: 'query',
    sql: `${columns} WHERE database = currentDatabase() AND table = '${name}' ORDER BY position`,
  };
}

/** Whether the text ends with a semicolon that is neither in quotes nor in a comment. */
function isComplete(text: string): boolean {
  const rest = text.replaceAll(
    /'(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"\\]|\\[\s\S])*"|`(?:[^`\\]|\\[\s\S])*`|--[^\n]*|\/\*[\s\S]*?\*\//g,
    ' ',
  );
  return !/['"`]|\/\*/.test(rest) && rest.trimEnd().endsWith(';');
}
