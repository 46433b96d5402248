import { type Answer, json } from './response.ts';

/** An answer that tells of a problem (RFC 9457). `error` is the detail once more, under the name that the API began with. */
export function problem(status: Answer['status'], detail: string, more: object = {}, allow?: string): Answer {
  const answer = json(
    status,
    {
      type: 'about:blank',
      title: status.slice(4),
      status: Number.parseInt(status, 10),
      detail,
      error: detail,
      ...more,
    },
    allow,
  );
  return { ...answer, type: 'application/problem+json; charset=utf-8' };
}

/** What a fault of the pool looks like from outside: nothing of the fault itself is in it. */
export const internalError: Answer = problem('500 Internal Server Error', 'internal error');
