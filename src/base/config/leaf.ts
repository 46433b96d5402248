import { z } from 'zod';
import { parseRange } from '#base/domain/ip';
import { formatDuration, parseDurationMs } from '#base/std/duration';
import { type HostPort, type HttpService, parseHostPort, parseHttpService } from './endpoint.ts';
import { showValue } from './problem.ts';

/** How the text of an environment variable becomes a value of a key. */
export type LeafKind = 'text' | 'number' | 'boolean' | 'list';

/** The description of a key beside its type. */
export interface Leaf {
  readonly kind: LeafKind;
  /** The rule for its value: the end of the sentence `key = value: …`. */
  readonly rule: string;
  /** A value as it may stand in a message; undefined if it may hold a secret. */
  readonly shown: (value: unknown) => string | undefined;
}

const registry = z.registry<Leaf>();

/** The description given when a key's schema was made; undefined for a table. */
export function leafOf(schema: z.core.$ZodType): Leaf | undefined {
  return registry.get(schema);
}

function leaf<S extends z.ZodType>(schema: S, kind: LeafKind, rule: string, shown: Leaf['shown'] = showValue): S {
  registry.add(schema, { kind, rule, shown });
  return schema;
}

/** Nothing but a scheme, a host, a port and a word of a path: no place for a login, nor for what may be meant as one. */
const harmlessUrl = /^(?:[a-z]+:\/\/)?[\w.-]+(?::[0-9]{1,5})?(?:\/\w*)?$/i;

function showUrl(value: unknown): string | undefined {
  return typeof value === 'string' && !harmlessUrl.test(value) ? undefined : showValue(value);
}

export function integer(min: number, max: number) {
  return leaf(z.int().min(min).max(max), 'number', `must be an integer from ${min} to ${max}`);
}

/** A finite number; `above` is excluded, as zero is for a difficulty. */
export function number(bounds: { readonly above: number } | { readonly from: number }, max: number) {
  const schema = 'above' in bounds ? z.number().gt(bounds.above) : z.number().min(bounds.from);
  const low = 'above' in bounds ? `above ${bounds.above} and at most` : `from ${bounds.from} to`;
  return leaf(schema.max(max), 'number', `must be a number ${low} ${max}`);
}

/** A percentage in steps of a basis point (0.01 %); the result is in basis points, a whole number. */
export function percent() {
  const schema = z
    .number()
    .min(0)
    .max(100)
    // A double next to a multiple of 0.01 is what that multiple is written as.
    .refine((value) => Number((Math.round(value * 100) / 100).toFixed(2)) === value)
    .transform((value) => Math.round(value * 100));
  return leaf(schema, 'number', 'must be a number from 0 to 100 with at most two decimals');
}

/** A time such as `90s`, `10m`, `1h` or `7d`, in ms; or `off`, which becomes null. */
export function interval(minMs: number, maxMs: number) {
  const schema = z.string().transform((value, context): number | null => {
    if (value === 'off') return null;
    const ms = parseDurationMs(value);
    if (ms !== undefined && ms >= minMs && ms <= maxMs) return ms;
    context.addIssue({ code: 'custom' });
    return z.NEVER;
  });
  const range = `${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
  return leaf(schema, 'text', `must be "off", or a time from ${range} such as "90s", "10m", "1h" or "7d"`);
}

export function boolean() {
  return leaf(z.boolean(), 'boolean', 'must be true or false');
}

export function oneOf<const T extends string>(...values: readonly T[]) {
  return leaf(z.enum(values), 'text', `must be one of ${values.map((value) => `"${value}"`).join(', ')}`);
}

const TEXT_CHARS_MAX = 4096;

/** A text for which `holds` is true. */
export function text(rule: string, holds: (value: string) => boolean) {
  return leaf(z.string().max(TEXT_CHARS_MAX).refine(holds), 'text', rule);
}

/** A text that is never shown. */
export function secret(rule: string, holds: (value: string) => boolean) {
  return leaf(z.string().max(TEXT_CHARS_MAX).refine(holds), 'text', rule, () => undefined);
}

/** A list of texts for each of which `holds` is true. */
export function texts(max: number, rule: string, holds: (value: string) => boolean) {
  return leaf(z.array(z.string().max(TEXT_CHARS_MAX).refine(holds)).min(1).max(max), 'list', rule);
}

/** The rule for names that the operator gives: nothing that a worker name or a dotted key takes apart. */
export const nameRule = 'must be named with 1 to 64 letters, digits and dashes';

/** Tables of one kind under names that the operator chooses. */
export function named<S extends z.ZodObject>(table: S) {
  return z.record(z.string().regex(/^[A-Za-z0-9-]{1,64}$/), table);
}

export function isPath(value: string): boolean {
  return value.trim() !== '' && !value.includes('\0');
}

export function path() {
  return text('must be a path', isPath);
}

/** A text, or a list of texts, for each of which `holds` is true; the result is a list. */
export function oneOrMore(max: number, rule: string, holds: (value: string) => boolean) {
  const item = z.string().max(TEXT_CHARS_MAX).refine(holds);
  return leaf(
    z.preprocess((value) => (typeof value === 'string' ? [value] : value), z.array(item).min(1).max(max)),
    'list',
    rule,
  );
}

const hostPortRule = 'must be host:port, such as "127.0.0.1:3333" or "[::1]:3333", with a port from 0 to 65535';

export function hostPort() {
  return leaf(z.string().transform(hostPortOrIssue), 'text', hostPortRule);
}

/** `host:port`, or `false` or an empty text for "not at all"; the result is undefined then. */
export function hostPortOrOff() {
  const off = z.union([z.literal(false), z.literal(''), z.literal('false')]).transform(() => null);
  return leaf(
    z.union([off, z.string().transform(hostPortOrIssue)]),
    'text',
    `${hostPortRule}; or false to switch it off`,
  );
}

function hostPortOrIssue(value: string, context: z.RefinementCtx): HostPort {
  const parsed = parseHostPort(value);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom' });
  return z.NEVER;
}

export function httpService(rule: string, holds: (service: HttpService) => boolean) {
  return leaf(z.string().max(TEXT_CHARS_MAX).transform(serviceOrIssue(holds)), 'text', rule, showUrl);
}

export function httpServices(max: number, rule: string) {
  const item = z
    .string()
    .max(TEXT_CHARS_MAX)
    .transform(serviceOrIssue(() => true));
  return leaf(z.array(item).min(1).max(max), 'list', rule, showUrl);
}

const RANGES_MAX = 4096;

/** Addresses and ranges, each in its one spelling. */
export function ranges() {
  // An empty variable is an empty list.
  const list = z.array(z.string().transform(rangeOrIssue)).max(RANGES_MAX);
  const schema = z.preprocess((value) => (Array.isArray(value) && value.join('') === '' ? [] : value), list);
  return leaf(schema, 'list', `must be a list of up to ${RANGES_MAX} addresses or ranges such as "203.0.113.0/24"`);
}

function rangeOrIssue(value: string, context: z.RefinementCtx): string {
  const range = parseRange(value);
  if (range !== undefined) return range.text;
  context.addIssue({ code: 'custom' });
  return z.NEVER;
}

function serviceOrIssue(holds: (service: HttpService) => boolean) {
  return (value: string, context: z.RefinementCtx): HttpService => {
    const parsed = parseHttpService(value);
    if (parsed !== undefined && holds(parsed)) return parsed;
    context.addIssue({ code: 'custom' });
    return z.NEVER;
  };
}
