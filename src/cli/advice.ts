import type { Config } from '#base/config/config';
import { inAnyRange, parseRange } from '#base/domain/ip';
import { receiveBufferAdvice } from '#front/net/listen/receive-buffer';

const LOOPBACK = ['127.0.0.0/8', '::1/128'].flatMap((range) => parseRange(range) ?? []);

/** Advice on this config for this machine, beside the config's own warnings. */
export function adviceFor({ stratum }: Pick<Config, 'stratum'>): readonly string[] {
  const { websocket } = stratum;
  const isPublic = websocket !== undefined && websocket.host !== 'localhost' && !inAnyRange(LOOPBACK, websocket.host);
  const advice = isPublic ? receiveBufferAdvice() : undefined;
  return advice === undefined ? [] : [`stratum.websocket: ${advice}`];
}
