import { z } from 'zod';
import { limits } from '#base/limits';

/** The schemas that several endpoints share. Times are ISO 8601 (UTC), rates hashes a second, difficulties Bitcoin's. */

export const time = z.iso.datetime({ precision: 3 }).meta({ description: 'ISO 8601, UTC' });
/** Satoshis and work may exceed what a number holds exactly. */
export const sats = z
  .string()
  .regex(/^-?\d{1,20}$/)
  .meta({ description: 'Satoshis, a decimal integer' });
export const work = z
  .string()
  .regex(/^\d{1,40}$/)
  .meta({ description: 'Expected hashes, a decimal integer' });
export const hash = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .meta({ description: '64 hex digits, as explorers show it' });
export const count = z.int().nonnegative();
export const rate = z.number().nonnegative().meta({ description: 'Hashes a second' });
export const difficulty = z.number().nonnegative();
export const hexBytes = z
  .string()
  .regex(/^(?:[0-9a-f]{2})*$/)
  .meta({ description: 'Bytes in hex' });

/** Text of a request that is looked up, and shown nowhere unless it is found. */
const wanted = (charsMax: number) => z.string().min(1).max(charsMax);

export const noParams = z.strictObject({});
export const noQuery = z.strictObject({});
export const addressParams = z.strictObject({
  address: wanted(limits.apiNameCharsMax).meta({ description: 'Where the miner is paid, in any spelling' }),
});
export const hashParams = z.strictObject({ hash });
export const payoutParams = z.strictObject({ id: z.string().regex(/^[0-9a-f]{12}$/) });

/** Digits of a request as a number. */
const digits = (max: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, 'must be digits')
    .transform(Number)
    .pipe(z.int().max(max));

/** A point of time in a request: ISO 8601 with a zone, or UNIX seconds. */
const moment = z
  .union([
    z.iso.datetime({ offset: true }).transform((text) => Date.parse(text)),
    digits(limits.apiUnixSecondsMax).transform((seconds) => seconds * 1000),
  ])
  .meta({ description: 'ISO 8601 with a zone, or UNIX seconds' });

export const limit = (pageMax: number, pageDefault = Math.min(100, pageMax)) =>
  digits(pageMax).pipe(z.int().min(1)).prefault(String(pageDefault));

export const range = { from: moment.optional(), to: moment.optional() };

/** A number in a request after which, or before which, a page begins: an answer's `next`. */
export const before = digits(Number.MAX_SAFE_INTEGER).optional();
/** A name after which a page begins. */
export const after = wanted(limits.apiNameCharsMax).optional();
export const workerName = z.string().max(limits.apiNameCharsMax).optional();

export const iso = (ms: number): string => new Date(ms).toISOString();
