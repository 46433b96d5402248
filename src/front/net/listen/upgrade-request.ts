import { canonicalIp, formatIp, inAnyRange, parseIp } from '#base/domain/ip';
import type { HttpRequest, HttpResponse } from '#base/uws';
import type { ListenOptions } from './listener.ts';

/**
 * Refuses a request and closes its connection. Answered in a later turn: until then uWebSockets.js ends a connection that has
 * another request, while one that follows an answer within the same read would be served. Behind a proxy that one could
 * bring a PROXY header of its own.
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

/** True for a request that a page of another site has a browser make: only browsers say where they come from (RFC 6454). */
export function isForeign(req: HttpRequest, origins: readonly string[]): boolean {
  const origin = req.getHeader('origin').toLowerCase();
  return origin !== '' && !origins.includes('*') && !origins.includes(origin);
}

/** Whom a connection is from; undefined where a proxy does not say. Proxies must send a PROXY header of version 2. */
export function clientOf(res: HttpResponse, { proxies }: ListenOptions): string | undefined {
  const remoteIp = canonicalIp(Buffer.from(res.getRemoteAddressAsText()).toString('latin1'));
  if (proxies === undefined || !inAnyRange(proxies, remoteIp)) return remoteIp;
  const announced = parseIp(Buffer.from(res.getProxiedRemoteAddressAsText()).toString('latin1'));
  return announced && formatIp(announced);
}
