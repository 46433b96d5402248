import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { WorkerReport } from '#base/domain/miner';
import { limits } from '#base/limits';
import type { Question } from '#show/api/messages';
import { PoolFault, PoolQuestions } from '#show/api/pool-questions';
import { Unavailable } from '#show/api/sources';

describe('what HTTP asks the pool', () => {
  let nowMs = 0;
  let sent: { id: number; question: Question }[] = [];
  let questions: PoolQuestions;
  beforeEach(() => {
    vi.useFakeTimers();
    nowMs = 0;
    sent = [];
    const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
    questions = new PoolQuestions((id, question) => sent.push({ id, question }), { clock });
  });
  afterEach(() => void vi.useRealTimers());

  it('is one question for all requests while it is pending', async () => {
    const asked = [questions.ready(), questions.ready(), questions.ready()];
    expect(sent).toHaveLength(1);
    const full = { reasons: ['disk full'], notes: [] };
    questions.replied(0, full);
    expect(await Promise.all(asked)).toEqual([full, full, full]);
    void questions.ready();
    expect(sent).toHaveLength(2);
  });

  it('is bounded in a second, and answered with the last reply meanwhile', async () => {
    for (let i = 0; i < 1000; i += 1) {
      nowMs += 1;
      const asked = questions.metrics();
      const last = sent.at(-1);
      if (last !== undefined) questions.replied(last.id, `metrics ${last.id}`);
      expect(await asked).toMatch(/^metrics /);
    }
    const { metricsQuestionsPerSecondMax: perSecond } = limits;
    expect(sent.length).toBeGreaterThan(perSecond);
    expect(sent.length).toBeLessThanOrEqual(4 * perSecond + 1);
  });

  it('rejects if the pool does not answer in time, and takes no notice of what comes late', async () => {
    const asked = questions.pool();
    const outcome = expect(asked).rejects.toThrow(Unavailable);
    vi.advanceTimersByTime(limits.poolAnswerMsMax);
    await outcome;
    questions.replied(0, '');
    const other = questions.pool();
    questions.failed(1);
    await expect(other).rejects.toThrow(PoolFault);
  });

  it('takes a page of workers in parts, and no more of them in a second than the pool can bear', async () => {
    const rigs = Array.from({ length: 250 }, (_, i) => `rig ${String(i).padStart(3, '0')}`);
    const answer = (): void => {
      const { id, question } = sent.at(-1) as { id: number; question: Question };
      if (question.kind !== 'miner') throw new Error(question.kind);
      const { after = '', workersMax } = question.page;
      expect(workersMax).toBeLessThanOrEqual(limits.workersPerQuestionMax);
      const workers = rigs.filter((rig) => rig > after).slice(0, workersMax);
      const view = { miner: {}, workers: workers.map((rig) => ({ rig }) as WorkerReport) };
      questions.replied(id, { kind: 'found', view } as never);
    };
    const page = questions.miner('me', { after: undefined, workersMax: 1001 });
    for (let part = 1; part <= 3; part += 1) {
      await vi.waitFor(() => expect(sent).toHaveLength(part));
      answer();
    }
    const found = await page;
    expect(found.kind === 'found' && found.view.workers.map(({ rig }) => rig)).toEqual(rigs);
    expect(sent).toHaveLength(3);
  });

  it('about miners wait for their turn, and are refused if that is far', async () => {
    const { minerQuestionsPerSecondMax: perSecond, minerTurnMsMax } = limits;
    const asked = Array.from({ length: 1000 }, () => questions.miner('me', { after: undefined, workersMax: 1 }));
    const outcomes = Promise.allSettled(asked);
    await vi.advanceTimersByTimeAsync(0);
    const atOnce = sent.length;
    expect(atOnce).toBe(3 * perSecond + 1);
    await vi.advanceTimersByTimeAsync(minerTurnMsMax);
    expect(sent.length - atOnce).toBe((perSecond * minerTurnMsMax) / 1000);
    for (const { id } of sent) questions.replied(id, { kind: 'nobody' });
    expect((await outcomes).filter(({ status }) => status === 'fulfilled')).toHaveLength(sent.length);
  });
});
