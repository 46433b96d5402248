import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Config } from '#base/config/config';
import { ConfigError } from '#base/config/problem';
import { check } from '#cli/check';
import { exitCodes } from '#cli/io';
import { type StartPool, start } from '#cli/start';
import type { Pool } from '#pool/pool';
import { makeCertificate } from '../support/certificate.ts';
import { FakeIo } from './harness.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-start-'));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

/** A pool whose ends are in the test's hands; the real one is run by test/e2e. */
function poolInHand(changes: Partial<Pool> = {}) {
  const events: string[] = [];
  const pool: Pool = {
    endpoints: { stratumTcp: 'stratum+tcp://127.0.0.1:3333', http: 'http://127.0.0.1:8080' },
    reload: () => void events.push('reloaded'),
    close: async () => void events.push('closed'),
    ...changes,
  };
  let config: Config | undefined;
  const startPool: StartPool = async (given) => {
    config = given;
    return pool;
  };
  return { startPool, events, config: () => config };
}

describe('sluice start', () => {
  it('prints the endpoints first, and nothing else on stdout', async () => {
    const io = new FakeIo({ SLUICE_VERIFY__THREADS: '2' });
    const { startPool, events, config } = poolInHand();
    const running = start({}, io, startPool);
    await io.written();
    expect(io.out).toBe('sluice ready stratum+tcp://127.0.0.1:3333 http://127.0.0.1:8080\n');
    expect(config()?.verify.threads).toBe(2);
    expect(events).toEqual([]);
    io.signal();
    expect(await running).toBe(exitCodes.fine);
    expect(events).toEqual(['closed']);
    expect(io.out.split('\n')).toHaveLength(2);
  });

  it('prints them as JSON', async () => {
    const io = new FakeIo();
    const running = start({ json: true }, io, poolInHand().startPool);
    await io.written();
    expect(JSON.parse(io.out)).toEqual({
      ready: true,
      stratumTcp: 'stratum+tcp://127.0.0.1:3333',
      http: 'http://127.0.0.1:8080',
    });
    io.signal('SIGINT');
    expect(await running).toBe(exitCodes.fine);
  });

  it('reloads the certificate on SIGHUP, and stops on SIGHUP without one', async () => {
    const { cert, key } = makeCertificate(folder, 'start');
    const tls = { SLUICE_STRATUM__TLS__CERT: cert, SLUICE_STRATUM__TLS__KEY: key };
    const [secure, plain] = [new FakeIo(tls), new FakeIo()];
    const pool = poolInHand();
    const running = start({}, secure, pool.startPool);
    await secure.written();
    secure.hangUp();
    secure.hangUp();
    expect(pool.events).toEqual(['reloaded', 'reloaded']);
    secure.signal();
    expect(await running).toBe(exitCodes.fine);
    const stopping = start({}, plain, poolInHand().startPool);
    await plain.written();
    plain.hangUp();
    expect(await stopping).toBe(exitCodes.fine);
    expect(plain.log).toContain('SIGHUP');
  });

  it('starts nothing with an unusable certificate, which `check` refuses too', async () => {
    const { cert, key } = makeCertificate(folder, 'one');
    const other = makeCertificate(folder, 'other');
    const none = join(folder, 'none.pem');
    for (const [tls, problem] of [
      [
        { cert: none, key },
        { key: 'stratum.tls.cert', value: `"${none}"`, bound: /^can not be read \(ENOENT\)$/ },
      ],
      [
        { cert, key: other.key },
        { key: 'stratum.tls', bound: /can not be used/ },
      ],
      [
        { cert: key, key },
        { key: 'stratum.tls', bound: /can not be used/ },
      ],
    ] as const) {
      const io = new FakeIo({ SLUICE_STRATUM__TLS__CERT: tls.cert, SLUICE_STRATUM__TLS__KEY: tls.key });
      const { startPool, config } = poolInHand();
      const expected = { ...problem, bound: expect.stringMatching(problem.bound) };
      await expect(start({}, io, startPool)).rejects.toMatchObject({ problems: [expected] });
      expect(config()).toBeUndefined();
      expect(() => check({}, io)).toThrow(ConfigError);
      expect(check({ json: true }, io)).toBe(exitCodes.usage);
    }
  });

  it('fails when the pool does not start, and says why', async () => {
    const failing = async (): Promise<never> => {
      throw new Error('cannot listen on 127.0.0.1:3333');
    };
    await expect(start({}, new FakeIo(), failing)).rejects.toMatchObject({
      name: 'CommandError',
      exitCode: exitCodes.failed,
      message: 'the pool did not start: cannot listen on 127.0.0.1:3333',
    });
  });

  it('stops at once at the second signal', async () => {
    const io = new FakeIo();
    let finish: () => void = () => undefined;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const { startPool } = poolInHand({ close: () => finished });
    const running = start({}, io, startPool);
    await io.written();
    io.signal();
    expect(io.exits).toEqual([]);
    io.signal();
    expect(io.exits).toEqual([exitCodes.failed]);
    finish();
    await running;
  });

  it('ends after ten seconds without a pool that does not close', async () => {
    vi.useFakeTimers();
    const io = new FakeIo();
    const { startPool } = poolInHand({ close: () => new Promise(() => undefined) });
    const running = start({}, io, startPool);
    await io.written();
    io.signal();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await running).toBe(exitCodes.failed);
    expect(io.log).toContain('did not close in time');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(io.exits).toEqual([exitCodes.failed]);
  });

  it('can be stopped while it starts', async () => {
    vi.useFakeTimers();
    const io = new FakeIo();
    const running = start({}, io, () => new Promise(() => undefined));
    io.signal();
    await vi.advanceTimersByTimeAsync(6_000);
    expect(await running).toBe(exitCodes.fine);
    expect(io.out).toBe('');
  });

  it('starts nothing with a config that is wrong', async () => {
    let started = false;
    const startPool: StartPool = async () => {
      started = true;
      throw new Error('must not start');
    };
    await expect(start({}, new FakeIo({ SLUICE_NETWORK: 'mian' }), startPool)).rejects.toMatchObject({
      name: 'ConfigError',
    });
    expect(started).toBe(false);
  });
});
