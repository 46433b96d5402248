/** An error as ClickHouse's HTTP interface tells of it: a number, a name and a text, which its clients take apart. */
export interface Exception {
  readonly code: number;
  readonly name: string;
  readonly reason: string;
  /** HTTP's. */
  readonly status: number;
}

/** ClickHouse's errors that this door gives by itself. */
const NAMES = {
  NOT_IMPLEMENTED: 48,
  SYNTAX_ERROR: 62,
  REQUIRED_PASSWORD: 194,
  TOO_MANY_SIMULTANEOUS_QUERIES: 202,
  NETWORK_ERROR: 210,
  AUTHENTICATION_FAILED: 516,
} as const;

/** HTTP's status of an error; 400 for every other one, since what the engine refuses is the query. */
const STATUS: Readonly<Record<number, number>> = {
  46: 404,
  47: 404,
  48: 501,
  60: 404,
  81: 404,
  164: 403,
  194: 401,
  202: 503,
  210: 503,
  241: 507,
  497: 403,
  516: 403,
};

export function exception(name: keyof typeof NAMES, reason: string, status?: number): Exception {
  return named(NAMES[name], name, reason, status);
}

export function named(code: number, name: string, reason: string, status = STATUS[code] ?? 400): Exception {
  return { code, name, reason, status };
}

/** The engine's own words: it repeats number and name where one part of it quotes another. */
export function engineException(words: string): Exception | undefined {
  const [, code, rest] = /^.*?Code: (\d+)\. DB::Exception: ([\s\S]*)$/.exec(words) ?? [];
  if (code === undefined || rest === undefined) return undefined;
  const [, reason = rest, name = 'UNKNOWN_EXCEPTION'] = /^([\s\S]*)\(([A-Z][A-Z0-9_]+)\)\s*$/.exec(rest) ?? [];
  return named(Number(code), name, reason.trim());
}

/** The text of an error, on one line as far as it is Sluice's. */
export function textOf({ code, name, reason }: Exception): string {
  return `Code: ${code}. DB::Exception: ${reason.replace(/\.?\s*$/, '')}. (${name})`;
}

/** What stands at the end of a result that is cut: ClickHouse's form since 25.11, with the tag of the answer's header. */
export function cutBlock(error: Exception, tag: string): Buffer {
  const text = `${textOf(error)}\n`;
  return Buffer.from(`\r\n__exception__\r\n${tag}\n${text}${Buffer.byteLength(text)} ${tag}\r\n__exception__\r\n`);
}
