import { limits } from '#base/limits';
import { asciiJson } from '#base/std/text';

/** A JSON-RPC id: echoed unchanged. Strings are BFGMiner's, null is a notification's. */
export type RequestId = string | number | null;

/**
 * Ids come back as they came. A number that a double may not hold exactly (above 2^53, or with a fraction) travels through the pool as a
 * string: this mark, which starts no other id, and then its JSON text. A client's own string that starts with the mark
 * is wrapped the same way.
 */
const VERBATIM = '\0';

/** The id of a message, undefined if it is none that JSON-RPC allows or too long to keep. */
export function readId(id: unknown, text: string): RequestId | undefined {
  if (id === undefined || id === null) return null;
  if (Number.isSafeInteger(id)) return id as number;
  if (typeof id === 'number') return verbatim(topLevelNumber(text, 'id') ?? asciiJson(id));
  if (typeof id !== 'string' || id.length > limits.requestIdCharsMax) return undefined;
  return id.startsWith(VERBATIM) ? verbatim(asciiJson(id)) : id;
}

function verbatim(json: string): string | undefined {
  return json.length <= limits.requestIdCharsMax ? VERBATIM + json : undefined;
}

/** The id as ASCII JSON. */
export function encodeId(id: RequestId): string {
  if (typeof id === 'number') return String(id);
  return id?.startsWith(VERBATIM) ? id.slice(VERBATIM.length) : asciiJson(id);
}

const TOKEN = /[{}[\]]|"((?:[^"\\]|\\.)*)"(?:\s*:\s*(-?[0-9][0-9.eE+-]*))?/gs;

/** The text of a numeric member of the outermost object, the last one if the key repeats; `text` is valid JSON. */
function topLevelNumber(text: string, key: string): string | undefined {
  let depth = 0;
  let found: string | undefined;
  for (const [token, name, number] of text.matchAll(TOKEN)) {
    if (token === '{' || token === '[') depth += 1;
    else if (token === '}' || token === ']') depth -= 1;
    else if (depth === 1 && name === key) found = number ?? found;
  }
  return found;
}
