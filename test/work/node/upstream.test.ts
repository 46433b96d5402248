import { expect, it } from 'vitest';
import { NO_QUEUE } from '#base/domain/queue';
import { TemplateThread } from '#work/node/template-thread';
import { Upstream } from '#work/node/upstream';
import { templateAnswer } from './fixtures.ts';

it('a template tells when it was asked for, not when it came: a block that came meanwhile is not in it', async () => {
  let nowMs = 1_000;
  const rpc = {
    name: 'node',
    fixedCredentials: true,
    async call() {
      nowMs += 500;
      return { ok: true, result: Buffer.from(JSON.stringify({ result: templateAnswer, error: null })) } as const;
    },
    queues: { calls: NO_QUEUE, urgentCalls: NO_QUEUE },
    close() {},
  };
  const clock = { monotonicMs: () => nowMs };
  const thread = new TemplateThread();
  const templates = thread.reader('regtest');
  const upstream = new Upstream('regtest', { rpc, clock, pause: () => Promise.resolve(), templates });
  expect(await upstream.template()).toMatchObject({
    ok: true,
    value: { askedMs: 1_000, height: templateAnswer.height },
  });
  await thread.close();
});
