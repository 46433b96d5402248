import { z } from 'zod';
import { type Endpoint, endpoint, OtherAnswer } from './endpoint.ts';
import { openApi } from './open-api.ts';
import { referencePage } from './reference-page.ts';
import { noParams, noQuery } from './shapes.ts';

const FRESH_SECONDS = 300;

/** What describes the API: to programs and to people. */
export function documents(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const described = once(() => openApi(endpoints));
  const page = once(() => referencePage(endpoints));
  return [
    endpoint({
      path: '/openapi.json',
      group: 'pool',
      summary: 'This API as OpenAPI 3.1',
      description: 'Made of the schemas that check each request.',
      params: noParams,
      query: z.object({}),
      response: z.looseObject({ openapi: z.string() }),
      cost: 1,
      freshSeconds: FRESH_SECONDS,
      answer: async () => described(),
    }),
    endpoint({
      path: '/api/v1/reference',
      group: 'pool',
      summary: 'This API as a page',
      description: 'It loads nothing else and runs no script.',
      params: noParams,
      query: noQuery,
      response: z.string(),
      mediaType: 'text/html',
      cost: 1,
      freshSeconds: FRESH_SECONDS,
      answer: async () =>
        new OtherAnswer({
          status: '200 OK',
          type: 'text/html; charset=utf-8',
          body: page().html,
          freshSeconds: FRESH_SECONDS,
          contentSecurityPolicy: page().contentSecurityPolicy,
        }),
    }),
  ];
}

/** What is made when it is first asked for. */
function once<Made>(make: () => Made): () => Made {
  let made: Made | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
