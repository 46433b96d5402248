import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { MinerView } from '#base/domain/miner';
import type { ToGateway } from '#cluster/messages';
import { MinerQuestions } from '#cluster/miner-questions';

const query = { account: 'me', after: undefined, workersMax: 0 };
const view = { miner: { account: 'me' }, workers: [] } as unknown as MinerView;

describe('what gateways are asked about miners', () => {
  const sent: { process: object; id: number }[] = [];
  const gateway = () => ({
    send(message: ToGateway): void {
      if (message.type === 'miner') sent.push({ process: this, id: message.id });
    },
  });
  const [one, other] = [gateway(), gateway()];
  let questions: MinerQuestions;
  beforeEach(() => {
    vi.useFakeTimers();
    sent.length = 0;
    questions = new MinerQuestions();
  });
  afterEach(() => void vi.useRealTimers());

  it('is answered by number, in any order', async () => {
    const [first, second] = [questions.ask(one, query), questions.ask(other, query)];
    expect(sent.map(({ process }) => process)).toEqual([one, other]);
    questions.answered(sent[1]?.id ?? -1, undefined);
    questions.answered(sent[0]?.id ?? -1, view);
    expect(await first).toBe(view);
    expect(await second).toBeUndefined();
  });

  it('is undefined if the gateway ends meanwhile, and others still answer', async () => {
    const [dead, alive] = [questions.ask(one, query), questions.ask(other, query)];
    questions.gone(one);
    expect(await dead).toBeUndefined();
    questions.answered(sent[1]?.id ?? -1, view);
    expect(await alive).toBe(view);
  });

  it('is given up after two seconds, and a late answer is ignored', async () => {
    const asked = questions.ask(one, query);
    const outcome = expect(asked).rejects.toThrow('a gateway does not answer');
    await vi.advanceTimersByTimeAsync(2000);
    await outcome;
    questions.answered(sent[0]?.id ?? -1, view);
    questions.gone(one);
    expect(vi.getTimerCount()).toBe(0);
  });
});
