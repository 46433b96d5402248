/** A job's serial number, and random digits of the start that made the job (base/domain/ids.ts); early versions had no digits. */
const ROW_ID = /^([0-9a-f]{10})(?:-[0-9a-f]{8})?$/;

/** The serial number in a job's id as it stands in the tables; undefined if it is no such id. */
export function serialOfRow(jobId: string): number | undefined {
  const [, serial] = ROW_ID.exec(jobId) ?? [];
  return serial === undefined ? undefined : Number.parseInt(serial, 16);
}
