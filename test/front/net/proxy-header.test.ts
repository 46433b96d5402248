import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIp } from '#base/domain/ip';
import { readProxyHeader } from '#front/net/listen/proxy-header';

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const signature = latin1('\r\n\r\n\0\r\nQUIT\n');

/** A header of version 2. `payload` defaults to the length that it has. */
function v2(command: number, family: number, payload: Uint8Array, length = payload.length): Buffer {
  return Buffer.concat([signature, Buffer.from([command, family, length >>> 8, length & 0xff]), payload]);
}

const ipv4 = Buffer.from([203, 0, 113, 7, 10, 0, 0, 1, 0xc0, 0x00, 0x0d, 0x05]);
const ipv6 = Buffer.concat([
  Buffer.from('20010db8000000000000000000000007', 'hex'),
  Buffer.from('20010db8000000000000000000000001', 'hex'),
  Buffer.from([0xc0, 0x00, 0x0d, 0x05]),
]);
const tlv = (type: number, value: string): Buffer =>
  Buffer.concat([Buffer.from([type, 0, value.length]), latin1(value)]);

const good: [name: string, header: Buffer, source: string | undefined][] = [
  ['v1 over IPv4', latin1('PROXY TCP4 203.0.113.7 10.0.0.1 49152 3333\r\n'), '203.0.113.7'],
  ['v1 over IPv6', latin1('PROXY TCP6 2001:DB8:0::7 2001:db8::1 0 65535\r\n'), '2001:db8::7'],
  ['v1 of IPv4 in IPv6', latin1('PROXY TCP6 ::ffff:203.0.113.7 ::1 1 2\r\n'), '203.0.113.7'],
  ['v1 unknown', latin1('PROXY UNKNOWN\r\n'), undefined],
  ['v1 unknown, with addresses', latin1(`PROXY UNKNOWN ${'f'.repeat(90)}\r\n`), undefined],
  ['v2 over IPv4', v2(0x21, 0x11, ipv4), '203.0.113.7'],
  ['v2 over IPv6', v2(0x21, 0x21, ipv6), '2001:db8::7'],
  ['v2 local', v2(0x20, 0x00, Buffer.alloc(0)), undefined],
  ['v2 local with addresses', v2(0x20, 0x11, ipv4), undefined],
  ['v2 local with nonsense', v2(0x20, 0x99, Buffer.from([1, 2, 3])), undefined],
  ['v2 unspecified', v2(0x21, 0x00, Buffer.from([9, 9])), undefined],
  [
    'v2 with TLVs',
    v2(0x21, 0x11, Buffer.concat([ipv4, tlv(1, 'h2'), tlv(2, 'pool.example'), tlv(4, '')])),
    '203.0.113.7',
  ],
];

const bad: [name: string, bytes: Buffer][] = [
  ['a request', latin1('{"id":1}\n')],
  ['a TLS hello', Buffer.from([0x16, 3, 1])],
  ['another word', latin1('PROXIES')],
  ['lower case', latin1('proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n')],
  ['v1 without CR', latin1('PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n')],
  ['v1 of 108 bytes', latin1(`PROXY UNKNOWN ${'f'.repeat(92)}\r\n`)],
  ['v1 that never ends', latin1(`PROXY TCP4 ${'1'.repeat(96)}`)],
  ['v1 of another protocol', latin1('PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n')],
  ['v1 of the wrong family', latin1('PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n')],
  ['v1 of the other wrong family', latin1('PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n')],
  ['v1 with two blanks', latin1('PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n')],
  ['v1 with a port too high', latin1('PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n')],
  ['v1 with a zero too much', latin1('PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n')],
  ['v1 without ports', latin1('PROXY TCP4 1.2.3.4 1.2.3.4\r\n')],
  ['v1 with more', latin1('PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n')],
  ['v2 of another version', v2(0x31, 0x11, ipv4)],
  ['v2 with another command', v2(0x22, 0x11, ipv4)],
  ['v2 over UDP', v2(0x21, 0x12, ipv4)],
  ['v2 of a UNIX socket', v2(0x21, 0x31, Buffer.alloc(216))],
  ['v2 too short for IPv4', v2(0x21, 0x11, ipv4.subarray(1))],
  ['v2 too short for IPv6', v2(0x21, 0x21, ipv4)],
  ['v2 too long', v2(0x21, 0x11, ipv4, 0xffff)],
  ['v2 with a TLV cut off', v2(0x21, 0x11, Buffer.concat([ipv4, Buffer.from([1, 0, 2, 0x68])]))],
  ['v2 with a TLV without length', v2(0x21, 0x11, Buffer.concat([ipv4, Buffer.from([1])]))],
];

describe('a PROXY header', () => {
  it.each(good)('%s gives the client’s address', (_name, header, source) => {
    expect(readProxyHeader(header)).toEqual({ kind: 'header', bytes: header.length, source });
    // What follows is left alone, whatever it is.
    const followed = Buffer.concat([header, latin1('PROXY {"id":1}\n')]);
    expect(readProxyHeader(followed)).toEqual({ kind: 'header', bytes: header.length, source });
  });

  it.each(good)('%s is not there before its last byte, cut at every byte', (_name, header) => {
    for (let bytes = 0; bytes < header.length; bytes += 1) {
      expect(readProxyHeader(header.subarray(0, bytes)), `${bytes} bytes`).toEqual({ kind: 'partial' });
    }
  });

  it.each(bad)('%s is none', (_name, bytes) => {
    expect(readProxyHeader(bytes)).toMatchObject({ kind: 'invalid', reason: expect.any(String) });
  });

  it('says so at the first byte that can not be right', () => {
    for (const start of [latin1('PROXY '), signature]) {
      for (let at = 0; at < start.length; at += 1) {
        const bytes = Buffer.from(start.subarray(0, at + 1));
        bytes[at] = (bytes[at] ?? 0) ^ 0x80;
        expect(readProxyHeader(bytes).kind, `byte ${at}`).toBe('invalid');
      }
    }
  });
});

describe('any bytes', () => {
  const mutated = fc
    .tuple(
      fc.constantFrom(...good.map(([, header]) => header)),
      fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 4 }),
    )
    .map(([header, changes]) => {
      const bytes = Buffer.concat([header, Buffer.alloc(64)]);
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      return bytes;
    });
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.uint8Array({ maxLength: 300 }).map((tail) => Buffer.concat([signature, tail])),
    fc.string({ maxLength: 120 }).map((tail) => latin1(`PROXY ${tail}\r\n`)),
    mutated,
  );

  it('are read the same whole and byte by byte', () => {
    fc.assert(
      fc.property(anything, (bytes) => {
        const whole = readProxyHeader(bytes);
        if (whole.kind === 'partial') expect(bytes.length).toBeLessThan(16 + 2048);
        if (whole.kind === 'header') {
          expect(whole.bytes).toBeLessThanOrEqual(bytes.length);
          for (let cut = 0; cut < whole.bytes; cut += 1) {
            expect(readProxyHeader(bytes.subarray(0, cut)).kind).toBe('partial');
          }
        }
        // Once it is decided, more bytes change nothing.
        const cut = Math.floor(bytes.length / 2);
        const half = readProxyHeader(bytes.subarray(0, cut));
        if (half.kind !== 'partial') expect(whole).toEqual(half);
      }),
      { numRuns: 2000 },
    );
  });

  it('give back the address that was put in', () => {
    const address = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      // Not an IPv4 address in IPv6, which is shown as IPv4.
      fc.uint8Array({ minLength: 15, maxLength: 15 }).map((tail) => Uint8Array.from([0x20, ...tail])),
    );
    const port = fc.nat(65_535);
    fc.assert(
      fc.property(address, port, port, fc.uint8Array({ maxLength: 40 }), (bytes, from, to, value) => {
        const text = formatIp(bytes);
        const family = bytes.length === 4 ? 4 : 6;
        const line = latin1(`PROXY TCP${family} ${text} ${text} ${from} ${to}\r\n`);
        expect(readProxyHeader(line)).toMatchObject({ kind: 'header', source: text });
        const ports = [from >>> 8, from & 0xff, to >>> 8, to & 0xff];
        const payload = Buffer.from([...bytes, ...bytes, ...ports, 0xe0, 0, value.length, ...value]);
        const binary = v2(0x21, family === 4 ? 0x11 : 0x21, payload);
        expect(readProxyHeader(binary)).toEqual({ kind: 'header', bytes: binary.length, source: text });
      }),
    );
  });
});
