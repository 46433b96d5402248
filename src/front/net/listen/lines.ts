import { isBinary, isForeignGreeting } from '../door/foreign.ts';
import { LineFramer } from './framer.ts';
import type { Framing } from './framing.ts';

/** The first character of a JSON object, after blanks. */
const BRACE = 0x7b;
const BLANK_MAX = 0x20;

/** A JSON object per line: Stratum V1. */
export const lines: Framing = {
  ending: '\n',
  reader: (bytesMax, sink) => new LineFramer(bytesMax, sink),
  isForeign: isBinary,
  faultOf(bytes, begin, end, isFirst) {
    if (looksLikeObject(bytes, begin, end)) return undefined;
    return isFirst && isForeignGreeting(bytes, begin, end) ? 'foreign' : 'junk';
  },
};

/** False for a line that can not be a request: a session answers it with an error, and the door remembers it. */
function looksLikeObject(bytes: Uint8Array, begin: number, end: number): boolean {
  let at = begin;
  while (at < end && (bytes[at] ?? 0) <= BLANK_MAX) at += 1;
  return at < end && bytes[at] === BRACE;
}
