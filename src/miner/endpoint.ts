/** Where a miner connects to. */
export interface Endpoint {
  readonly transport: 'tcp' | 'websocket';
  readonly host: string;
  readonly port: number;
  /** Of a WebSocket's request, with its query. */
  readonly path: string;
}

const transports: Readonly<Record<string, Endpoint['transport']>> = {
  'stratum+tcp:': 'tcp',
  'stratum+ws:': 'websocket',
};

/** Reads `stratum+tcp://host:port` or `stratum+ws://host:port/path`; throws an Error that describes the mistake. */
export function parseEndpoint(text: string): Endpoint {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const transport = transports[url?.protocol ?? ''];
  if (!url || !transport) {
    throw new Error(`miner: ${JSON.stringify(text)} is no stratum+tcp://host:port or stratum+ws://host:port`);
  }
  const port = Number(url.port);
  if (url.hostname === '' || url.port === '' || port === 0) {
    throw new Error(`miner: ${JSON.stringify(text)} needs a host and a port`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new Error('miner: user and password are options of their own, not part of the URL');
  }
  // An IPv6 host has brackets in a URL, and none in a socket's address.
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return { transport, host, port, path: `${url.pathname === '' ? '/' : url.pathname}${url.search}` };
}
