import { describe, expect, it } from 'vitest';
import type { PortCall } from '#books/ledger/messages';
import { Answers, type OfferedPort, Questions, remotePort } from '#books/ledger/questions';
import { keptLogger } from '../../shares/sharelog/fixtures.ts';

interface Chain {
  tip(): Promise<number | undefined>;
  coinbase(hash: string): Promise<Uint8Array | undefined>;
}

const offered = (target: object): ReadonlyMap<string, OfferedPort> =>
  new Map([['chain', { target, methods: ['tip', 'coinbase'] }]]);

/** Questions that are answered at once by these ports. */
function connected(ports: ReadonlyMap<string, OfferedPort>, options = {}) {
  const logger = keptLogger();
  const answers = new Answers(ports, logger, options);
  const questions: Questions = new Questions((id, call) => {
    void answers.to(call).then((value) => questions.answered(id, value));
  }, options);
  return { questions, logger, chain: remotePort<Chain>(questions, 'chain', ['tip', 'coinbase']) };
}

describe('a question of the ledger', () => {
  it('is answered by the port of that name', async () => {
    const chain = { tip: async () => 7, coinbase: async (hash: string) => Buffer.from(hash, 'hex') };
    const { chain: remote } = connected(offered(chain));
    expect(await remote.tip()).toBe(7);
    expect(await remote.coinbase('abcd')).toEqual(Buffer.from([0xab, 0xcd]));
  });

  it('has no answer if nothing is offered under that name', async () => {
    const { questions } = connected(offered({ tip: async () => 7, constructor: async () => 8 }));
    expect(await questions.ask({ port: 'chain', method: 'constructor', args: [] })).toBeUndefined();
    expect(await questions.ask({ port: 'wallet', method: 'tip', args: [] })).toBeUndefined();
  });

  it('has no answer if the port fails, which is logged', async () => {
    const { chain, logger } = connected(offered({ tip: () => Promise.reject(new Error('no node')) }));
    expect(await chain.tip()).toBeUndefined();
    expect(logger.lines).toEqual(['a question of the ledger could not be answered']);
  });

  it('has no answer if the port, or the pool, takes too long', async () => {
    const never = new Promise<never>(() => {});
    const { chain } = connected(offered({ tip: () => never }), { answerMsMax: 5 });
    expect(await chain.tip()).toBeUndefined();
    const silent = new Questions(() => {}, { answerMsMax: 5 });
    expect(await silent.ask({ port: 'chain', method: 'tip', args: [] })).toBeUndefined();
  });

  it('has no answer if too many are open, and one that comes late is not used', async () => {
    const sent: PortCall[] = [];
    const questions = new Questions((_id, call) => sent.push(call), { openMax: 2 });
    const call = { port: 'chain', method: 'tip', args: [] };
    const open = [questions.ask(call), questions.ask(call)];
    expect(await questions.ask(call)).toBeUndefined();
    expect(sent.length).toBe(2);
    questions.answered(1, 'b');
    questions.answered(0, 'a');
    questions.answered(0, 'late');
    expect(await Promise.all(open)).toEqual(['a', 'b']);
  });
});
