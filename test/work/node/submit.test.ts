import { describe, expect, it } from 'vitest';
import type { SubmitOutcome } from '#base/domain/ports';
import { bestOutcome, readSubmitAnswer } from '#work/node/submit';

const failure = (kind: 'unreachable' | 'error', code?: number) =>
  ({ ok: false, failure: { kind, code, message: 'because' } }) as const;

describe('readSubmitAnswer', () => {
  it.each<[unknown, SubmitOutcome | undefined]>([
    [null, { status: 'accepted' }],
    // What the node says it has is looked for in its chain.
    ['duplicate', undefined],
    ['inconclusive', { status: 'orphaned', reason: 'inconclusive' }],
    ['duplicate-inconclusive', { status: 'orphaned', reason: 'duplicate-inconclusive' }],
    ['duplicate-invalid', { status: 'rejected', reason: 'duplicate-invalid' }],
    ['prev-blk-not-found', undefined],
    ['high-hash', { status: 'rejected', reason: 'high-hash' }],
    ['', undefined],
    [{}, undefined],
  ])('takes %j', (result, outcome) => {
    expect(readSubmitAnswer({ ok: true, result })).toEqual(outcome);
  });

  it('asks again after a failure, unless the block itself could not be read', () => {
    expect(readSubmitAnswer(failure('unreachable'))).toBeUndefined();
    expect(readSubmitAnswer(failure('error', -28))).toBeUndefined();
    expect(readSubmitAnswer(failure('error', -22))).toEqual({ status: 'rejected', reason: 'because' });
  });
});

describe('bestOutcome', () => {
  const accepted: SubmitOutcome = { status: 'accepted' };
  const orphaned: SubmitOutcome = { status: 'orphaned', reason: 'inconclusive' };
  const rejected: SubmitOutcome = { status: 'rejected', reason: 'stale-prevblk' };
  const unknown: SubmitOutcome = { status: 'unknown', reason: 'down' };

  it.each([
    [[rejected, accepted], accepted],
    // Who has not judged it may take it.
    [[unknown, rejected], unknown],
    [[rejected, rejected], rejected],
    [[rejected, orphaned, unknown], orphaned],
    [[unknown, unknown], unknown],
  ])('of %j is the best for us', async (outcomes, best) => {
    expect(await bestOutcome(outcomes.map((outcome) => Promise.resolve(outcome)))).toEqual(best);
  });

  it('does not wait for other nodes once one has accepted', async () => {
    expect(await bestOutcome([new Promise(() => {}), Promise.resolve(accepted)])).toEqual(accepted);
  });

  it('is unknown without nodes', async () => {
    expect(await bestOutcome([])).toMatchObject({ status: 'unknown' });
  });
});
