import { fromHex } from '#base/bitcoin/bytes';
import type { JudgedShare, Source, Submission, Submitter, Terms, Worker } from '#base/domain/share';
import { parseJobRef } from '#front/stratum/v1/job-id';

/** A share as Stratum V1 writes it. */
export interface TestShare {
  readonly id: unknown;
  readonly workerName: string;
  readonly jobId: string;
  /** Hex. */
  readonly extranonce2: string;
  readonly ntime: number;
  readonly nonce: number;
  readonly versionBits: number | undefined;
  readonly malformed: string | undefined;
}

/** What a session knows of a share besides its fields. */
export interface Known {
  readonly source: Source;
  readonly submitter: Submitter;
  readonly worker?: Worker | undefined;
  readonly terms?: Terms | undefined;
  readonly versionMask?: number | undefined;
  readonly subscribed?: boolean;
  readonly unwanted?: boolean;
}

/** What a session hands in for a share: the share itself is what it needs to answer it. */
export function submissionOf(share: TestShare, known: Known): Submission {
  const { source, submitter, worker, terms, versionMask = terms?.versionMask, subscribed = true } = known;
  const { workerName, jobId, ntime, nonce, versionBits } = share;
  const malformed = share.malformed === undefined ? undefined : 'malformed';
  return {
    ...{ workerName, jobName: jobId, ...parseJobRef(jobId), ntime, nonce, versionBits },
    ...{ source, submitter, worker, terms, versionMask },
    get extranonce2() {
      return fromHex(share.extranonce2) ?? new Uint8Array();
    },
    fault: subscribed ? malformed : 'not-subscribed',
    unwanted: known.unwanted ?? false,
    reply: share,
  };
}

/** What was not hashed: the rest of a judged share. */
export function verdictOn(submission: Submission, changes: Partial<JudgedShare> = {}): JudgedShare {
  const { terms } = submission;
  const zeros = { version: 0, shareDifficulty: 0, block: false, receivedMs: 0, latencyUs: 0 };
  return { submission, job: undefined, terms, verdict: 'accepted', ...zeros, ...changes };
}
