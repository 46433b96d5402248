import type { IncomingMessage } from 'node:http';
import { limits } from '#base/limits';
import type { Query } from '#books/analytics/query';
import { type Exception, exception } from './exceptions.ts';
import { formFields } from './multipart.ts';

/** A request for SQL, taken apart. */
export interface SqlRequest {
  readonly query: Query;
  /** As the client calls its query, or undefined for one that is no id. */
  readonly queryId: string | undefined;
  /** The client wants no answer before the query has ended: an error then has a status of its own. */
  readonly held: boolean;
  /** The client takes a compressed answer. */
  readonly compressed: boolean;
}

/** Names in the URL that are neither a setting nor a parameter. */
const OWN = new Set(['query', 'database', 'default_format', 'query_id', 'user', 'password', 'compress', 'decompress']);
const PARAMETER = 'param_';

/** What a client says to be let in by, as far as it says anything. The user's name is its own business. */
export function credentialOf(request: IncomingMessage, url: URLSearchParams): string | undefined {
  const { authorization = '' } = request.headers;
  const bearer = /^bearer +(\S+) *$/i.exec(authorization)?.[1];
  const basic = /^basic +([A-Za-z0-9+/=]+) *$/i.exec(authorization)?.[1];
  if (bearer !== undefined) return bearer;
  const userAndPassword = basic === undefined ? undefined : Buffer.from(basic, 'base64').toString('utf8');
  const given =
    userAndPassword?.slice(userAndPassword.indexOf(':') + 1) ??
    header(request, 'x-clickhouse-key') ??
    url.get('password') ??
    undefined;
  return given === '' ? undefined : given;
}

/** Reads a request; returns an exception for one that no query can be made of. */
export async function readRequest(request: IncomingMessage, url: URLSearchParams): Promise<SqlRequest | Exception> {
  if (isOn(url.get('compress')) || isOn(url.get('decompress')) || header(request, 'content-encoding') !== undefined) {
    return exception('NOT_IMPLEMENTED', 'ask for gzip by enable_http_compression=1, and send the query uncompressed');
  }
  const body = await bodyOf(request);
  if (body === undefined) return exception('SYNTAX_ERROR', 'the query is too long', 413);
  const contentType = header(request, 'content-type') ?? '';
  const multipart = /^multipart\/form-data/i.test(contentType);
  const fields = multipart ? formFields(contentType, body) : new Map<string, string>();
  if (fields === undefined) return exception('NOT_IMPLEMENTED', 'this form has a file, or can not be read');
  const given = [...url, ...fields];
  const named = (test: (name: string) => boolean): [string, string][] => given.filter(([name]) => test(name));
  const statements = [
    ...named((name) => name === 'query').map(([, sql]) => sql),
    multipart ? '' : body.toString('utf8'),
  ];
  const isParameter = (name: string): boolean => name.startsWith(PARAMETER);
  const database = url.get('database') ?? header(request, 'x-clickhouse-database');
  return {
    query: {
      sql: statements.filter((sql) => sql.trim() !== '').join('\n'),
      format: url.get('default_format') ?? header(request, 'x-clickhouse-format') ?? 'TabSeparated',
      parameters: mapOf(named(isParameter).map(([name, value]) => [name.slice(PARAMETER.length), value])),
      settings: mapOf(named((name) => !OWN.has(name) && !isParameter(name))),
      ...(database !== undefined && database !== '' && { database }),
    },
    queryId: url.get('query_id') ?? undefined,
    held: isOn(url.get('wait_end_of_query')),
    compressed: isOn(url.get('enable_http_compression')),
  };
}

/** Without a prototype, so that no name means anything but itself. */
function mapOf(entries: readonly (readonly [string, string])[]): Record<string, string> {
  const map: Record<string, string> = Object.create(null);
  for (const [name, value] of entries) map[name] = value;
  return map;
}

function isOn(value: string | null): boolean {
  return value === '1' || value === 'true';
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // The request stays whole when this returns: its answer goes over the same connection.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limits.sqlBodyBytesMax) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
