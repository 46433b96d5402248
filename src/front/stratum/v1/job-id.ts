/**
 * Job ids as Stratum V1 writes them. A job's own id is ten lower-case hex digits of its serial number. A session that gets a
 * job when it is current already (because the session is new, is back or retargets) gets it under a private variant: four
 * more digits, at random. So a share's id names both the work and the difficulty it was handed out at.
 */
import { SERIAL_DIGITS } from '#base/domain/ids';
import { NO_SERIAL } from '#base/domain/share';

const VARIANT_DIGITS = 4;

/** The id under which a session gets a job that is current already; `variant` 0 is the job's own id. */
export function wireJobId(id: string, variant: number): string {
  return variant === 0 ? id : id + variantHex(variant);
}

/** A variant as it stands in a coinbase and at the end of an id: u16 big-endian, four hex digits. */
export function variantHex(variant: number): string {
  return variant.toString(16).padStart(VARIANT_DIGITS, '0');
}

/** A job id taken apart. */
export interface JobRef {
  readonly serial: number;
  readonly variant: number;
}

/** Of an id that this pool can not have issued. */
export const NO_JOB: JobRef = { serial: NO_SERIAL, variant: 0 };

/** Reads a job id; NO_JOB for anything that this pool can not have issued. */
export function parseJobRef(text: string): JobRef {
  if (text.length !== SERIAL_DIGITS && text.length !== SERIAL_DIGITS + VARIANT_DIGITS) return NO_JOB;
  const serial = hexValue(text, 0, SERIAL_DIGITS);
  const variant = hexValue(text, SERIAL_DIGITS, text.length);
  if (serial < 0 || variant < 0) return NO_JOB;
  // A written-out variant 0 would be a second name of the job's own id.
  if (variant === 0 && text.length !== SERIAL_DIGITS) return NO_JOB;
  return { serial, variant };
}

/** The value of the lower-case hex digits in text[from…to), 0 if empty; -1 if there is any other character. */
function hexValue(text: string, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at += 1) {
    const code = text.charCodeAt(at);
    const digit = code >= 0x30 && code <= 0x39 ? code - 0x30 : code >= 0x61 && code <= 0x66 ? code - 0x57 : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}
