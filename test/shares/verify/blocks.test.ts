import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Job } from '#base/domain/job';
import type { FoundBlock, SubmitOutcome } from '#base/domain/ports';
import { BlockSubmitter } from '#shares/verify/blocks';

function block(hash: string, tip = 1): FoundBlock {
  const job = { previousHash: new Uint8Array(32).fill(tip), height: 100 } as unknown as Job;
  const inputs = {
    variant: 0,
    extranonce1: new Uint8Array(4),
    extranonce2: new Uint8Array(8),
    version: 0,
    ntime: 0,
    nonce: 0,
  };
  return { hash, job, account: 'a', rig: 'r', shareDifficulty: 1, foundMs: 0, inputs, block: Buffer.from(hash) };
}

/** A node whose answers the test gives, and a log that notes what it is told, in order. */
function setUp(openMax = 100, named?: Promise<void>) {
  const events: string[] = [];
  const observed: string[] = [];
  const followed = new Map<string, SubmitOutcome['status']>();
  let losses = 0;
  const pending = new Map<string, (outcome: SubmitOutcome) => void>();
  const submitter = new BlockSubmitter(
    { openMax },
    {
      clock: { monotonicMs: () => 1_000 },
      node: {
        submitBlock: (bytes) => {
          const hash = Buffer.from(bytes).toString();
          events.push(`submit ${hash}`);
          return new Promise((resolve) => pending.set(hash, resolve));
        },
      },
      recorder: {
        candidate: ({ hash }) => {
          events.push(`candidate ${hash}`);
          return named;
        },
        outcome: ({ hash }, { status }) => events.push(`${status} ${hash}`),
        settled: (hash) => events.push(`settled ${hash}`),
        commit: () => {},
      },
      logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      observe: ({ hash }, { status }) => observed.push(`${status} ${hash}`),
      follow: ({ hash }, { status }) => followed.set(hash, status),
      undecided: () => [...followed.values()].filter((status) => status === 'unknown').length,
      lost: () => {
        losses += 1;
      },
    },
  );
  const answer = async (hash: string, status: SubmitOutcome['status']): Promise<void> => {
    pending.get(hash)?.(status === 'accepted' ? { status } : { status, reason: 'test' });
    await new Promise((resolve) => setImmediate(resolve));
  };
  /** The node has a template on a tip, asked for after what it has accepted. */
  const nodeBuilds = (tip: number, askedMs = 1_001): void =>
    submitter.nodeBuilds({ previousHash: new Uint8Array(32).fill(tip), askedMs });
  return { submitter, events, observed, followed, answer, nodeBuilds, losses: () => losses };
}

describe('BlockSubmitter', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('sends a block in the same call, and logs what became of it', async () => {
    const { submitter, events, followed, answer } = setUp();
    submitter.found(block('a'));
    expect(events).toEqual(['candidate a', 'submit a']);
    await answer('a', 'accepted');
    // The answer settles nothing: the chain does.
    expect(events.slice(2)).toEqual(['accepted a']);
    expect([...followed]).toEqual([['a', 'accepted']]);
    expect(submitter.open).toBe(0);
  });

  it('sends a block when the log has its name, and no sooner', async () => {
    let name = (): void => {};
    const { submitter, events } = setUp(
      100,
      new Promise((resolve) => {
        name = resolve;
      }),
    );
    submitter.found(block('a'));
    submitter.found(block('b'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(events).toEqual(['candidate a', 'candidate b']);
    name();
    await new Promise((resolve) => setImmediate(resolve));
    // The sibling waits for what becomes of the first.
    expect(events.slice(2)).toEqual(['submit a']);
  });

  it('leaves a block as it stands when the same one is handed in again', async () => {
    const { submitter, events, answer } = setUp();
    submitter.found(block('a'));
    submitter.found(block('a'));
    await answer('a', 'accepted');
    submitter.found(block('a'));
    expect(events).toEqual(['candidate a', 'submit a', 'accepted a']);
  });

  it('holds a sibling back while the first is with the node, and needs it no more when that is accepted', async () => {
    const { submitter, events, answer } = setUp();
    submitter.found(block('a'));
    submitter.found(block('b'));
    submitter.found(block('other', 2));
    expect(events.filter((event) => event.startsWith('submit'))).toEqual(['submit a', 'submit other']);
    await answer('a', 'accepted');
    expect(events).toContain('orphaned b');
    expect(events).toContain('settled b');
    submitter.found(block('c'));
    expect(events.at(-1)).toBe('orphaned c');
    expect(events).not.toContain('candidate c');
    await answer('other', 'accepted');
    expect(submitter.open).toBe(0);
  });

  it.each(['rejected', 'orphaned', 'unknown'] as const)('sends the sibling when the first was %s', async (status) => {
    const { submitter, events, answer } = setUp();
    submitter.found(block('a'));
    submitter.found(block('b'));
    await answer('a', status);
    expect(events).toContain('submit b');
    await answer('b', 'accepted');
    expect(events).toContain('accepted b');
    expect(submitter.open).toBe(0);
  });

  it.each(['accepted', 'orphaned', 'rejected', 'unknown'] as const)(
    'hands a candidate that was %s over to whoever follows it, in its file',
    async (status) => {
      const { submitter, events, followed, answer } = setUp();
      submitter.found(block('a'));
      await answer('a', status);
      expect([...followed]).toEqual([['a', status]]);
      expect(events).not.toContain('settled a');
    },
  );

  it('gives siblings their chance, and says so, when the node has lost a block', async () => {
    const { submitter, events, answer, nodeBuilds, losses } = setUp();
    submitter.found(block('a'));
    await answer('a', 'accepted');
    nodeBuilds(2);
    nodeBuilds(1, 1_000);
    submitter.found(block('b'));
    expect(events).not.toContain('submit b');
    expect(losses()).toBe(0);
    nodeBuilds(1);
    nodeBuilds(1);
    expect(losses()).toBe(1);
    submitter.found(block('c'));
    expect(events.slice(-2)).toEqual(['candidate c', 'submit c']);
  });

  it('does not let a sibling wait for a node that hangs', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { submitter, events, answer } = setUp();
    submitter.found(block('a'));
    submitter.found(block('b'));
    vi.advanceTimersByTime(1000);
    expect(events).toContain('submit b');
    await answer('b', 'accepted');
    await answer('a', 'unknown');
    expect(events.slice(-2)).toEqual(['accepted b', 'unknown a']);
    expect(submitter.open).toBe(0);
  });

  it('bounds what it holds', () => {
    const { submitter, events } = setUp(2);
    for (const hash of ['a', 'b', 'c']) submitter.found(block(hash));
    expect(events.at(-1)).toBe('orphaned c');
    expect(events).not.toContain('candidate c');
    expect(submitter.open).toBe(2);
    expect(submitter.queue).toMatchObject({ depth: 2, served: 0, dropped: 1 });
  });

  it('bounds what no node has judged, also after it was handed over', async () => {
    const { submitter, events, answer } = setUp(1);
    submitter.found(block('a'));
    await answer('a', 'unknown');
    submitter.found(block('b', 2));
    submitter.found(block('c', 2));
    expect(events.at(-1)).toBe('orphaned c');
    expect(events).not.toContain('submit c');
  });

  it('submits the first block on a parent, however many wait on an older one', () => {
    const { submitter, events } = setUp(2);
    for (const hash of ['a', 'b', 'c']) submitter.found(block(hash));
    submitter.found(block('d', 2));
    expect(events).toContain('submit d');
  });
});
