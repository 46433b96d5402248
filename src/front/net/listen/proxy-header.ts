import { isIPv4, isIPv6 } from 'node:net';
import { formatIp, parseIp } from '#base/domain/ip';

/**
 * The PROXY protocol: a load balancer sends the client's address in a header at the start of the connection. Version 1 is a
 * line, version 2 binary (HAProxy, proxy-protocol.txt of 2020/03/05).
 */
export type ProxyHeader =
  /** The bytes so far may become a header. */
  | { readonly kind: 'partial' }
  | { readonly kind: 'invalid'; readonly reason: string }
  | {
      readonly kind: 'header';
      /** What it took. */
      readonly bytes: number;
      /** Who the client is, in its one spelling; undefined if the proxy speaks for itself or does not know. */
      readonly source: string | undefined;
    };

/** "PROXY UNKNOWN" with the longest addresses, and CR LF. */
const V1_BYTES_MAX = 107;
const V1_START = Buffer.from('PROXY ', 'latin1');
const V2_START = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);
/** Signature, version and command, family, length (u16 big-endian). */
const V2_FIXED_BYTES = 16;
/** Addresses and TLVs. A TLS proxy's own TLVs, with a client's name in them, are a few hundred bytes. */
const V2_PAYLOAD_BYTES_MAX = 2048;
/** Source and destination address, and their ports, by family and protocol: TCP over IPv4, over IPv6. */
const V2_ADDRESS_BYTES: ReadonlyMap<number, number> = new Map([
  [0x11, 4],
  [0x21, 16],
]);

const partial: ProxyHeader = { kind: 'partial' };
const invalid = (reason: string): ProxyHeader => ({ kind: 'invalid', reason });

/** Reads the header at the start of a connection. Fails at the first byte that can not be part of a header. */
export function readProxyHeader(bytes: Uint8Array): ProxyHeader {
  if (bytes.length === 0) return partial;
  if (begins(bytes, V1_START)) return readV1(bytes);
  if (begins(bytes, V2_START)) return readV2(bytes);
  return invalid('no PROXY header');
}

/** True if either text is a prefix of the other. */
function begins(bytes: Uint8Array, start: Uint8Array): boolean {
  const length = Math.min(bytes.length, start.length);
  for (let i = 0; i < length; i += 1) if (bytes[i] !== start[i]) return false;
  return true;
}

function readV1(bytes: Uint8Array): ProxyHeader {
  const end = bytes.indexOf(0x0a);
  if (end === -1) return bytes.length < V1_BYTES_MAX ? partial : invalid('version 1: too long');
  if (end >= V1_BYTES_MAX || bytes[end - 1] !== 0x0d) return invalid('version 1: too long, or no CR LF');
  const line = Buffer.from(bytes.subarray(0, end - 1)).toString('latin1');
  const [, protocol, source = '', destination = '', sourcePort = '', destinationPort = '', ...more] = line.split(' ');
  const header = (from: string | undefined): ProxyHeader => ({ kind: 'header', bytes: end + 1, source: from });
  if (protocol === 'UNKNOWN') return header(undefined);
  const isAddress = protocol === 'TCP4' ? isIPv4 : protocol === 'TCP6' ? isIPv6 : undefined;
  if (isAddress === undefined) return invalid('version 1: neither TCP4, TCP6 nor UNKNOWN');
  const address = parseIp(source);
  if (!isAddress(source) || !isAddress(destination) || address === undefined) return invalid('version 1: bad address');
  if (!isPort(sourcePort) || !isPort(destinationPort) || more.length > 0) return invalid('version 1: bad port');
  return header(formatIp(address));
}

function isPort(text: string): boolean {
  return /^(0|[1-9][0-9]{0,4})$/.test(text) && Number(text) <= 65_535;
}

function readV2(bytes: Uint8Array): ProxyHeader {
  const command = bytes[12];
  if (command !== undefined && command !== 0x20 && command !== 0x21) return invalid('version 2: unknown command');
  if (bytes.length < V2_FIXED_BYTES) return partial;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const payloadBytes = view.getUint16(14);
  if (payloadBytes > V2_PAYLOAD_BYTES_MAX) return invalid('version 2: too long');
  const family = bytes[13] ?? 0;
  // LOCAL is the proxy's own health check: whatever else it says is to be ignored. Family 0 is "unspecified".
  const anonymous = command === 0x20 || family === 0;
  const addressBytes = anonymous ? 0 : V2_ADDRESS_BYTES.get(family);
  if (addressBytes === undefined) return invalid('version 2: not TCP over IPv4 or IPv6');
  const addressesEnd = anonymous ? 0 : 2 * addressBytes + 4;
  if (payloadBytes < addressesEnd) return invalid('version 2: too short for its addresses');
  const end = V2_FIXED_BYTES + payloadBytes;
  if (bytes.length < end) return partial;
  if (!anonymous && !areTlvs(bytes.subarray(V2_FIXED_BYTES + addressesEnd, end))) return invalid('version 2: bad TLV');
  if (anonymous) return { kind: 'header', bytes: end, source: undefined };
  const address = parseIp(formatIp(bytes.subarray(V2_FIXED_BYTES, V2_FIXED_BYTES + addressBytes)));
  return { kind: 'header', bytes: end, source: address && formatIp(address) };
}

/** Type, length (u16 big-endian), value, over and over; nothing of it is used. */
function areTlvs(bytes: Uint8Array): boolean {
  let at = 0;
  while (at < bytes.length) {
    if (at + 3 > bytes.length) return false;
    at += 3 + (((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0));
  }
  return at === bytes.length;
}
