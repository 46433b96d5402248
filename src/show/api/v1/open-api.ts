import { z } from 'zod';
import type { Endpoint } from './endpoint.ts';

/** A schema as OpenAPI 3.1 has it: JSON Schema, draft 2020-12. */
type JsonSchema = Readonly<Record<string, unknown>>;

const PROBLEM = {
  description: 'A problem (RFC 9457)',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
} as const;

const problemShape = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  error: z.string(),
});

/** Describes endpoints by the schemas that they use themselves. */
export function openApi(endpoints: readonly Endpoint[]) {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sluice',
      version: '1',
      description:
        'What a Bitcoin mining pool shows of itself. Times are ISO 8601 in UTC, rates are hashes a second, difficulties are Bitcoin’s. Satoshis and work are decimal strings, because they may exceed what a number holds exactly. What is not known is null, or the answer is 503; nothing is estimated in its place.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(endpoints.map(({ group }) => group))].map((name) => ({ name })),
    paths: Object.fromEntries(endpoints.map((each) => [each.path, { get: operation(each) }])),
    components: { schemas: { Problem: schemaOf(problemShape, 'output') } },
    security: [],
  };
}

function operation(endpoint: Endpoint) {
  const { path, group, summary, description, params, query, response, mediaType = 'application/json' } = endpoint;
  return {
    operationId: operationId(path),
    tags: [group],
    summary,
    description,
    parameters: [...parameters(params, 'path'), ...parameters(query, 'query')],
    responses: {
      200: { description: summary, content: { [mediaType]: { schema: schemaOf(response, 'output') } } },
      400: PROBLEM,
      404: PROBLEM,
      429: PROBLEM,
      503: PROBLEM,
    },
  };
}

/** `/api/v1/miners/{address}/balance` → `minersAddressBalance`. */
function operationId(path: string): string {
  const words = path
    .replace(/^\/api\/v1\//, '')
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== '');
  return words.map((word, at) => (at === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1))).join('');
}

function parameters(schema: z.ZodObject, place: 'path' | 'query') {
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as {
    properties?: Record<string, JsonSchema>;
    required?: readonly string[];
  };
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...(description !== undefined && { description }),
    schema: rest,
  }));
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any', reused: 'inline' });
  return rest;
}
