import { describe, expect, it } from 'vitest';
import { limits } from '#base/limits';
import { type Account, authorizeAccounts } from '#front/session/login/accounts';
import { hashPassword, parsePasswordHash } from '#front/session/login/password-hash';
import { authorizeBy } from '#front/session/login/policy';
import { inShort, MemoryWire, makeBench, makeJob } from './support.ts';

/** A check that the test decides on. */
function heldChecks() {
  const waiting: ((right?: boolean) => void)[] = [];
  let started = 0;
  const check = (password: string): Promise<boolean> => {
    started += 1;
    return new Promise((resolve) => waiting.push((right = password === 'secret') => resolve(right)));
  };
  return {
    check,
    get started() {
      return started;
    },
    /** Answers the check that waits longest; truly if the test does not say. */
    async answer(right?: boolean): Promise<void> {
      waiting.shift()?.(right);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

const passwordHash = await hashPassword('secret');
const alice: Account = { name: 'alice', passwordHash, address: 'bc1qalice' };

describe('parsePasswordHash', () => {
  it.each(['', 'secret', `${passwordHash}x`, passwordHash.replace('$14$', '$30$'), passwordHash.replace('$8$', '$0$')])(
    'refuses %j',
    (text) => {
      expect(parsePasswordHash(text)).toBeUndefined();
      expect(() => authorizeAccounts([{ ...alice, passwordHash: text }])).toThrow('alice');
    },
  );
});

describe('authorizing accounts', () => {
  it('takes the right password of a known account, and pays its address', async () => {
    const authorize = authorizeBy({ authorization: 'accounts', accounts: [alice] }, 'main');
    expect(await authorize('alice.rig', 'secret')).toEqual({ name: 'alice.rig', account: 'bc1qalice', rig: 'rig' });
    // Once it was right, it is known without being hashed again.
    expect(authorize('alice_2', 'secret')).toEqual({ name: 'alice_2', account: 'bc1qalice', rig: '2' });
    for (const [name, password] of [
      ['alice', 'Secret'],
      ['alice', ''],
      ['bob', 'secret'],
      ['__proto__', 'secret'],
      ['', ''],
    ] as const) {
      expect(await authorize(name, password)).toEqual({ refused: expect.stringMatching(/unknown|another/) });
    }
  });

  it('checks few at once, one password once, and turns away whom it could never come to', async () => {
    const checks = heldChecks();
    const accounts = Array.from({ length: limits.passwordChecksMax + limits.passwordQueueMax + 1 }, (_, index) => ({
      ...alice,
      name: `a${index}`,
    }));
    const authorize = authorizeAccounts(accounts, checks.check);
    const first = [authorize('a0.1', 'secret'), authorize('a0.2', 'secret')];
    const others = accounts.slice(1).map(({ name }) => authorize(name, 'x'));
    expect(checks.started).toBe(limits.passwordChecksMax);
    expect(await others.at(-1)).toEqual({ refused: expect.stringContaining('too many') });
    await checks.answer(true);
    expect(await Promise.all(first)).toMatchObject([{ rig: '1' }, { rig: '2' }]);
    expect(checks.started).toBe(limits.passwordChecksMax + 1);
    await checks.answer(false);
    expect(await others[0]).toHaveProperty('refused');
  });

  it('lets one address have a share of the checks, and takes others meanwhile', async () => {
    const checks = heldChecks();
    const authorize = authorizeAccounts([alice], checks.check);
    const [guesser, other] = [new MemoryWire('2001:db8::1'), new MemoryWire('192.0.2.1')];
    const all = Array.from({ length: limits.passwordsPerAddressMax }, (_, guess) =>
      authorize('alice', `guess ${guess}`, guesser),
    );
    const busy = { refused: expect.stringContaining('too many') };
    expect(authorize('alice', 'one more', guesser)).toEqual(busy);
    expect(authorize('alice', 'from a neighbour', new MemoryWire('2001:db8::2'))).toEqual(busy);
    const honest = authorize('alice', 'secret', other);
    expect(honest).toBeInstanceOf(Promise);
    // The guesses that run already, and one that was next in turn.
    for (let turn = 0; turn < limits.passwordChecksMax + 2; turn += 1) await checks.answer();
    expect(await honest).toMatchObject({ account: 'bc1qalice' });
    for (let guess = 0; guess < all.length; guess += 1) await checks.answer();
    expect([guesser.mistakes, other.mistakes]).toEqual([limits.passwordsPerAddressMax, 0]);
    expect(authorize('alice', 'one more', guesser)).toBeInstanceOf(Promise);
  });

  it('checks a wrong password once, and holds it against its sender once', async () => {
    const checks = heldChecks();
    const [authorize, wire] = [authorizeAccounts([alice], checks.check), new MemoryWire()];
    const farm = Array.from({ length: 100 }, (_, rig) => authorize(`alice.${rig}`, 'mistake', wire));
    await checks.answer(false);
    expect(new Set(await Promise.all(farm))).toEqual(new Set([{ refused: expect.stringContaining('another') }]));
    expect(authorize('alice', 'mistake', wire)).toHaveProperty('refused');
    expect([checks.started, wire.mistakes]).toEqual([1, 1]);
    // The right one is still right, and a wrong one is not remembered for ever.
    const right = authorize('alice', 'secret', wire);
    await checks.answer(true);
    expect(await right).toHaveProperty('account');
    for (let guess = 0; guess < limits.passwordMistakesMax; guess += 1) {
      void authorize('alice', `guess ${guess}`, wire);
      await checks.answer(false);
    }
    expect(authorize('alice', 'mistake', wire)).toBeInstanceOf(Promise);
  });

  it('checks the password of an unknown account as one of a known account', async () => {
    const checks = heldChecks();
    const [authorize, wire] = [authorizeAccounts([alice], checks.check), new MemoryWire()];
    const unknown = authorize('nobody.rig', 'guess', wire);
    expect(unknown).toBeInstanceOf(Promise);
    expect(checks.started).toBe(1);
    // Even if the password happens to be that of the account whose hash is used.
    await checks.answer(true);
    expect(await unknown).toEqual({ refused: expect.stringContaining('unknown') });
    expect(wire.mistakes).toBe(1);
    // A repeated mistake costs nothing, for either kind of account.
    expect(authorize('nobody.rig', 'guess', wire)).toHaveProperty('refused');
    expect(checks.started).toBe(1);
  });

  it('checks a right password soon though many addresses flood it with wrong ones', async () => {
    const checks = heldChecks();
    const authorize = authorizeAccounts([alice], checks.check);
    const flood = Array.from({ length: 30 }, (_, host) => new MemoryWire(`198.51.${host}.7`));
    const guesses = flood.flatMap((wire, host) =>
      Array.from({ length: limits.passwordsPerAddressMax }, (_, guess) => authorize('alice', `${host} ${guess}`, wire)),
    );
    const honest = authorize('alice', 'secret', new MemoryWire('192.0.2.1'));
    expect(honest).toBeInstanceOf(Promise);
    // One check of each other subnet, and those that run already.
    for (let turn = 0; turn < flood.length + limits.passwordChecksMax + 1; turn += 1) await checks.answer();
    expect(await honest).toMatchObject({ account: 'bc1qalice' });
    expect(guesses.length).toBeGreaterThan(limits.passwordQueueMax);
  });

  it('is busy rather than broken when a check fails', async () => {
    const authorize = authorizeAccounts([alice], () => Promise.reject(new Error('no memory')));
    expect(await authorize('alice', 'secret')).toEqual({ refused: expect.stringContaining('too many') });
  });
});

describe('a session whose password is being checked', () => {
  it('answers what comes meanwhile afterwards, in order', async () => {
    const checks = heldChecks();
    const { registry, connect, intake } = makeBench({}, { authorize: authorizeAccounts([alice], checks.check) });
    registry.broadcast(makeJob(1));
    const client = connect();
    client.call('mining.subscribe', ['test/1']);
    expect(client.call('mining.authorize', ['alice.1', 'secret'], 2)).toEqual([]);
    expect(client.call('mining.ping', [], 3)).toEqual([]);
    expect(client.call('mining.authorize', ['alice.2', 'secret'], 4)).toEqual([]);
    client.call('mining.submit', ['alice.2', '00000000010001', '0000000000000001', '6553f164', '00000001'], 5);
    expect(intake.held).toEqual([]);
    await checks.answer(true);
    const replies = client.wire.take();
    expect(inShort(replies)).toEqual([
      'result true',
      'difficulty 1000',
      'job 00000000010001 clean',
      'result "pong"',
      'result true',
    ]);
    expect(intake.held[0]?.worker).toMatchObject({ account: 'bc1qalice' });
  });

  it('is closed when it sends more than can wait, and not answered after it has gone', async () => {
    const checks = heldChecks();
    const { registry, connect } = makeBench({}, { authorize: authorizeAccounts([alice], checks.check) });
    const [noisy, gone] = [connect(), connect()];
    for (const client of [noisy, gone]) client.call('mining.authorize', ['alice', 'secret']);
    gone.call('mining.authorize', ['alice.2', 'secret']);
    gone.handler.onClose();
    const line = JSON.stringify({ id: 1, method: 'mining.ping', params: ['x'.repeat(limits.lineBytesMax - 100)] });
    for (let count = 0; count * line.length <= limits.heldBytesMax; count += 1) {
      expect(noisy.wire.closes).toBe(0);
      noisy.say(line);
    }
    expect(noisy.wire.closes).toBe(1);
    await checks.answer(true);
    expect([noisy.wire.take(), gone.wire.take()]).toEqual([[], []]);
    expect(registry.counters.authorizedWorkers, 'nobody is counted who has gone').toBe(0);
  });

  it('tells the refused worker, and goes on', async () => {
    const checks = heldChecks();
    const { connect } = makeBench({}, { authorize: authorizeAccounts([alice], checks.check) });
    const client = connect();
    client.call('mining.authorize', ['alice', 'wrong'], 1);
    client.call('mining.ping', [], 2);
    await checks.answer(false);
    expect(inShort(client.wire.take())).toEqual(['error 24', 'result "pong"']);
  });
});
