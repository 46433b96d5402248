import { escapedText } from '#base/std/text';

/**
 * Log lines. One record is one line, whatever its strings contain. Miners' names are logged, and must not start a new line, move a
 * terminal's cursor or change the direction of the text.
 */

/** A line of JSON in which unprintable characters stand escaped, but for its own line end; still the same JSON. */
export function escapeLine(line: string): string {
  return line.endsWith('\n') ? `${escapedText(line.slice(0, -1))}\n` : escapedText(line);
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

/** A text without quotes if it is unambiguous, otherwise JSON. */
function bare(value: unknown): string {
  if (
    typeof value === 'string' &&
    /^[\p{L}\p{N}\p{P}\p{S}][\p{L}\p{N}\p{P}\p{S} ]*$/u.test(value) &&
    !/["\\=]/.test(value)
  ) {
    return escapedText(value);
  }
  return escapedText(JSON.stringify(value) ?? '');
}
