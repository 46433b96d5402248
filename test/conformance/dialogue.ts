import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { inShort, type Line } from '../front/session/support.ts';

/**
 * A recorded conversation. Lines of its file: `> …` is what the client sends (lines that follow each other leave in one
 * write), `< …` what must come back next, `! job` or `! job clean` a new job of the pool, `# …` a comment. What is expected
 * is JSON, in which "*" stands for anything and "~…" for texts that match the expression, or a message in short.
 */
export interface Dialogue {
  readonly client: string;
  readonly turns: readonly Turn[];
}

export type Turn =
  | { readonly kind: 'write'; readonly lines: readonly string[] }
  | { readonly kind: 'expect'; readonly message: string }
  | { readonly kind: 'job'; readonly clean: boolean };

const folder = fileURLToPath(new URL('dialogues/', import.meta.url));

export const dialogues: readonly Dialogue[] = readdirSync(folder)
  .sort()
  .map((file) => ({ client: file.replace(/\.dialogue$/, ''), turns: parse(readFileSync(`${folder}${file}`, 'utf8')) }));

function parse(text: string): Turn[] {
  const turns: Turn[] = [];
  for (const line of text.split('\n')) {
    const rest = line.slice(2);
    const last = turns.at(-1);
    if (line.startsWith('< ')) turns.push({ kind: 'expect', message: rest });
    else if (line.startsWith('! job')) turns.push({ kind: 'job', clean: rest === 'job clean' });
    else if (line.startsWith('> ') && last?.kind === 'write') {
      turns[turns.length - 1] = { kind: 'write', lines: [...last.lines, rest] };
    } else if (line.startsWith('> ')) turns.push({ kind: 'write', lines: [rest] });
    else if (line !== '' && !line.startsWith('#')) throw new Error(`no line of a dialogue: ${line}`);
  }
  return turns;
}

/** Whether a message of the pool is the one expected. */
export function matches(message: Line, expected: string): boolean {
  return expected.startsWith('{') ? like(message, JSON.parse(expected)) : inShort([message])[0] === expected;
}

function like(value: unknown, pattern: unknown): boolean {
  if (pattern === '*') return value !== undefined;
  if (typeof pattern === 'string' && pattern.startsWith('~')) {
    return typeof value === 'string' && new RegExp(pattern.slice(1)).test(value);
  }
  if (typeof pattern !== 'object' || pattern === null) return value === pattern;
  if (typeof value !== 'object' || value === null || Array.isArray(value) !== Array.isArray(pattern)) return false;
  const keys = Object.keys(pattern);
  return (
    keys.length === Object.keys(value).length &&
    keys.every((key) => Object.hasOwn(value, key) && like(Reflect.get(value, key), Reflect.get(pattern, key)))
  );
}
