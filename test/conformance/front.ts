import { parseJobRef } from '#base/domain/ids';
import type { SubmitRequest, Submitter } from '#base/domain/share';
import type { Verdict } from '#base/domain/verdict';
import { type Bench, makeBench, makeJob } from '../front/session/support.ts';

/**
 * A pool's front with a judge behind it that knows everything but hashes: nonce bad0bad0 has too little difficulty, any other
 * enough. `defer` says when verdicts come.
 */
export function makeFront(defer: (settle: () => void) => void): Bench {
  const seen = new Set<string>();
  const judge = (submitter: Submitter, request: SubmitRequest): Verdict => {
    const { jobId, extranonce2, ntime, nonce, versionBits = 0, malformed } = request;
    const ref = parseJobRef(jobId);
    const terms = ref && submitter.terms(ref.serial, ref.variant);
    if (!submitter.subscribed) return 'not-subscribed';
    if (!submitter.worker(request.workerName)) return 'unauthorized';
    if (!terms) return 'job-not-found';
    if (malformed !== undefined) return 'malformed';
    if ((versionBits & ~terms.versionMask) !== 0) return 'version-outside-mask';
    const header = [submitter.sessionId, ref.serial, extranonce2, ntime, nonce, versionBits].join();
    if (seen.has(header)) return 'duplicate';
    if (nonce === 0xbad0bad0) return 'low-difficulty';
    seen.add(header);
    return 'accepted';
  };
  const bench = makeBench(
    {},
    {
      newResumeId: () => '0123456789abcdef',
      intake: {
        take(submitter, request) {
          // Judged as it comes, answered later: what is authorised after it does not count for it.
          const verdict = judge(submitter, request);
          const worker = submitter.worker(request.workerName);
          defer(() => {
            const judged = { submitter, request, worker, job: undefined, terms: undefined, variant: 0, version: 0 };
            submitter.settle({ ...judged, verdict, shareDifficulty: 0, block: false, receivedMs: 0, latencyUs: 0 });
          });
        },
      },
    },
  );
  bench.registry.broadcast(makeJob(1));
  return bench;
}
