import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineFramer } from '#front/net/listen/framer';

interface Framed {
  readonly lines: readonly string[];
  readonly overlong: boolean;
}

function frame(chunks: readonly Uint8Array[], lineBytesMax: number, linesMax = Number.POSITIVE_INFINITY): Framed {
  const lines: string[] = [];
  const framer = new LineFramer(lineBytesMax, (bytes, begin, end) => {
    lines.push(Buffer.from(bytes).toString('latin1', begin, end));
    return lines.length < linesMax;
  });
  for (const chunk of chunks) {
    // A copy that is overwritten afterwards: the framer may keep no view of what it was given.
    const lent = Uint8Array.from(chunk);
    const outcome = framer.push(lent);
    lent.fill(0x58);
    if (outcome === 'overlong') return { lines, overlong: true };
  }
  return { lines, overlong: false };
}

function bytes(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

/** The rule in one sentence each, for comparison: split at \n, drop one \r, skip the empty, stop at the first too long. */
function expected(text: string, lineBytesMax: number): Framed {
  const raw = text.split('\n');
  const rest = raw.pop() ?? '';
  const lines: string[] = [];
  for (const line of raw.map((piece) => piece.replace(/\r$/, ''))) {
    if (line.length > lineBytesMax) return { lines, overlong: true };
    if (line !== '') lines.push(line);
  }
  return { lines, overlong: rest.replace(/\r$/, '').length > lineBytesMax };
}

/** Text in which line ends, returns and lengths around a cap of 8 are frequent. */
const text = fc.string({
  unit: fc.constantFrom('\n', '\n', '\r', '\r\n', 'a', 'bc', '1234567', '12345678', '\xff'),
  maxLength: 24,
});

describe('LineFramer', () => {
  it('hands out lines with either ending and skips empty ones', () => {
    expect(frame([bytes('{"a":1}\n\n\r\n{"b":2}\r\nrest')], 64)).toEqual({
      lines: ['{"a":1}', '{"b":2}'],
      overlong: false,
    });
  });

  it('takes only one return off the end and none from the middle', () => {
    expect(frame([bytes('a\rb\r\r\n')], 64).lines).toEqual(['a\rb\r']);
  });

  it('allows a line of exactly the cap, with either ending, and not one byte more', () => {
    const line = 'x'.repeat(8);
    expect(frame([bytes(`${line}\n${line}\r\n`)], 8)).toEqual({ lines: [line, line], overlong: false });
    expect(frame([bytes(`ok\n${line}x\nlater\n`)], 8)).toEqual({ lines: ['ok'], overlong: true });
    expect(frame([bytes(`${line}x`)], 8)).toEqual({ lines: [], overlong: true });
    expect(frame([bytes(`${line}\r`), bytes('x')], 8)).toEqual({ lines: [], overlong: true });
  });

  it('copies nothing of a line that lies within one chunk', () => {
    const chunk = bytes('one\ntwo\n');
    const views: ArrayBufferLike[] = [];
    new LineFramer(64, (line) => views.push(line.buffer) > 0).push(chunk);
    expect(views).toEqual([chunk.buffer, chunk.buffer]);
  });

  it('says nothing more after it was stopped, within the chunk and after it', () => {
    expect(frame([bytes('a\nb\nc\n'), bytes('d\n')], 8, 2)).toEqual({ lines: ['a', 'b'], overlong: false });
  });

  it('gives the same lines whole, byte by byte and cut at every point', () => {
    fc.assert(
      fc.property(text, (stream) => {
        const all = bytes(stream);
        const want = expected(stream, 8);
        expect(frame([all], 8)).toEqual(want);
        expect(
          frame(
            Array.from(all, (byte) => Uint8Array.of(byte)),
            8,
          ),
        ).toEqual(want);
        for (let cut = 0; cut <= all.length; cut += 1) {
          expect(frame([all.subarray(0, cut), all.subarray(cut)], 8)).toEqual(want);
        }
      }),
    );
  });

  it('gives the same lines for any cuts and any cap', () => {
    fc.assert(
      fc.property(
        text,
        fc.array(fc.nat(60), { maxLength: 6 }),
        fc.integer({ min: 1, max: 600 }),
        (stream, cuts, cap) => {
          const long = stream.replaceAll('\xff', 'y'.repeat(300));
          const all = bytes(long);
          const points = [0, ...cuts.map((cut) => Math.min(cut * 7, all.length)).sort((a, b) => a - b), all.length];
          const chunks = points.slice(1).map((end, index) => all.subarray(points[index], end));
          expect(frame(chunks, cap)).toEqual(expected(long, cap));
        },
      ),
    );
  });
});
