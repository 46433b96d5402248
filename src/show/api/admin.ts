import type { BanControl } from '#base/domain/ports';
import type { TokenGuard } from './admin-token.ts';
import { answerBans, BANS_ALLOW, isBansPath } from './bans.ts';
import { type Answer, json } from './response.ts';

/** What operators may do over HTTP. */
export interface Admin {
  readonly bans: BanControl;
}

export interface AdminRequest {
  /** Lower-case. */
  readonly method: string;
  readonly path: string;
  readonly query: string;
  /** The Authorization header; empty if there is none. */
  readonly authorization: string;
  /** The client's address. */
  readonly address: string;
}

/** Answers operators' requests; undefined for any other path. Without a guard there is no token, and every request is refused. */
export function answerAdmin(request: AdminRequest, { bans }: Admin, guard: TokenGuard | undefined): Answer | undefined {
  const { method, path, query, authorization, address } = request;
  if (!isBansPath(path)) return undefined;
  if (method === 'options') return { status: '204 No Content', type: '', body: '', allow: BANS_ALLOW };
  if (guard === undefined) {
    return json('403 Forbidden', { error: 'this needs http.admin-token in the config; `sluice bans` does without' });
  }
  const verdict = guard.check(authorization, address);
  if (verdict === 'too-many') {
    return json('429 Too Many Requests', { error: 'too many wrong tokens from this address: wait a few seconds' });
  }
  if (verdict !== 'right') {
    return json('401 Unauthorized', { error: 'send the admin token: Authorization: Bearer …' });
  }
  return answerBans(method === 'head' ? 'GET' : method.toUpperCase(), path, query, bans);
}
