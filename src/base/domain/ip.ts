import { isIPv4, isIPv6 } from 'node:net';

/** An address range: `203.0.113.0/24`, `2001:db8::/32`, or a single address. */
export interface IpRange {
  /** One spelling for each range: host bits zero, IPv6 compressed, no prefix length for a single address. */
  readonly text: string;
  /** Network byte order: 4 bytes for IPv4, 16 for IPv6. */
  readonly bytes: Uint8Array;
  /** Leading bits that count. */
  readonly bits: number;
}

/** Text that is worth parsing: the longest IPv6 range has 49 characters, a scope some more. */
const TEXT_CHARS_MAX = 80;
/** The addresses of one customer: an IPv4 address, or an IPv6 /64, of which a customer has all addresses. */
const HOST_BITS = { 4: 32, 16: 64 } as const;
/** Neighbours who may be one party: a /24, or the /48 of a site. */
const SUBNET_BITS = { 4: 24, 16: 48 } as const;

/**
 * Reads an IP address in network byte order: 4 bytes, or 16. An IPv4 address in IPv6 (`::ffff:a.b.c.d`, RFC 4291) is
 * the IPv4 address. Undefined for anything else, and for a scope (`fe80::1%eth0`).
 */
export function parseIp(text: string): Uint8Array | undefined {
  if (text.length > TEXT_CHARS_MAX || text.includes('%')) return undefined;
  if (isIPv4(text)) return Uint8Array.from(text.split('.'), Number);
  if (!isIPv6(text)) return undefined;
  const bytes = ipv6Bytes(text);
  const mapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  return mapped ? bytes.slice(12) : bytes;
}

/** `text` is valid. */
function ipv6Bytes(text: string): Uint8Array {
  const groupsOf = (part: string): number[] =>
    part === ''
      ? []
      : part.split(':').flatMap((group) => (group.includes('.') ? dottedGroups(group) : [Number.parseInt(group, 16)]));
  const [head = '', tail] = text.split('::');
  const left = groupsOf(head);
  const right = tail === undefined ? [] : groupsOf(tail);
  const groups = [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
  return Uint8Array.from(groups.flatMap((group) => [group >>> 8, group & 0xff]));
}

function dottedGroups(dotted: string): number[] {
  const [a = 0, b = 0, c = 0, d = 0] = dotted.split('.').map(Number);
  return [a * 256 + b, c * 256 + d];
}

/** The inverse of `parseIp`; IPv6 compressed (RFC 5952). */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  // The first of the longest runs of two or more zero groups becomes `::`.
  let [from, length] = [-1, 1];
  for (let start = 0; start < 8; start += 1) {
    let end = start;
    while (end < 8 && groups[end] === 0) end += 1;
    if (end - start > length) [from, length] = [start, end - start];
  }
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  return from === -1 ? hex(groups) : `${hex(groups.slice(0, from))}::${hex(groups.slice(from + length))}`;
}

/** An IP address in its one spelling, without a scope (`fe80::1%eth0`): see `parseIp`. Text that is no address stays as it is. */
export function canonicalIp(text: string): string {
  const bytes = parseIp(text.replace(/%.*/, ''));
  return bytes === undefined ? text : formatIp(bytes);
}

/** Reads `address` or `address/bits`; undefined for anything else. Bits after the prefix are dropped. */
export function parseRange(text: string): IpRange | undefined {
  const match = /^([^/]+)(?:\/(0|[1-9][0-9]{0,2}))?$/.exec(text);
  const bytes = parseIp(match?.[1] ?? '');
  if (bytes === undefined) return undefined;
  const bitsMax = bytes.length * 8;
  const bits = match?.[2] === undefined ? bitsMax : Number(match[2]);
  return bits > bitsMax ? undefined : rangeOf(bytes, bits);
}

function rangeOf(address: Uint8Array, bits: number): IpRange {
  const bytes = address.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - 8 * i))));
  const text = formatIp(bytes);
  return { text: bits === bytes.length * 8 ? text : `${text}/${bits}`, bytes, bits };
}

/** The range that a ban or limit of `address` covers, as text; the text itself if it is no address. */
export function hostOf(address: string): string {
  return prefixOf(address, HOST_BITS);
}

/** The range of an address's neighbours, as text. */
export function subnetOf(address: string): string {
  return prefixOf(address, SUBNET_BITS);
}

function prefixOf(address: string, bitsOf: { readonly 4: number; readonly 16: number }): string {
  const bytes = parseIp(address);
  if (bytes === undefined) return address;
  return rangeOf(bytes, bytes.length === 4 ? bitsOf[4] : bitsOf[16]).text;
}

/** True if `address` (in network byte order) lies within `range`. */
export function inRange(range: IpRange, address: Uint8Array): boolean {
  if (address.length !== range.bytes.length) return false;
  const whole = range.bits >>> 3;
  for (let i = 0; i < whole; i += 1) if (address[i] !== range.bytes[i]) return false;
  const mask = 0xff00 >> (range.bits & 7);
  return (((address[whole] ?? 0) ^ (range.bytes[whole] ?? 0)) & mask & 0xff) === 0;
}

/** True if any of the ranges holds the address; false for text that is no address. */
export function inAnyRange(ranges: readonly IpRange[], address: string): boolean {
  if (ranges.length === 0) return false;
  const bytes = parseIp(address);
  return bytes !== undefined && ranges.some((range) => inRange(range, bytes));
}
