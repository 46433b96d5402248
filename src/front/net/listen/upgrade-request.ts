import { canonicalIp, formatIp, inAnyRange, parseIp } from '#base/domain/ip';
import type { HttpRequest, HttpResponse } from '#base/uws';
import type { ListenOptions } from './listener.ts';

/**
 * Refuses a request and closes its connection. The answer is sent in a later turn. Until then uWebSockets.js closes the
 * connection if another request arrives. If the answer were sent at once, uWebSockets.js would serve another request of the same
 * read, and behind a proxy that request could have its own PROXY header.
 */
export function refuse(res: HttpResponse, status: string): void {
  let gone = false;
  res.onAborted(() => {
    gone = true;
  });
  setImmediate(() => {
    if (gone) return;
    res.cork(() => {
      res.writeStatus(status);
      if (status.startsWith('426')) res.writeHeader('Upgrade', 'websocket');
      res.end('Stratum over WebSocket\n', true);
    });
  });
}

/** True for a request of a web page of a site that is not allowed: only browsers send an Origin header (RFC 6454). */
export function isForeign(req: HttpRequest, origins: readonly string[]): boolean {
  const origin = req.getHeader('origin').toLowerCase();
  return origin !== '' && !origins.includes('*') && !origins.includes(origin);
}

/** The client's address; undefined if a proxy sent none. Proxies must send a PROXY header of version 2. */
export function clientOf(res: HttpResponse, { proxies }: ListenOptions): string | undefined {
  const remoteIp = canonicalIp(Buffer.from(res.getRemoteAddressAsText()).toString('latin1'));
  if (proxies === undefined || !inAnyRange(proxies, remoteIp)) return remoteIp;
  const announced = parseIp(Buffer.from(res.getProxiedRemoteAddressAsText()).toString('latin1'));
  return announced && formatIp(announced);
}
