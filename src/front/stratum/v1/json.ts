import { limits } from '#base/limits';

/** The members of a JSON-RPC message that anyone reads. Nothing is copied from a client's object into another. */
export interface RawMessage {
  readonly id?: unknown;
  readonly method?: unknown;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: unknown;
}

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

export interface JsonBounds {
  /** Lists and objects within one another. */
  readonly depthMax: number;
  /** Lists and objects in all. */
  readonly containersMax: number;
  /** Commas: one less than the members of each list and object. */
  readonly commasMax: number;
}

const bounds: JsonBounds = {
  depthMax: limits.jsonDepthMax,
  containersMax: limits.jsonContainersMax,
  commasMax: limits.jsonCommasMax,
};

/**
 * Returns true if a message is over the bounds. The scan is cheap, and the parser's cost grows with lists, objects and
 * members: 8 KiB of them take it a millisecond. For text that is no JSON the result says nothing: the parser refuses it.
 */
export function isOverBounds(bytes: Uint8Array, { depthMax, containersMax, commasMax }: JsonBounds = bounds): boolean {
  let [depth, containers, commas] = [0, 0, 0];
  let inString = false;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index];
    if (inString) {
      if (byte === BACKSLASH) index += 1;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      depth += 1;
      containers += 1;
      if (depth > depthMax || containers > containersMax) return true;
    } else if (byte === COMMA) {
      commas += 1;
      if (commas > commasMax) return true;
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth -= 1;
  }
  return false;
}

/** Where a message is no JSON object, which of the two it is not. */
export type Unreadable = 'no-json' | 'no-object';

/** Reads one message (UTF-8). A key that comes twice counts as its last. */
export function readMessage(bytes: Uint8Array): { readonly raw: RawMessage; readonly text: string } | Unreadable {
  if (isOverBounds(bytes)) return 'no-json';
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
