import type { z } from 'zod';
import { problem } from '../problem.ts';
import { type Answer, json } from '../response.ts';
import { type Endpoint, OtherAnswer } from './endpoint.ts';

/** Characters of a path with its query: each of an address' 90 and a name's 128 may be written as nine. */
const URL_CHARS_MAX = 2_000;
/** Reasons of a bad request that are told. */
const ISSUES_MAX = 5;

/** A request that an endpoint is there for. */
export interface Matched {
  readonly endpoint: Endpoint;
  answer(): Promise<Answer>;
}

/** Finds the endpoint of a path. A name in braces stands for one step of the path. */
export class Router {
  readonly #byLength = new Map<number, { readonly steps: readonly string[]; readonly endpoint: Endpoint }[]>();

  constructor(endpoints: readonly Endpoint[]) {
    for (const endpoint of endpoints) {
      const steps = endpoint.path.split('/');
      const same = this.#byLength.get(steps.length) ?? [];
      same.push({ steps, endpoint });
      // `/miners/top` comes before `/miners/{address}`.
      same.sort((a, b) => braces(a.steps) - braces(b.steps));
      this.#byLength.set(steps.length, same);
    }
  }

  /** Undefined if no endpoint has the path. `path` and `query` are as sent. */
  match(path: string, query: string): Matched | undefined {
    const written = path.split('/', 16);
    const found = this.#byLength
      .get(written.length)
      ?.find(({ steps }) => steps.every((step, at) => (isName(step) ? written[at] !== '' : step === written[at])));
    if (found === undefined) return undefined;
    const { endpoint, steps } = found;
    return { endpoint, answer: () => answerTo(endpoint, paramsOf(steps, written), query, path.length) };
  }
}

async function answerTo(
  endpoint: Endpoint,
  params: Readonly<Record<string, string>> | undefined,
  query: string,
  pathChars: number,
): Promise<Answer> {
  if (pathChars + query.length > URL_CHARS_MAX || params === undefined) {
    return problem('400 Bad Request', 'the path can not be read');
  }
  const read = endpoint.params.safeParse(params);
  const asked = endpoint.query.safeParse(queryOf(query));
  if (!read.success || !asked.success) return refused([...issuesOf(read), ...issuesOf(asked)]);
  const body = await endpoint.answer({ params: read.data, query: asked.data } as never);
  if (body instanceof OtherAnswer) return body.answer;
  const answer = json('200 OK', body);
  return endpoint.freshSeconds > 0 ? { ...answer, freshSeconds: endpoint.freshSeconds } : answer;
}

interface Issue {
  readonly name: string;
  readonly reason: string;
}

function issuesOf(result: z.ZodSafeParseResult<unknown>): Issue[] {
  if (result.success) return [];
  return result.error.issues.slice(0, ISSUES_MAX).map(({ path, message }) => ({
    name: String(path[0] ?? '').slice(0, 40),
    reason: message.slice(0, 200),
  }));
}

function refused(issues: readonly Issue[]): Answer {
  const detail = issues.map(({ name, reason }) => (name === '' ? reason : `${name}: ${reason}`)).join('; ');
  return problem('400 Bad Request', detail, { issues });
}

function isName(step: string): boolean {
  return step.startsWith('{');
}

function braces(steps: readonly string[]): number {
  return steps.filter(isName).length;
}

/** Percent-decoded; undefined if a step can not be decoded. */
function paramsOf(steps: readonly string[], written: readonly string[]): Readonly<Record<string, string>> | undefined {
  try {
    return Object.fromEntries(
      steps.flatMap((step, at) => (isName(step) ? [[step.slice(1, -1), decodeURIComponent(written[at] ?? '')]] : [])),
    );
  } catch {
    return undefined;
  }
}

/** The parameters of a query; one that is given twice is refused by its schema, as a list is no text. */
function queryOf(query: string): Record<string, string | string[]> {
  const given = new Map<string, string | string[]>();
  for (const [name, value] of new URLSearchParams(query)) {
    const before = given.get(name);
    given.set(name, before === undefined ? value : [...(typeof before === 'string' ? [before] : []), value]);
  }
  return Object.fromEntries(given);
}
