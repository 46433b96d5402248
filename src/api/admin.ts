import { createHash, timingSafeEqual } from 'node:crypto';
import type { BanControl } from '../domain/ports.ts';
import { answerBans, BANS_ALLOW, isBansPath } from './bans.ts';
import { type Answer, json } from './response.ts';

/** What operators may do over HTTP, and the token that makes one of somebody. */
export interface Admin {
  /** Undefined: nobody is one. */
  readonly token: string | undefined;
  readonly bans: BanControl;
}

export interface AdminRequest {
  /** Lower-case. */
  readonly method: string;
  readonly path: string;
  readonly query: string;
  /** The Authorization header; empty where there is none. */
  readonly authorization: string;
  /** The client's address. */
  readonly address: string;
}

/** Answers what is for operators alone; undefined where the path is none of theirs. */
export function answerAdmin(request: AdminRequest, admin: Admin): Answer | undefined {
  const { method, path, query, authorization } = request;
  if (!isBansPath(path)) return undefined;
  if (method === 'options') return { status: '204 No Content', type: '', body: '', allow: BANS_ALLOW };
  if (admin.token === undefined) {
    return json('403 Forbidden', { error: 'this needs http.admin-token in the config; `sluice bans` does without' });
  }
  if (!isBearer(authorization, admin.token)) {
    return json('401 Unauthorized', { error: 'send the admin token: Authorization: Bearer …' });
  }
  return answerBans(method === 'head' ? 'GET' : method.toUpperCase(), path, query, admin.bans);
}

/** Compares in a time that says nothing of where they differ, nor how long the token is (RFC 6750). */
function isBearer(authorization: string, token: string): boolean {
  const given = /^bearer +(\S+) *$/i.exec(authorization)?.[1];
  if (given === undefined) return false;
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}
