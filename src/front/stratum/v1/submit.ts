import { fromHex } from '#base/bitcoin/bytes';
import { EXTRANONCE2_BYTES } from '#base/domain/job';
import type { ShareFields } from '#base/domain/share';
import { limits } from '#base/limits';
import { cleanText } from '#base/std/text';
import { hexDigits, hexU32 } from './hex.ts';
import { parseJobRef } from './job-id.ts';
import type { RequestId } from './request-id.ts';

/** `mining.submit` with its fields decoded. */
export interface SubmitRequest extends ShareFields {
  readonly id: RequestId;
  /** Names a field that is missing, or no hex of the right length; undefined if there is none. */
  readonly malformed: string | undefined;
}

const NOTHING = new Uint8Array();

/**
 * `mining.submit`: [worker, job id, extranonce2, ntime, nonce, version bits (BIP310)?]. Every submission becomes a
 * request that gets a verdict. If a submission can not be read, `malformed` names its first bad field. `0A`, `0a` and `0x0a` are
 * the same value.
 */
export function decodeSubmit(id: RequestId, params: readonly unknown[]): SubmitRequest {
  const [worker, job, extranonce2Text, ntimeText, nonceText, versionText] = params;
  const jobId = typeof job === 'string' && job.length <= limits.jobIdCharsMax ? job : undefined;
  const digits = hexDigits(extranonce2Text, EXTRANONCE2_BYTES * 2);
  const extranonce2 = digits === undefined ? undefined : fromHex(digits);
  const ntime = hexU32(ntimeText);
  const nonce = hexU32(nonceText);
  // Some clients fill an unused sixth place with null or nothing.
  const rolls = versionText !== undefined && versionText !== null && versionText !== '';
  const versionBits = rolls ? hexU32(versionText) : undefined;
  let malformed: string | undefined;
  if (rolls && versionBits === undefined) malformed = 'version bits';
  if (nonce === undefined) malformed = 'nonce';
  if (ntime === undefined) malformed = 'ntime';
  if (extranonce2 === undefined) malformed = 'extranonce2';
  if (jobId === undefined) malformed = 'job id';
  if (typeof worker !== 'string') malformed = 'worker name';
  const jobName = cleanText(jobId ?? '', limits.jobIdCharsMax);
  const { serial, variant } = parseJobRef(jobName);
  return {
    id,
    workerName: typeof worker === 'string' ? cleanText(worker, limits.workerNameCharsMax) : '',
    jobName,
    serial,
    variant,
    extranonce2: extranonce2 ?? NOTHING,
    ntime: ntime ?? 0,
    nonce: nonce ?? 0,
    versionBits,
    malformed,
  };
}
