import { describe, expect, it } from 'vitest';
import type { Client } from '#front/session/client';
import type { Session } from '#front/session/session';
import { wireJobId } from '#front/stratum/v1/job-id';
import { MemoryWire, makeBench, makeJob } from './support.ts';

/** A client of no protocol: keeps what its session has it told. */
class SilentClient implements Client {
  readonly session: Session;
  readonly told: unknown[][] = [];

  constructor(session: Session) {
    this.session = session;
  }

  tellDifficulty(difficulty: number): void {
    this.told.push(['difficulty', difficulty]);
  }

  tellVersionMask(mask: number): void {
    this.told.push(['mask', mask]);
  }

  giveJob({ serial }: { readonly serial: number }, variant: number, clean: boolean): void {
    this.told.push(['job', serial, variant, clean]);
  }

  giveExtranonce(extranonce: number): void {
    this.told.push(['extranonce', extranonce]);
  }

  answerShare(reply: unknown, verdict: string): void {
    this.told.push(['answer', reply, verdict]);
  }

  show(text: string): void {
    this.told.push(['text', text]);
  }

  comeBack(waitSeconds: number): void {
    this.told.push(['come back', waitSeconds]);
  }

  ping(): void {
    this.told.push(['ping']);
  }

  askName(): void {
    this.told.push(['name?']);
  }

  heard(): unknown[][] {
    return this.told.splice(0);
  }
}

function setUp() {
  const bench = makeBench();
  const wire = new MemoryWire();
  bench.registry.broadcast(makeJob(1));
  const client = bench.registry.open(wire, (session) => new SilentClient(session));
  if (!client) throw new Error('the registry refused the connection');
  const { session } = client;
  expect(session.subscribe({ userAgent: '', resumeId: undefined, signature: undefined })).toBeUndefined();
  const worker = { name: 'me.rig', account: 'me', rig: 'rig' };
  expect(session.login(worker, 'x')).toEqual({ notice: undefined });
  session.begin();
  return { ...bench, wire, client, session };
}

describe('a session without words', () => {
  it('gives work, takes a share with a reply of any kind, and hands the reply back with the verdict', () => {
    const { client, session, intake, registry, wire } = setUp();
    expect(client.heard()).toEqual([['difficulty', 1000], ['job', 1, 1, true], ['name?']]);
    const reply = { sequence: 7 };
    const fields = { workerName: 'me.rig', jobName: wireJobId('1', 1), serial: 1, variant: 1 };
    session.submit({ ...fields, extranonce2: new Uint8Array(8), ntime: 0, nonce: 0, versionBits: 0 }, false, reply);
    expect(intake.held).toMatchObject([{ worker: { name: 'me.rig' }, terms: { difficulty: 1000 }, fault: undefined }]);
    intake.settle('accepted');
    expect(client.heard()).toEqual([['answer', reply, 'accepted']]);
    expect(
      wire.judgements.map(({ verdict }) => verdict),
      'the wire knows of its client',
    ).toEqual(['accepted']);
    registry.broadcast(makeJob(2));
    expect(client.heard()).toEqual([['job', 2, 0, false]]);
    registry.pause('no node');
    expect(client.heard()).toEqual([['text', 'no node']]);
    expect(wire.texts, 'nothing else went over the wire').toEqual([]);
  });

  it('asks a client to come back when the gateway closes, and opens no other', () => {
    const { client, registry, wire } = setUp();
    client.heard();
    registry.closeAll('bye');
    expect(client.heard()).toEqual([
      ['text', 'bye'],
      ['come back', 5],
    ]);
    expect(wire.closes).toBe(1);
    expect(registry.open(new MemoryWire(), (session) => new SilentClient(session))).toBeUndefined();
  });
});

describe('a source', () => {
  it('stays as it was when its share was made, whatever the session is told later', () => {
    const { client, session, intake } = setUp();
    const fields = { workerName: 'me.rig', jobName: '', serial: 1, variant: 1, ntime: 0, nonce: 0, versionBits: 0 };
    const submit = (): void => session.submit({ ...fields, extranonce2: new Uint8Array(8) }, false, 0);
    submit();
    submit();
    session.called('late/1');
    submit();
    const [first, second, third] = intake.held.map(({ source }) => source);
    expect(first).toBe(second);
    expect([first?.userAgent, third?.userAgent]).toEqual(['', 'late/1']);
    expect(third?.extranonce1).toBe(first?.extranonce1);
    expect(client.session.userAgent).toBe('late/1');
  });
});
