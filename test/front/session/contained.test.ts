import { describe, expect, it } from 'vitest';
import { closings } from '#front/session/closings';
import type { Authorize } from '#front/session/login/authorize';
import { makeBench, makeJob } from './support.ts';

function fault(): never {
  throw new Error('fault');
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Two sessions at work. */
function setUp(authorize?: Authorize) {
  const bench = makeBench({}, authorize && { authorize });
  const [bad, good] = [bench.connect(), bench.connect()];
  bench.registry.broadcast(makeJob(1));
  good.login();
  return { ...bench, bad, good };
}

describe('an unexpected error ends the session that it happened to, and no other', () => {
  it('while a message is handled', () => {
    const { bad, good, contained } = setUp((name) => (name === 'bad' ? fault() : { name, account: name, rig: '' }));
    bad.call('mining.subscribe');
    expect(bad.call('mining.authorize', ['bad', 'x'])).toMatchObject([{ params: [closings.failed] }]);
    expect([bad.wire.closes, good.wire.closes]).toEqual([1, 0]);
    expect(contained.errors).toBe(1);
    expect(good.call('mining.ping')).toHaveLength(1);
  });

  it('after a password was checked', async () => {
    const { bad, good, contained } = setUp((name) => {
      const worker = { name, account: name, rig: '' };
      return name === 'bad' ? Promise.resolve(worker) : worker;
    });
    bad.call('mining.subscribe');
    bad.call('mining.authorize', ['bad', 'x']);
    bad.wire.send = fault;
    await turn();
    expect([bad.wire.closes, good.wire.closes]).toEqual([1, 0]);
    expect(contained.errors).toBe(1);
  });

  it.each([
    ['a new job', ({ registry }: ReturnType<typeof setUp>) => registry.broadcast(makeJob(2))],
    ['a pause', ({ registry }: ReturnType<typeof setUp>) => registry.pause('later')],
  ])('while all are told of %s', (_, tell) => {
    const all = setUp();
    const { bad, good, contained } = all;
    bad.login();
    bad.wire.send = fault;
    tell(all);
    expect([bad.wire.closes, good.wire.closes]).toEqual([1, 0]);
    expect(good.wire.take()).toHaveLength(1);
    expect(contained.errors).toBe(1);
  });

  it('while time passes, and even if it can not be closed', () => {
    const { bad, good, registry, clock, contained } = setUp();
    bad.wire.close = fault;
    clock.ms += 16_000;
    registry.tick();
    expect(contained.errors).toBe(2);
    expect(good.wire.closes).toBe(0);
    expect(good.call('mining.ping')).toHaveLength(1);
  });
});
