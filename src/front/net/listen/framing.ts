/** Handles one message, bytes[begin…end). Returns false if the connection is closed: the reader then stops for good. */
export type MessageSink = (bytes: Uint8Array, begin: number, end: number) => boolean;

/** Cuts the bytes of one connection into messages. */
export interface MessageReader {
  /** After `push` returned 'more': where in its bytes the rest begins. */
  readonly at: number;
  /** Bytes of the buffer for a message that has not ended; 0 if there is none. */
  readonly bufferBytes: number;
  /**
   * Feeds the bytes from `from` on, which are only looked at during the call. `overlong`: a message is longer than the cap; the
   * messages before it have been handed out, and nothing will be from now on. `more`: there are more than `messagesMax`; the
   * bytes from `at` on have to be fed again.
   */
  push(chunk: Uint8Array, from?: number, messagesMax?: number): 'ok' | 'overlong' | 'more';
}

/** How to find a protocol's messages in a stream, and how to recognise clients of other protocols. */
export interface Framing {
  /** Follows each message that the pool sends. */
  readonly ending: string;
  /** A reader for one connection. `bytesMax`: of a message without what frames it. */
  reader(bytesMax: number, sink: MessageSink): MessageReader;
  /** True if a connection that begins with these bytes speaks another protocol. */
  isForeign(bytes: Uint8Array): boolean;
  /**
   * A quick check of a message, bytes[begin…end): `junk` can not be a request, `foreign` begins like another protocol. On the share
   * path.
   */
  faultOf(bytes: Uint8Array, begin: number, end: number, isFirst: boolean): 'junk' | 'foreign' | undefined;
}
