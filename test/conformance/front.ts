import { toHex } from '#base/bitcoin/bytes';
import type { Submission } from '#base/domain/share';
import type { Verdict } from '#base/domain/verdict';
import { type Bench, makeBench, makeJob } from '../front/session/support.ts';
import { verdictOn } from '../support/submission.ts';

/**
 * A pool's front with a judge behind it that knows everything but hashes: nonce bad0bad0 has too little difficulty, any other
 * enough. `defer` says when verdicts come.
 */
export function makeFront(defer: (settle: () => void) => void): Bench {
  const seen = new Set<string>();
  const judge = (submission: Submission): Verdict => {
    const { source, serial, extranonce2, ntime, nonce, versionBits = 0, worker, terms, fault } = submission;
    if (fault === 'not-subscribed') return fault;
    if (!worker) return 'unauthorized';
    if (!terms) return 'job-not-found';
    if (fault !== undefined) return fault;
    if ((versionBits & ~terms.versionMask) !== 0) return 'version-outside-mask';
    const header = [source.sessionId, serial, toHex(extranonce2), ntime, nonce, versionBits].join();
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
        take(submission) {
          const verdict = judge(submission);
          defer(() => submission.submitter.durable(verdictOn(submission, { verdict, terms: undefined })));
        },
      },
    },
  );
  bench.registry.broadcast(makeJob(1));
  return bench;
}
