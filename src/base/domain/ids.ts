/**
 * Numbers and ids of jobs. A job has a serial number that no other job of the same data directory ever had: the epoch (counted
 * by the share log at each start, and when an epoch's numbers are used up) in the high part, a running number in the low part.
 *
 * A session that gets a job when it is current already (because the session is new, is back or retargets) gets it as a private
 * variant: a random number that stands in the coinbase. So serial and variant together name both the work and the difficulty it
 * was handed out at. How a protocol writes them is the protocol's business.
 *
 * For people and tables a job is ten hex digits of its serial. In the tables eight random digits of the start follow, because a
 * data directory that is set back to an older copy counts the same epochs again.
 */

/** Jobs of one epoch: 2^20, a job every 30 s for a year. A pool that has used them up counts a new epoch and goes on. */
export const JOBS_PER_EPOCH = 2 ** 20;
/** Epochs that one data directory can count: 2^20. Each start begins one. */
export const EPOCHS_MAX = 2 ** 20;
/** Variants of one job: 0 is its own, as it is broadcast. */
export const VARIANTS_MAX = 2 ** 16;

/** Digits of a job's serial number, with which its ids begin, also that of its row. */
export const SERIAL_DIGITS = 10;
const ROW_DIGITS = 8;

/** The serial number of the `index`th job of a boot. */
export function jobSerial(epoch: number, index: number): number {
  return epoch * JOBS_PER_EPOCH + index;
}

/** The id of a job in the tables. `bootId`: random hex digits of the start, at least eight. */
export function jobRowId(serial: number, bootId: string): string {
  return `${jobId(serial)}-${bootId.slice(0, ROW_DIGITS)}`;
}

/** The id of a job for people. */
export function jobId(serial: number): string {
  return serial.toString(16).padStart(SERIAL_DIGITS, '0');
}

/** Early versions had no digits of the start. */
const ROW_ID = /^([0-9a-f]{10})(?:-[0-9a-f]{8})?$/;

/** The serial number in a job's id as it stands in the tables; undefined if it is no such id. */
export function serialOfRow(rowId: string): number | undefined {
  const [, serial] = ROW_ID.exec(rowId) ?? [];
  return serial === undefined ? undefined : Number.parseInt(serial, 16);
}
