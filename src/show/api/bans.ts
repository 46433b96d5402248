import type { Ban, BanControl } from '#base/domain/ports';
import { parseDurationMs } from '#base/std/duration';
import { type Answer, json } from './response.ts';

/** Where bans are served: the list at the path itself, each ban below it. */
export const BANS_PATH = '/api/v1/bans';
export const BANS_ALLOW = 'GET, POST, DELETE, OPTIONS';

const DEFAULT_REASON = 'by the operator';

/** True for the paths that `answerBans` answers. */
export function isBansPath(path: string): boolean {
  return path === BANS_PATH || path.startsWith(`${BANS_PATH}/`);
}

/**
 * Answers an operator: GET lists, POST `/ADDRESS?for=1h&reason=…` bans, DELETE `/ADDRESS` lifts. An address may be a
 * range; its slash may be written as it is. `method` is upper-case, `path` and `query` are as sent.
 */
export function answerBans(method: string, path: string, query: string, bans: BanControl): Answer {
  const address = decode(path.slice(BANS_PATH.length + 1));
  if (method === 'GET') return address === '' ? json('200 OK', { bans: bans.list().map(shown) }) : find(address, bans);
  if (method !== 'POST' && method !== 'DELETE') {
    return json('405 Method Not Allowed', { error: `use ${BANS_ALLOW}` }, BANS_ALLOW);
  }
  if (address === '') return json('400 Bad Request', { error: `name an address: ${BANS_PATH}/203.0.113.7` });
  if (method === 'DELETE') {
    return bans.lift(address) ? json('200 OK', { lifted: address }) : unknown(address);
  }
  const parameters = new URLSearchParams(query);
  const durationMs = parseDurationMs(parameters.get('for') ?? '');
  if (durationMs === undefined) {
    return json('400 Bad Request', { error: 'say for how long, as 90s, 10m, 1h or 7d' });
  }
  const ban = bans.add(address, durationMs, parameters.get('reason') ?? DEFAULT_REASON);
  return 'error' in ban ? json('400 Bad Request', { error: ban.error }) : json('200 OK', { ban: shown(ban) });
}

function find(address: string, bans: BanControl): Answer {
  const ban = bans.list().find((each) => each.address === address);
  return ban === undefined ? unknown(address) : json('200 OK', { ban: shown(ban) });
}

function unknown(address: string): Answer {
  return json('404 Not Found', { error: `${address.slice(0, 80)} is not banned` });
}

/** A ban in the API's form: times in ISO 8601. */
function shown({ address, reason, sinceMs, untilMs, times }: Ban) {
  return { address, reason, since: new Date(sinceMs).toISOString(), until: new Date(untilMs).toISOString(), times };
}

/** Percent-decoded; unchanged if decoding fails. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
