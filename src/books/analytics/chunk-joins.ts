import type { Joint } from './formats.ts';

const NEWLINE = 0x0a;
const QUOTE = 0x22;
/** Arrow's IPC: what stands before the length of a message's metadata, u32 little-endian, and before zero at the stream's end. */
const CONTINUATION = 0xffffffff;
const ARROW_PREFIX_BYTES = 8;
const ARROW_END = Buffer.from('ffffffff00000000', 'hex');

/** Puts the chunks of a streamed result together. Each chunk is a whole result in the format; what comes out is one. */
export async function* joinChunks(joint: Joint, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let first = true;
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const body = joint === 'arrow-stream' ? withoutArrowEnd(bytes) : bytes;
    yield first ? body : body.subarray(headBytes(joint, body));
    first = false;
  }
  if (joint === 'arrow-stream' && !first) yield ARROW_END;
}

/** The length of what stands before a chunk's rows. */
function headBytes(joint: Joint, chunk: Buffer): number {
  switch (joint) {
    case 'plain':
      return 0;
    case 'names':
      return linesBytes(chunk, 1);
    case 'names-and-types':
      return linesBytes(chunk, 2);
    case 'csv-names':
      return linesBytes(chunk, 1, QUOTE);
    case 'csv-names-and-types':
      return linesBytes(chunk, 2, QUOTE);
    case 'binary-names-and-types':
      return binaryHeadBytes(chunk);
    case 'arrow-stream':
      return arrowMessageBytes(chunk);
  }
}

/** The length of the first lines. A line feed between two `quote`s is none that ends a line. */
function linesBytes(chunk: Buffer, lines: number, quote?: number): number {
  let quoted = false;
  let left = lines;
  for (let at = 0; at < chunk.length; at += 1) {
    // A quote in a name is written twice.
    if (chunk[at] === quote) quoted = !quoted;
    if (chunk[at] !== NEWLINE || quoted) continue;
    left -= 1;
    if (left === 0) return at + 1;
  }
  return chunk.length;
}

/** RowBinaryWithNamesAndTypes: the number of columns, their names, their types, each string behind its length (LEB128). */
function binaryHeadBytes(chunk: Buffer): number {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = chunk[at] ?? 0;
      at += 1;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  for (let left = varint() * 2; left > 0; left -= 1) {
    const length = varint();
    at += length;
  }
  return at;
}

function arrowMessageBytes(chunk: Buffer): number {
  if (chunk.length < ARROW_PREFIX_BYTES || chunk.readUInt32LE(0) !== CONTINUATION) return 0;
  return ARROW_PREFIX_BYTES + chunk.readUInt32LE(4);
}

function withoutArrowEnd(chunk: Buffer): Buffer {
  const end = chunk.length - ARROW_END.length;
  return end >= 0 && chunk.subarray(end).equals(ARROW_END) ? chunk.subarray(0, end) : chunk;
}
