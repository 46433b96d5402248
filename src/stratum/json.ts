import { limits } from '../limits.ts';

/** The members of a JSON-RPC message that anyone reads. Nothing is copied from a client's object into another. */
export interface RawMessage {
  readonly id?: unknown;
  readonly method?: unknown;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: unknown;
}

const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/** True where lists and objects nest deeper than `depthMax`. Text that is no JSON gets any answer: the parser refuses it. */
export function nestsDeeper(bytes: Uint8Array, depthMax: number): boolean {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index];
    if (inString) {
      if (byte === BACKSLASH) index += 1;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      depth += 1;
      if (depth > depthMax) return true;
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth -= 1;
  }
  return false;
}

/** Where a message is no JSON object, which of the two it is not. */
export type Unreadable = 'no-json' | 'no-object';

/** Reads one message (UTF-8). A key that comes twice counts as its last. */
export function readMessage(bytes: Uint8Array): { readonly raw: RawMessage; readonly text: string } | Unreadable {
  if (nestsDeeper(bytes, limits.jsonDepthMax)) return 'no-json';
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'no-json';
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'no-object';
  return { raw: value, text };
}
