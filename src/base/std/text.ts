/**
 * Foreign text made harmless to whatever shows it: nothing in it begins a line, moves a terminal's cursor, or turns the
 * direction of the text around it.
 */

/** Nothing to clean: printable ASCII that neither starts nor ends with a space. */
const PLAIN = /^(?:[!-~](?:[ -~]*[!-~])?)?$/;
/** Control, format (bidi overrides, zero-width), surrogate, private and unassigned code points; line separators. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;
/** Half of a surrogate pair at the end, left by a cut. */
const CUT_PAIR = /[\ud800-\udbff]$/;
const NOT_ASCII = /[\u0080-\uffff]/g;

/** The text without unprintable characters and outer white space, cut to `charsMax` UTF-16 units. */
export function cleanText(text: string, charsMax: number): string {
  if (text.length <= charsMax && PLAIN.test(text)) return text;
  // Cut first, so that the work is bounded, and again after cleaning has moved the end to no worse place.
  const cleaned = text.slice(0, charsMax).replace(CUT_PAIR, '').replace(UNPRINTABLE, '').trim();
  // A copy: V8's slices keep the whole text in memory, and names are kept as long as their connection.
  return Buffer.from(cleaned).toString();
}

/** The text with a space for each unprintable character, cut to `charsMax` UTF-16 units. */
export function spacedText(text: string, charsMax: number): string {
  return text.slice(0, charsMax).replace(UNPRINTABLE, ' ');
}

/** The text with unprintable characters written as `\uXXXX`. Of JSON text on one line it makes the same JSON. */
export function escapedText(text: string): string {
  return text.replace(UNPRINTABLE, escaped);
}

/** JSON text in which every character is ASCII, so that a line's characters are its bytes. */
export function asciiJson(value: string | number | boolean | null): string {
  return JSON.stringify(value).replace(NOT_ASCII, escaped);
}

/** Each UTF-16 unit as `\uXXXX`. */
function escaped(text: string): string {
  let units = '';
  for (let at = 0; at < text.length; at += 1) units += `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`;
  return units;
}
