/**
 * Log lines. One record is one line whatever its strings hold: a miner's name reaches the log, and what it holds must
 * neither begin a line of its own, nor move a terminal's cursor, nor turn the direction of the text.
 */

/** Characters that JSON leaves as they are but that readers of lines, terminals and bidirectional text act on. */
const unsafe = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** A line of JSON (or of text made of JSON strings) in which such characters stand escaped; still the same JSON. */
export function escapeLine(line: string): string {
  return line.replace(unsafe, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Names and colours (SGR codes) of pino's levels. */
const levels: Readonly<Record<number, { readonly name: string; readonly sgr: number }>> = {
  20: { name: 'DEBUG', sgr: 2 },
  30: { name: 'INFO ', sgr: 32 },
  40: { name: 'WARN ', sgr: 33 },
  50: { name: 'ERROR', sgr: 31 },
};

interface Entry {
  readonly level: number;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** One of pino's JSON lines as a person reads it: `12:34:56.789 INFO  message field=value`. */
export function prettyLine(json: string, colour: boolean): string {
  const { level, time, msg, ...fields } = JSON.parse(json) as Entry;
  const paint = (text: string, sgr: number): string => (colour ? `\u001b[${sgr}m${text}\u001b[0m` : text);
  const { name, sgr } = levels[level] ?? { name: String(level), sgr: 0 };
  const shown = Object.entries(fields).map(([key, value]) => ` ${paint(`${bare(key)}=`, 2)}${bare(value)}`);
  return `${paint(time.slice(11, 23), 2)} ${paint(name, sgr)} ${bare(msg)}${shown.join('')}\n`;
}

/** A text without quotes where it can be mistaken for nothing else; JSON otherwise. */
function bare(value: unknown): string {
  if (
    typeof value === 'string' &&
    /^[\p{L}\p{N}\p{P}\p{S}][\p{L}\p{N}\p{P}\p{S} ]*$/u.test(value) &&
    !/["\\=]/.test(value)
  ) {
    return escapeLine(value);
  }
  return escapeLine(JSON.stringify(value) ?? '');
}
