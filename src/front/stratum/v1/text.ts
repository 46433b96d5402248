/**
 * Text from clients, cleaned once, at the door: what comes out here goes into logs, tables and pages as it is.
 */

/** Nothing to clean: printable ASCII that neither starts nor ends with a space. */
const PLAIN = /^(?:[!-~](?:[ -~]*[!-~])?)?$/;
/** Control, format (bidi overrides, zero-width), surrogate, private and unassigned code points; line separators. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;
/** Half of a surrogate pair at the end, left by a cut. */
const CUT_PAIR = /[\ud800-\udbff]$/;

/** The text without unprintable characters and outer white space, cut to `charsMax` UTF-16 units. */
export function cleanText(text: string, charsMax: number): string {
  if (text.length <= charsMax && PLAIN.test(text)) return text;
  // Cut first, so that the work is bounded, and again after cleaning has moved the end to no worse place.
  const cleaned = text.slice(0, charsMax).replace(CUT_PAIR, '').replace(UNPRINTABLE, '').trim();
  // A copy: V8's slices keep the whole text in memory, and names are kept as long as their connection.
  return Buffer.from(cleaned).toString();
}

/** JSON text in which every character is ASCII, so that a line's characters are its bytes. */
export function asciiJson(value: string | number | boolean | null): string {
  const json = JSON.stringify(value);
  return json.replace(/[\u0080-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
