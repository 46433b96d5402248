/** The frames of RFC 6455, section 5, as a client needs them: it masks what it sends and takes nothing masked. */

export const OPCODE = { continuation: 0x0, text: 0x1, binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa } as const;

/** One final frame, masked with the 4 bytes of `mask`. */
export function encodeFrame(opcode: number, payload: Uint8Array, mask: Uint8Array): Uint8Array {
  const { length } = payload;
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const frame = new Uint8Array(2 + lengthBytes + 4 + length);
  const view = new DataView(frame.buffer);
  frame[0] = 0x80 | opcode;
  frame[1] = 0x80 | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) view.setUint16(2, length);
  if (lengthBytes === 8) view.setBigUint64(2, BigInt(length));
  frame.set(mask, 2 + lengthBytes);
  const start = 6 + lengthBytes;
  for (let at = 0; at < length; at += 1) frame[start + at] = (payload[at] ?? 0) ^ (mask[at & 3] ?? 0);
  return frame;
}

/** What a decoder hands out: a whole message, or a control frame. */
export interface FrameSink {
  /** A text or binary message put together from its fragments. */
  onData(opcode: number, payload: Uint8Array): void;
  onControl(opcode: number, payload: Uint8Array): void;
}

/** Puts messages together from a server's bytes, however they are cut. */
export class FrameDecoder {
  readonly #messageBytesMax: number;
  readonly #sink: FrameSink;
  #buffered: Uint8Array = new Uint8Array(0);
  /** Of the message whose fragments are coming in; undefined between messages. */
  #opcode: number | undefined;
  #fragments: Uint8Array[] = [];
  #fragmentBytes = 0;

  constructor(messageBytesMax: number, sink: FrameSink) {
    this.#messageBytesMax = messageBytesMax;
    this.#sink = sink;
  }

  /** Takes bytes; returns what is wrong with them, after which nothing more may be pushed. */
  push(chunk: Uint8Array): string | undefined {
    this.#buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk]);
    for (;;) {
      const step = this.#frame();
      if (step !== 'taken') return step === 'partial' ? undefined : step.problem;
    }
  }

  #frame(): 'taken' | 'partial' | { readonly problem: string } {
    const bytes = this.#buffered;
    const [first = 0, second = 0] = bytes;
    if (bytes.length < 2) return 'partial';
    const opcode = first & 0x0f;
    const control = (opcode & 0x8) !== 0;
    if ((first & 0x70) !== 0) return { problem: 'a WebSocket frame with reserved bits' };
    if ((second & 0x80) !== 0) return { problem: 'a masked WebSocket frame from the server' };
    const short = second & 0x7f;
    if (control && (short > 125 || (first & 0x80) === 0)) return { problem: 'a long or cut WebSocket control frame' };
    const start = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (bytes.length < start) return 'partial';
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const length = short < 126 ? short : short === 126 ? view.getUint16(2) : Number(view.getBigUint64(2));
    if (this.#fragmentBytes + length > this.#messageBytesMax)
      return { problem: 'a WebSocket message that is too long' };
    if (bytes.length < start + length) return 'partial';
    const payload = bytes.slice(start, start + length);
    this.#buffered = bytes.subarray(start + length);
    if (control) {
      if (opcode > OPCODE.pong) return { problem: 'an unknown WebSocket frame' };
      this.#sink.onControl(opcode, payload);
      return 'taken';
    }
    return this.#fragment(opcode, payload, (first & 0x80) !== 0);
  }

  #fragment(opcode: number, payload: Uint8Array, final: boolean): 'taken' | { readonly problem: string } {
    if ((opcode === OPCODE.continuation) !== (this.#opcode !== undefined)) {
      return { problem: 'a WebSocket fragment out of place' };
    }
    if (opcode > OPCODE.binary) return { problem: 'an unknown WebSocket frame' };
    this.#opcode ??= opcode;
    this.#fragments.push(payload);
    this.#fragmentBytes += payload.length;
    if (!final) return 'taken';
    const message = Buffer.concat(this.#fragments);
    const kind = this.#opcode;
    this.#opcode = undefined;
    this.#fragments = [];
    this.#fragmentBytes = 0;
    this.#sink.onData(kind, message);
    return 'taken';
  }
}
