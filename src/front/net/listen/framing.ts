/** Takes one message, bytes[begin…end); false stops the reader for good (the connection is done with). */
export type MessageSink = (bytes: Uint8Array, begin: number, end: number) => boolean;

/** Cuts what one connection brings into messages. */
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

/** How a protocol's messages stand in a stream, and how its clients are told from those of other protocols. */
export interface Framing {
  /** Follows each message that the pool sends. */
  readonly ending: string;
  /** A reader for one connection. `bytesMax`: of a message without what frames it. */
  reader(bytesMax: number, sink: MessageSink): MessageReader;
  /** True if a connection that begins with these bytes speaks another protocol. */
  isForeign(bytes: Uint8Array): boolean;
  /**
   * What is wrong with a message, bytes[begin…end), on the face of it: `junk` can not be a request, and `foreign` is how a client
   * of another protocol begins. On the share path.
   */
  faultOf(bytes: Uint8Array, begin: number, end: number, isFirst: boolean): 'junk' | 'foreign' | undefined;
}
