/** A connection to a pool that carries whole messages, over TCP or WebSocket. */
export interface Link {
  /** Sends messages (JSON without line endings) in order. Ignored once closed. */
  send(messages: readonly string[]): void;
  /** Closes; `onClose` follows. Safe to call twice. */
  close(): void;
}

export interface LinkHandler {
  onOpen(): void;
  onMessage(text: string): void;
  /** Called once, whichever side closed, and also if the link never opened. */
  onClose(reason: string): void;
}

/** A message from a pool; a notify with the largest coinbase and all its branches is far below. */
export const MESSAGE_BYTES_MAX = 256 * 1024;
/** From the first byte sent to an open connection, ms. */
export const CONNECT_TIMEOUT_MS = 15_000;

const decoder = new TextDecoder('utf-8', { fatal: true });

/** The text that the bytes encode; undefined if they are no UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
