import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame, FrameDecoder, OPCODE } from '../../src/miner/websocket-frames.ts';

interface Seen {
  readonly opcode: number;
  readonly payload: string;
  readonly control: boolean;
}

const MESSAGE_BYTES_MAX = 70_000;

/** Feeds the chunks; what came out, and the problem where there was one. */
function decode(chunks: readonly Uint8Array[]): { seen: Seen[]; problem: string | undefined } {
  const seen: Seen[] = [];
  const note = (control: boolean) => (opcode: number, payload: Uint8Array) => {
    seen.push({ opcode, payload: Buffer.from(payload).toString('latin1'), control });
  };
  const decoder = new FrameDecoder(MESSAGE_BYTES_MAX, { onData: note(false), onControl: note(true) });
  for (const chunk of chunks) {
    const problem = decoder.push(chunk);
    if (problem) return { seen, problem };
  }
  return { seen, problem: undefined };
}

/** A server's frame, which has no mask. */
function serverFrame(first: number, payload: string, lengthBytes = payload.length < 126 ? 0 : 2): Buffer {
  const length = Buffer.alloc(1 + lengthBytes);
  length[0] = lengthBytes === 0 ? payload.length : lengthBytes === 2 ? 126 : 127;
  if (lengthBytes === 2) length.writeUInt16BE(payload.length, 1);
  if (lengthBytes === 8) length.writeBigUInt64BE(BigInt(payload.length), 1);
  return Buffer.concat([Buffer.of(first), length, Buffer.from(payload, 'latin1')]);
}

const TEXT = 0x80 | OPCODE.text;

describe('FrameDecoder', () => {
  const stream = Buffer.concat([
    serverFrame(TEXT, 'one'),
    serverFrame(OPCODE.text, 'frag'),
    serverFrame(0x80 | OPCODE.ping, 'between'),
    serverFrame(OPCODE.continuation, 'men'),
    serverFrame(0x80 | OPCODE.continuation, 'ted'),
    serverFrame(TEXT, ''),
    serverFrame(TEXT, 'x'.repeat(300)),
    serverFrame(TEXT, 'y'.repeat(5), 8),
  ]);
  const whole = decode([stream]);

  it('puts messages together and hands control frames out in between', () => {
    expect(whole).toEqual({
      seen: [
        { opcode: OPCODE.text, payload: 'one', control: false },
        { opcode: OPCODE.ping, payload: 'between', control: true },
        { opcode: OPCODE.text, payload: 'fragmented', control: false },
        { opcode: OPCODE.text, payload: '', control: false },
        { opcode: OPCODE.text, payload: 'x'.repeat(300), control: false },
        { opcode: OPCODE.text, payload: 'yyyyy', control: false },
      ],
      problem: undefined,
    });
  });

  it('gives the same whole, byte by byte and cut anywhere', () => {
    expect(decode(Array.from(stream, (byte) => Buffer.of(byte)))).toEqual(whole);
    for (let cut = 0; cut <= stream.length; cut += 1) {
      expect(decode([stream.subarray(0, cut), stream.subarray(cut)]), `cut at ${cut}`).toEqual(whole);
    }
  });

  it.each([
    ['a masked frame', Buffer.from(encodeFrame(OPCODE.text, Buffer.from('hi'), Buffer.alloc(4)))],
    ['reserved bits', serverFrame(TEXT | 0x40, 'hi')],
    ['a cut control frame', serverFrame(OPCODE.ping, 'hi')],
    ['a long control frame', serverFrame(0x80 | OPCODE.ping, 'x'.repeat(126))],
    ['an unknown data frame', serverFrame(0x80 | 0x3, 'hi')],
    ['an unknown control frame', serverFrame(0x80 | 0xb, 'hi')],
    ['a continuation of nothing', serverFrame(0x80 | OPCODE.continuation, 'hi')],
    ['a new message within another', Buffer.concat([serverFrame(OPCODE.text, 'a'), serverFrame(TEXT, 'b')])],
    ['a length beyond the cap', Buffer.from('817f000000000001117100', 'hex')],
    ['an absurd length', Buffer.from('817fffffffffffffffff', 'hex')],
  ])('refuses %s', (_, bytes) => {
    const { problem, seen } = decode([bytes]);
    expect(problem).toBeTypeOf('string');
    expect(seen).toEqual([]);
  });

  it('refuses fragments that together are too long', () => {
    const part = serverFrame(OPCODE.continuation, 'x'.repeat(30_000));
    expect(decode([serverFrame(OPCODE.text, ''), part, part]).problem).toBeUndefined();
    expect(decode([serverFrame(OPCODE.text, ''), part, part, part]).problem).toMatch(/too long/);
  });

  it('takes any bytes without throwing', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }), (chunks) => {
        decode(chunks);
      }),
    );
  });
});

describe('encodeFrame', () => {
  it('writes final masked frames that unmask to the payload, in each length form', () => {
    const mask = Buffer.of(1, 2, 3, 250);
    for (const length of [0, 1, 125, 126, 65_535, 65_536]) {
      const payload = Buffer.alloc(length, 0x41);
      const frame = Buffer.from(encodeFrame(OPCODE.text, payload, mask));
      const start = length < 126 ? 2 : length < 65_536 ? 4 : 10;
      expect(frame[0]).toBe(TEXT);
      expect(frame[1]).toBe(0x80 | (length < 126 ? length : length < 65_536 ? 126 : 127));
      if (start === 4) expect(frame.readUInt16BE(2)).toBe(length);
      if (start === 10) expect(frame.readBigUInt64BE(2)).toBe(BigInt(length));
      expect(frame.subarray(start, start + 4)).toEqual(mask);
      const unmasked = frame.subarray(start + 4).map((byte, at) => byte ^ (mask[at & 3] ?? 0));
      expect(Buffer.compare(unmasked, payload)).toBe(0);
    }
  });
});
