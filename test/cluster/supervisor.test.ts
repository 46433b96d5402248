import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GatewayNumbers } from '#cluster/gateway-numbers';
import type { GatewayProcess } from '#cluster/gateway-process';
import type { FromGateway, GatewayStart, ToGateway } from '#cluster/messages';
import { type Member, Supervisor } from '#cluster/supervisor';
import { INCARNATIONS_MAX } from '#gateway/gateway';
import { recordedContainment } from '../support/containment.ts';
import { recordedLogger } from '../support/recorded-logger.ts';

/** A process that does what a gateway does with its supervisor, at once, and ends when the test says so. */
class ManualProcess implements GatewayProcess {
  readonly pid = 1;
  readonly sent: ToGateway[] = [];
  /** Answers nothing from here on. */
  silent: boolean;
  /** What it answers to a start. */
  readonly #toStart: FromGateway;
  readonly #listeners = new Set<(message: FromGateway) => void>();
  killed = false;
  end: (reason: string) => void = () => {};
  readonly gone = new Promise<string>((resolve) => {
    this.end = resolve;
  });

  constructor({ silent = false, toStart = { type: 'started' } as FromGateway } = {}) {
    this.silent = silent;
    this.#toStart = toStart;
    queueMicrotask(() => this.say({ type: 'hello' }));
  }

  get started(): GatewayStart | undefined {
    return this.sent.find((message) => message.type === 'start')?.start;
  }

  say(message: FromGateway): void {
    if (!this.silent) for (const listener of [...this.#listeners]) listener(message);
  }

  send(message: ToGateway): void {
    this.sent.push(message);
    if (message.type === 'start') queueMicrotask(() => this.say(this.#toStart));
    if (message.type === 'listen')
      queueMicrotask(() => this.say({ type: 'listening', endpoints: { stratumTcp: 'stratum+tcp://h:1' } }));
    if (message.type === 'close') queueMicrotask(() => !this.silent && this.end('exit code 0'));
  }

  onMessage(listener: (message: FromGateway) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  kill(): void {
    this.killed = true;
    this.end('SIGKILL');
  }
}

function setup({ count = 2, fork = () => new ManualProcess(), incarnationsMax = INCARNATIONS_MAX } = {}) {
  const processes: ManualProcess[] = [];
  const events: string[] = [];
  const logger = recordedLogger();
  const { contain, lines: contained } = recordedContainment();
  let epochs = 1;
  let serial = 0;
  const numbers = new GatewayNumbers({ epoch: 1, incarnationsMax }, () => ++epochs);
  const supervisor = new Supervisor(
    { count },
    {
      contain,
      logger,
      fork() {
        const process = fork();
        processes.push(process);
        return process;
      },
      prepare() {
        const number = numbers.take(serial);
        if (number === undefined) throw new Error('no number');
        return { start: () => number as GatewayStart, ended: () => numbers.free(number, serial) };
      },
      joined: ({ slot }) => void events.push(`joined ${slot}`),
      left: ({ slot }) => void events.push(`left ${slot}`),
      heard: ({ slot }, { type }) => {
        if (type === 'wants-job') events.push(`heard ${slot}`);
      },
    },
  );
  const of = (slot: number): ManualProcess | undefined =>
    supervisor.members.find((member: Member) => member.slot === slot)?.process as ManualProcess | undefined;
  return { supervisor, processes, events, logger, contained, of, epochs: () => epochs, newJob: () => ++serial };
}

const settle = () => vi.advanceTimersByTimeAsync(0);

describe('the supervisor of gateways', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
  afterEach(() => void vi.useRealTimers());

  it('starts a gateway in each slot, each with its own number, and all of them listen', async () => {
    const { supervisor, processes, events, of } = setup();
    await supervisor.start();
    expect(events).toEqual(['joined 0', 'joined 1']);
    expect(processes.map(({ started }) => started?.incarnation)).toEqual([0, 1]);
    expect(await supervisor.listen({ tcp: 1 })).toEqual({ stratumTcp: 'stratum+tcp://h:1' });
    for (const { sent } of processes) expect(sent.at(-1)).toEqual({ type: 'listen', ports: { tcp: 1 } });
    of(1)?.say({ type: 'wants-job' });
    expect(events.at(-1)).toBe('heard 1');
  });

  it('replaces a gateway that dies, with a growing delay while replacements die young', async () => {
    const { supervisor, processes, events, of } = setup();
    await supervisor.start();
    await supervisor.listen({ tcp: 1 });
    const die = async (waitMs: number) => {
      const count = processes.length;
      of(0)?.end('SIGSEGV');
      await vi.advanceTimersByTimeAsync(waitMs - 1);
      expect(processes).toHaveLength(count);
      expect(supervisor.members).toHaveLength(1);
      await vi.advanceTimersByTimeAsync(1);
      expect(processes).toHaveLength(count + 1);
      expect(processes.at(-1)?.sent.at(-1)).toEqual({ type: 'listen', ports: { tcp: 1 } });
    };
    for (const waitMs of [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]) await die(waitMs);
    await vi.advanceTimersByTimeAsync(60_000);
    await die(200);
    await die(400);
    expect(events.filter((event) => event.endsWith(' 1'))).toEqual(['joined 1']);
  });

  it('retires an ended gateway once, before its replacement joins', async () => {
    const { supervisor, processes, events, of, logger } = setup();
    await supervisor.start();
    of(0)?.end('exit code 1');
    await settle();
    expect(events.slice(2)).toEqual(['left 0']);
    expect(supervisor.members.map(({ slot }) => slot)).toEqual([1]);
    await vi.advanceTimersByTimeAsync(200);
    expect(events.slice(2)).toEqual(['left 0', 'joined 0']);
    expect(processes.map(({ started }) => started?.incarnation)).toEqual([0, 1, 2]);
    expect(logger.lines).toContainEqual({
      level: 'error',
      fields: { gateway: 0, reason: 'exit code 1' },
      message: 'a gateway ended; a new gateway replaces it',
    });
  });

  it('replaces one even if its retirement throws', async () => {
    const { supervisor, processes, of, events, contained } = setup({ count: 1 });
    await supervisor.start();
    events.push = () => {
      throw new Error('a fault of the pool');
    };
    of(0)?.end('x');
    await settle();
    Reflect.deleteProperty(events, 'push');
    await vi.advanceTimersByTimeAsync(200);
    expect(processes).toHaveLength(2);
    expect(contained).toHaveLength(1);
  });

  it('tries again, with a new number each time, if one does not come to its start', async () => {
    const failed = { type: 'failed', reason: 'the disk is full' } as const;
    const kinds = [
      () => new ManualProcess(),
      () => new ManualProcess({ toStart: failed }),
      () => {
        throw new Error('no more processes');
      },
      () => new ManualProcess(),
    ];
    const { supervisor, processes, of, logger } = setup({
      count: 1,
      fork: () => (kinds.shift() ?? kinds[0])?.() as ManualProcess,
    });
    await supervisor.start();
    of(0)?.end('x');
    await vi.advanceTimersByTimeAsync(200);
    expect(supervisor.members).toEqual([]);
    // A gateway that has failed ends by itself.
    processes[1]?.end('exit code 1');
    await vi.advanceTimersByTimeAsync(400 + 800);
    expect(supervisor.members).toHaveLength(1);
    expect(processes.at(-1)?.started?.incarnation).toBe(3);
    expect(logger.lines.filter(({ message }) => message === 'a gateway did not start')).toHaveLength(2);
  });

  it('does not start if one of the first does not, for its reason', async () => {
    let count = 0;
    const toStart: FromGateway = { type: 'failed', reason: 'no kernel' };
    const { supervisor, processes } = setup({ fork: () => new ManualProcess(count++ === 1 ? { toStart } : {}) });
    await expect(supervisor.start()).rejects.toThrow('no kernel');
    await supervisor.kill();
    expect(processes.every(({ killed }) => killed)).toBe(true);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(processes).toHaveLength(2);
  });

  it('goes on past the last number: the pool does not end, and no two gateways can be taken for one another', async () => {
    const { supervisor, processes, of, newJob, epochs } = setup();
    await supervisor.start();
    for (let death = 0; death < 2 * INCARNATIONS_MAX + 10; death += 1) {
      newJob();
      of(death % 2)?.end('x');
      await vi.advanceTimersByTimeAsync(10_000);
      expect(supervisor.members).toHaveLength(2);
      expect(of(0)?.started?.incarnation).not.toBe(of(1)?.started?.incarnation);
    }
    expect(processes.length).toBeGreaterThan(2 * INCARNATIONS_MAX);
    const names = processes.map(({ started }) => `${started?.epoch}/${started?.incarnation}`);
    expect(new Set(names).size).toBe(names.length);
    expect(Math.max(...processes.map(({ started }) => started?.incarnation ?? 0))).toBe(INCARNATIONS_MAX - 1);
    expect(epochs()).toBe(3);
  });

  it('waits for a newer job if all numbers are in use or too young', async () => {
    const { supervisor, of, newJob, logger } = setup({ count: 1, incarnationsMax: 2 });
    await supervisor.start();
    for (let death = 0; death < 2; death += 1) {
      of(0)?.end('x');
      await vi.advanceTimersByTimeAsync(10_000);
    }
    expect(supervisor.members).toEqual([]);
    expect(logger.lines.at(-1)?.message).toBe('a gateway did not start');
    newJob();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(supervisor.members).toHaveLength(1);
  });

  it('closes all, kills a gateway that does not close, and starts none afterwards', async () => {
    const { supervisor, processes, of, logger } = setup({ count: 3 });
    await supervisor.start();
    of(2)?.end('x');
    await settle();
    const lines = logger.lines.length;
    if (processes[1]) processes[1].silent = true;
    let closed = false;
    void supervisor.close().then(() => {
      closed = true;
    });
    await vi.advanceTimersByTimeAsync(7_999);
    expect(closed).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(closed).toBe(true);
    expect(processes.map(({ killed }) => killed)).toEqual([false, true, false]);
    expect(logger.lines, 'their ends are no news').toHaveLength(lines);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(processes).toHaveLength(3);
  });
});
