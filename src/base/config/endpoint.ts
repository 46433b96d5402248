import { isIP, isIPv4, isIPv6 } from 'node:net';

/** Where a server listens. `host` is an IPv4 or IPv6 address (without brackets) or a name; port 0 lets the system choose. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

const PORT_MAX = 65_535;
const NAME_CHARS_MAX = 253;
const nameLabel = /^(?!-)[A-Za-z0-9-]{1,63}(?<!-)$/;

/** Reads `host:port` or `[ipv6]:port`; undefined if the text is neither. A wildcard is written out: `0.0.0.0` or `[::]`. */
export function parseHostPort(text: string): HostPort | undefined {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]+)):(0|[1-9][0-9]{0,4})$/.exec(text);
  if (match === null) return undefined;
  const [, bracketed, plain, digits] = match;
  const port = Number(digits);
  const host = bracketed ?? plain ?? '';
  if (port > PORT_MAX) return undefined;
  // A scope (`fe80::1%eth0`) names an interface: it stays out, since no other part of the pool compares scoped addresses.
  if (bracketed !== undefined) return isIPv6(host) && !host.includes('%') ? { host, port } : undefined;
  return isHostName(host) ? { host, port } : undefined;
}

/** The inverse of `parseHostPort`. */
export function formatHostPort({ host, port }: HostPort): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** True if listening on one excludes listening on the other. */
export function collide(a: HostPort, b: HostPort): boolean {
  if (a.port === 0 || a.port !== b.port) return false;
  const anyHost = (host: string): boolean => host === '0.0.0.0' || host === '::';
  return a.host.toLowerCase() === b.host.toLowerCase() || anyHost(a.host) || anyHost(b.host);
}

function isHostName(host: string): boolean {
  // All digits and dots is meant as an address: `127.0.0.300` is a mistake, not a name.
  if (/^[0-9.]+$/.test(host)) return isIPv4(host);
  return host.length <= NAME_CHARS_MAX && isIP(host) === 0 && host.split('.').every((label) => nameLabel.test(label));
}

/** An HTTP service that the pool calls, with the credentials taken out of its URL. */
export interface HttpService {
  /** `http://host:port/path`, without credentials. */
  readonly url: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/** Reads an http or https URL; undefined for anything else, and for a query or a fragment, which neither service has. */
export function parseHttpService(text: string): HttpService | undefined {
  // WHATWG parsing drops tabs and line ends and trims blanks. They are refused, so that the shown address is the used one.
  if (/[\p{Cc}\s]/u.test(text) || !/^https?:\/\/[^/]/i.test(text)) return undefined;
  let url: URL;
  try {
    url = new URL(text);
    const decode = (part: string): string | undefined => (part === '' ? undefined : decodeURIComponent(part));
    const credentials = { username: decode(url.username), password: decode(url.password) };
    if (url.hostname === '' || url.search !== '' || url.hash !== '') return undefined;
    return { url: `${url.protocol}//${url.host}${url.pathname}`, ...credentials };
  } catch {
    return undefined; // not a URL, or credentials with a stray `%`
  }
}

/** A ZeroMQ endpoint as libzmq takes it: `tcp://host:port` or `ipc://path`. */
export function isZmqEndpoint(text: string): boolean {
  if (/[\p{Cc}\s]/u.test(text)) return false;
  if (text.startsWith('ipc://')) return text.length > 'ipc://'.length;
  const tcp = text.startsWith('tcp://') ? parseHostPort(text.slice('tcp://'.length)) : undefined;
  return tcp !== undefined && tcp.port !== 0;
}
