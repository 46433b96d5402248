import type { z } from 'zod';
import type { Answer } from '../response.ts';

/** What a request brings, read by the endpoint's schemas. */
export interface Asked<Params, Query> {
  readonly params: Params;
  readonly query: Query;
}

/**
 * One place of the API. Its schemas are the one source for what is accepted, for the types of the code behind it, and for
 * `/openapi.json`.
 */
export interface Endpoint {
  readonly path: string;
  readonly summary: string;
  /** More than a line, in plain text. */
  readonly description: string;
  readonly group: Group;
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  readonly response: z.ZodType;
  /** The media type of an answer that is no JSON. */
  readonly mediaType?: string;
  /** What a request costs its address, in requests (limits.ts). */
  readonly cost: number;
  /** How long an answer may be kept, seconds; 0: it is to be asked for anew each time. */
  readonly freshSeconds: number;
  /** `params` and `query` as `params` and `query` above have read them. Resolves with the body, or with another answer. */
  readonly answer: (asked: Asked<never, never>) => Promise<unknown>;
}

export type Group = 'pool' | 'miners' | 'blocks' | 'payouts' | 'work' | 'compatible' | 'operators';

type Shape = Readonly<Record<string, z.ZodType>>;

interface Definition<P extends Shape, Q extends Shape, R extends z.ZodType>
  extends Omit<Endpoint, 'params' | 'query' | 'response' | 'answer'> {
  readonly params: z.ZodObject<P>;
  readonly query: z.ZodObject<Q>;
  readonly response: R;
  answer(asked: Asked<z.output<z.ZodObject<P>>, z.output<z.ZodObject<Q>>>): Promise<z.input<NoInfer<R>> | OtherAnswer>;
}

/** An answer that is none of the endpoint's body: a problem, or a text. */
export class OtherAnswer {
  readonly answer: Answer;

  constructor(answer: Answer) {
    this.answer = answer;
  }
}

/** Checks that the code behind an endpoint fits its schemas. */
export function endpoint<P extends Shape, Q extends Shape, R extends z.ZodType>(
  definition: Definition<P, Q, R>,
): Endpoint {
  return definition as unknown as Endpoint;
}
