/**
 * Job ids. A job has a serial number that no other job of the same data directory ever had: the epoch (counted by the
 * share log at each start, and when an epoch's numbers are used up) in the high part, a running number in the low part.
 *
 * On the wire a job id is ten lower-case hex digits of that serial. A session that gets a job when it is current already
 * (because the session is new, is back or retargets) gets it under a private variant: four more digits, at random. So a
 * share's id names both the work and the difficulty it was handed out at.
 *
 * In the tables eight random digits of the start follow the serial's, because a data directory that is set back to an older
 * copy counts the same epochs again.
 */

/** Jobs of one epoch: 2^20, a job every 30 s for a year. A pool that has used them up counts a new epoch and goes on. */
export const JOBS_PER_EPOCH = 2 ** 20;
/** Epochs that one data directory can count: 2^20. Each start begins one. */
export const EPOCHS_MAX = 2 ** 20;
/** Variants of one job: 0 is its own id, as it is broadcast. */
export const VARIANTS_MAX = 2 ** 16;

/** Digits of a job's serial number, with which its ids begin, also that of its row. */
export const SERIAL_DIGITS = 10;
const VARIANT_DIGITS = 4;
const ROW_DIGITS = 8;

/** The serial number of the `index`th job of a boot. */
export function jobSerial(epoch: number, index: number): number {
  return epoch * JOBS_PER_EPOCH + index;
}

/** The id of a job in the tables. `bootId`: random hex digits of the start, at least eight. */
export function jobRowId(serial: number, bootId: string): string {
  return `${jobId(serial)}-${bootId.slice(0, ROW_DIGITS)}`;
}

/** The id of a job as every miner sees it. */
export function jobId(serial: number): string {
  return serial.toString(16).padStart(SERIAL_DIGITS, '0');
}

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

/** Reads a job id off the wire; undefined for anything that this pool can not have issued. */
export function parseJobRef(text: string): JobRef | undefined {
  if (text.length !== SERIAL_DIGITS && text.length !== SERIAL_DIGITS + VARIANT_DIGITS) return undefined;
  const serial = hexValue(text, 0, SERIAL_DIGITS);
  const variant = hexValue(text, SERIAL_DIGITS, text.length);
  if (serial < 0 || variant < 0) return undefined;
  // A written-out variant 0 would be a second name of the job's own id.
  if (variant === 0 && text.length !== SERIAL_DIGITS) return undefined;
  return { serial, variant };
}

/** What the lower-case hex digits in text[from…to) say, 0 for none of them; -1 where there is anything else. */
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
