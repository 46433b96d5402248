/** A worker name taken apart. */
export interface WorkerName {
  /** The account that is paid: the part before the first `.` or `_`, which no address contains. */
  readonly account: string;
  /** Which machine: what follows it; may be empty. */
  readonly rig: string;
}

/** `account.rig` or `account_rig`; the name is clean already (base/std/text.ts). */
export function parseWorkerName(name: string): WorkerName {
  const end = name.search(/[._]/);
  return end === -1 ? { account: name, rig: '' } : { account: name.slice(0, end), rig: name.slice(end + 1) };
}
