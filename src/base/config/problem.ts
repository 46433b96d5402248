import { escapedText } from '#base/std/text';

/** One thing that is wrong with a config. */
export interface ConfigProblem {
  /** Dotted key (`stratum.tcp`), the name of a `SLUICE_…` variable, or the file. */
  readonly key: string;
  /** What stands there, as it may be shown: secrets are left out. Undefined if nothing stands there. */
  readonly value: string | undefined;
  /** The rule or the error: the end of the sentence `key = value: …`. */
  readonly bound: string;
}

/** Takes note of a problem: key, value, bound. */
export type Complain = (key: string, value: unknown, bound: string) => void;

/** Thrown for a config that cannot be used; nothing has been started. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.map((problem) => `  ${formatProblem(problem)}`);
    super(
      `the configuration has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n${lines.join('\n')}`,
    );
    this.problems = problems;
  }
}

/** `key = value: bound`, on one line. */
export function formatProblem({ key, value, bound }: ConfigProblem): string {
  return value === undefined ? `${key}: ${bound}` : `${key} = ${value}: ${bound}`;
}

const SHOWN_CHARS_MAX = 80;

/** A value formatted for a message: one line, short, harmless to a terminal. */
export function showValue(value: unknown): string {
  return cut(escapedText(describe(value)));
}

/** A key or a name from outside, made as harmless. */
export function showName(name: string): string {
  return cut(/^[\w.-]+$/.test(name) ? name : escapedText(JSON.stringify(name)));
}

function describe(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (value instanceof Date) return 'a date';
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'a table';
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

function cut(text: string): string {
  return text.length <= SHOWN_CHARS_MAX ? text : `${text.slice(0, SHOWN_CHARS_MAX)}…`;
}
