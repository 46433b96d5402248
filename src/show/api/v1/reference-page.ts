import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Endpoint, Group } from './endpoint.ts';

const STYLE = `
  :root { color-scheme: light dark; --line: #8884; --dim: #777; --mark: #f7931a; }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
  h1 { font-size: 1.6rem; } h2 { margin-top: 2.5rem; border-bottom: 2px solid var(--mark); }
  code, pre { font: 0.875rem/1.45 ui-monospace, monospace; }
  pre { overflow-x: auto; border: 1px solid var(--line); border-radius: 4px; padding: 0.6rem; }
  details { border-bottom: 1px solid var(--line); padding: 0.5rem 0; } summary { cursor: pointer; }
  summary code { font-weight: 600; } p { margin: 0.5rem 0; }
  table { border-collapse: collapse; } th, td { text-align: left; padding: 0.15rem 1rem 0.15rem 0; vertical-align: top; }
`;

const TITLES: Readonly<Record<Group, string>> = {
  pool: 'The pool',
  miners: 'Miners',
  blocks: 'Blocks and rounds',
  payouts: 'Payouts',
  work: 'Work',
  compatible: 'What other pools answer',
  operators: 'For operators',
};

/** The endpoints as a page for people. A browser may use the page's own style, and loads and runs nothing. */
export function referencePage(endpoints: readonly Endpoint[]): { html: string; contentSecurityPolicy: string } {
  const digest = createHash('sha256').update(STYLE).digest('base64');
  const groups = (Object.keys(TITLES) as Group[]).map((group) => {
    const those = endpoints.filter((each) => each.group === group);
    return those.length === 0 ? '' : `<h2>${text(TITLES[group])}</h2>\n${those.map(entry).join('\n')}`;
  });
  return {
    html: `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sluice: API</title><style>${STYLE}</style></head>
<body>
<h1>Sluice: API</h1>
<p>Times are ISO 8601 in UTC, rates are hashes a second, difficulties are Bitcoin’s. Satoshis and work are decimal strings.
What is not known is <code>null</code>, or the answer is 503. Errors are <code>application/problem+json</code>.
For programs: <a href="/openapi.json">/openapi.json</a>.</p>
${groups.join('\n')}
</body>
</html>
`,
    contentSecurityPolicy: `default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  };
}

function entry({ path, summary, description, params, query, response, mediaType }: Endpoint): string {
  const rows = [...fields(params), ...fields(query)];
  const given =
    rows.length === 0
      ? ''
      : `<table><tr><th>given</th><th>what it may be</th></tr>${rows.map(([name, what]) => `<tr><td><code>${text(name)}</code></td><td>${what}</td></tr>`).join('')}</table>`;
  const shape = mediaType === undefined ? `<pre>${text(outline(schema(response, 'output'), 0))}</pre>` : '';
  const link = path.includes('{') ? '' : `<p><a href="${text(path)}">Ask it</a></p>`;
  return `<details><summary><code>GET ${text(path)}</code> ${text(summary)}</summary>
<p>${text(description)}</p>${link}${given}${shape}</details>`;
}

interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly anyOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly pattern?: string;
}

function schema(of: z.ZodType, io: 'input' | 'output'): JsonSchema {
  return z.toJSONSchema(of, { io, unrepresentable: 'any', reused: 'inline' }) as JsonSchema;
}

function fields(of: z.ZodObject): readonly (readonly [string, string])[] {
  return Object.entries(schema(of, 'input').properties ?? {}).map(([name, each]) => [name, text(describe(each))]);
}

function describe({ description, enum: values, default: usual, pattern }: JsonSchema): string {
  const what = description ?? values?.join(', ') ?? (pattern === undefined ? 'text' : `like ${pattern}`);
  return usual === undefined ? what : `${what}; ${String(usual)} if it is left out`;
}

/** A shape in a few words a line, as indented text. */
function outline(of: JsonSchema, depth: number): string {
  const indent = '  '.repeat(depth + 1);
  if (of.properties !== undefined) {
    const lines = Object.entries(of.properties).map(([name, each]) => `${indent}${name}: ${outline(each, depth + 1)}`);
    return `{\n${lines.join('\n')}\n${'  '.repeat(depth)}}`;
  }
  if (of.items !== undefined) return `[${outline(of.items, depth)}]`;
  if (of.anyOf !== undefined) return of.anyOf.map((each) => outline(each, depth)).join(' | ');
  if (of.enum !== undefined) return of.enum.map(String).join(' | ');
  if (typeof of.additionalProperties === 'object') return `{ name: ${outline(of.additionalProperties, depth)} }`;
  const note = of.description === undefined ? '' : `  – ${of.description}`;
  return `${String(of.type ?? 'anything')}${note}`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function text(plain: string): string {
  return plain.replace(/[&<>"]/g, (char) => ENTITIES[char] ?? char);
}
