import { describe, expect, it } from 'vitest';
import type { Job } from '#base/domain/job';
import { type JobLookup, precheck } from '#shares/verify/precheck';
import { type Known, submissionOf, type TestShare } from '../../support/submission.ts';
import { job, share, source, submitter, terms, worker } from '../sharelog/fixtures.ts';

const POOL_MASK = 0x1fffe000;
const live: TestShare = { ...share, jobId: '0000100001', ntime: job.curTime };

function lookup(changes: Partial<JobLookup> = {}): JobLookup {
  return { find: () => job, findExpired: () => undefined, isStale: () => false, ...changes };
}

function check(changes: Partial<TestShare>, known: Partial<Known> = {}, jobs = lookup()) {
  const all = { source, submitter: submitter(), worker, terms, ...known };
  return precheck(submissionOf({ ...live, ...changes }, all), jobs, POOL_MASK);
}

describe('the pre-check', () => {
  it('is a function of the submission and the jobs: it changes neither', () => {
    const submission = Object.freeze(submissionOf(live, { source, submitter: submitter(), worker, terms }));
    const twice = [1, 2].map(() => precheck(submission, lookup(), POOL_MASK));
    expect(twice[0]).toEqual({ job, version: job.version, refusal: undefined, hashable: true });
    expect(twice[0]).toEqual(twice[1]);
  });

  it('names the job and its version also for what is not hashed', () => {
    for (const [refusal, found] of [
      ['not-subscribed', check({}, { subscribed: false })],
      ['malformed', check({ malformed: 'nonce' })],
      ['malformed', check({ extranonce2: '00' })],
      ['unauthorized', check({ malformed: 'nonce' }, { worker: undefined })],
      ['stale', check({ malformed: 'nonce' }, {}, lookup({ isStale: () => true }))],
    ] as const)
      expect(found).toEqual({ job, version: job.version, refusal, hashable: false });
  });

  it('knows no job without terms, nor one that the session can not have had', () => {
    const none = { job: undefined, version: 0, refusal: 'job-not-found', hashable: false };
    expect(check({}, { terms: undefined })).toEqual(none);
    expect(check({ jobId: 'zz' }, { terms: undefined })).toEqual(none);
    const expired = lookup({ find: () => undefined, findExpired: () => job, isStale: () => true });
    expect(check({}, { terms: undefined }, expired)).toEqual(none);
    expect(check({}, { terms: undefined, versionMask: 0 }, expired)).toMatchObject({
      refusal: 'stale',
      hashable: true,
    });
  });

  it('hashes a share that is refused, because its header may be a block', () => {
    const refused: readonly (readonly [string, Partial<TestShare>, Partial<Known>])[] = [
      ['unauthorized', {}, { worker: undefined }],
      ['ntime-out-of-range', { ntime: job.minTime - 1 }, {}],
      ['version-outside-mask', { versionBits: 0x1000 }, {}],
    ];
    for (const [refusal, changes, known] of refused)
      expect(check(changes, known)).toMatchObject({ job, refusal, hashable: true });
  });

  it('puts the rolled bits in the place of the masked ones', () => {
    const version = 0x3fffe000;
    const rolled = (versionBits: number, versionMask: number): number =>
      check({ versionBits }, { terms: { ...terms, versionMask } }, lookup({ find: (): Job => ({ ...job, version }) }))
        .version;
    expect(rolled(0x2000, 0x6000)).toBe(0x3fffa000);
    expect(rolled(0x2000, 0), 'the pool’s mask, without an agreement').toBe(0x20002000);
    expect(rolled(0x80000000, 0x6000), 'outside: as sent').toBe(0xbfff8000);
  });
});
