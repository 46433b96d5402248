import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Job } from '#base/domain/job';
import type { FoundBlock, SubmitOutcome } from '#base/domain/ports';
import { BlockSubmitter } from '#shares/verify/blocks';

function block(hash: string, tip = 1): FoundBlock {
  const job = { previousHash: new Uint8Array(32).fill(tip), height: 100 } as unknown as Job;
  return { hash, job, account: 'a', rig: 'r', shareDifficulty: 1, foundMs: 0, block: Buffer.from(hash) };
}

/** A node whose answers the test gives, and a log that notes what it is told, in order. */
function setUp(openMax = 100) {
  const events: string[] = [];
  const observed: string[] = [];
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
        candidate: ({ hash }) => events.push(`candidate ${hash}`),
        outcome: ({ hash }, { status }) => events.push(`${status} ${hash}`),
        commit: () => {},
      },
      logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      observe: ({ hash }, { status }) => observed.push(`${status} ${hash}`),
    },
  );
  const answer = async (hash: string, status: SubmitOutcome['status']): Promise<void> => {
    pending.get(hash)?.(status === 'accepted' ? { status } : { status, reason: 'test' });
    await new Promise((resolve) => setImmediate(resolve));
  };
  /** The node has a template on a tip, asked for after what it has accepted. */
  const nodeBuilds = (tip: number, askedMs = 1_001): void =>
    submitter.nodeBuilds({ previousHash: new Uint8Array(32).fill(tip), askedMs });
  return { submitter, events, observed, answer, nodeBuilds };
}

describe('BlockSubmitter', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('sends a block before it is logged, and logs what became of it', async () => {
    const { submitter, events, answer } = setUp();
    submitter.found(block('a'));
    expect(events).toEqual(['submit a', 'candidate a']);
    await answer('a', 'accepted');
    expect(events.slice(2)).toEqual(['accepted a']);
    expect(submitter.open).toBe(0);
  });

  it('leaves a block as it stands when the same one is handed in again', async () => {
    const { submitter, events, answer } = setUp();
    submitter.found(block('a'));
    submitter.found(block('a'));
    await answer('a', 'accepted');
    submitter.found(block('a'));
    expect(events).toEqual(['submit a', 'candidate a', 'accepted a']);
  });

  it('holds a sibling back while the first is with the node, and needs it no more when that is accepted', async () => {
    const { submitter, events, answer } = setUp();
    submitter.found(block('a'));
    submitter.found(block('b'));
    submitter.found(block('other', 2));
    expect(events.filter((event) => event.startsWith('submit'))).toEqual(['submit a', 'submit other']);
    await answer('a', 'accepted');
    expect(events).toContain('orphaned b');
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
    expect(submitter.open).toBe(status === 'unknown' ? 1 : 0);
  });

  it('tries again what no node has answered for, until one does', async () => {
    const { submitter, events, answer } = setUp();
    submitter.found(block('a'));
    await answer('a', 'unknown');
    submitter.retry(101);
    await answer('a', 'unknown');
    submitter.retry(101);
    await answer('a', 'accepted');
    submitter.retry(101);
    expect(events.filter((event) => event === 'submit a').length).toBe(3);
    expect(submitter.open).toBe(0);
  });

  it('gives a candidate up that no node judges when the chain has buried it', async () => {
    const { submitter, events, answer } = setUp();
    submitter.found(block('a'));
    await answer('a', 'unknown');
    submitter.retry(200);
    await answer('a', 'unknown');
    submitter.retry(201);
    expect(events.filter((event) => event === 'submit a')).toHaveLength(2);
    expect(events.at(-1)).toBe('orphaned a');
    expect(submitter.open).toBe(0);
  });

  it('hands a block in again that the node has lost, and holds siblings back meanwhile', async () => {
    const { submitter, events, observed, answer, nodeBuilds } = setUp();
    submitter.found(block('a'));
    await answer('a', 'accepted');
    nodeBuilds(2);
    nodeBuilds(1, 1_000);
    expect(events).toEqual(['submit a', 'candidate a', 'accepted a']);
    nodeBuilds(1);
    submitter.found(block('b'));
    expect(events.slice(3)).toEqual(['submit a', 'candidate a', 'candidate b']);
    await answer('a', 'unknown');
    submitter.retry(101);
    await answer('b', 'unknown');
    await answer('a', 'accepted');
    submitter.retry(101);
    expect(events.slice(-2)).toEqual(['accepted a', 'submit b']);
    await answer('b', 'orphaned');
    // As it stands: it is not counted twice.
    expect(observed.filter((event) => event === 'accepted a')).toHaveLength(1);
    expect(submitter.open).toBe(0);
    submitter.found(block('c'));
    expect(events.at(-1)).toBe('orphaned c');
  });

  it('gives siblings their chance when the node does not take the lost one again', async () => {
    const { submitter, events, observed, answer, nodeBuilds } = setUp();
    submitter.found(block('a'));
    await answer('a', 'accepted');
    nodeBuilds(1);
    await answer('a', 'rejected');
    submitter.found(block('b'));
    await answer('b', 'accepted');
    expect(events.slice(-3)).toEqual(['submit b', 'candidate b', 'accepted b']);
    expect(observed).toEqual(['accepted a', 'rejected a', 'accepted b']);
    expect(submitter.open).toBe(0);
  });

  it('gives a block that is lost again and again up, as one that the node does not want', async () => {
    const { submitter, events, answer, nodeBuilds } = setUp();
    submitter.found(block('a'));
    await answer('a', 'accepted');
    for (let loss = 0; loss < 6; loss += 1) {
      nodeBuilds(1);
      await answer('a', 'accepted');
    }
    expect(events.filter((event) => event === 'submit a')).toHaveLength(4);
    submitter.found(block('b'));
    expect(events).toContain('submit b');
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
    expect(submitter.open).toBe(1);
  });

  it('bounds what it holds', () => {
    const { submitter, events } = setUp(2);
    for (const hash of ['a', 'b', 'c']) submitter.found(block(hash));
    expect(events.at(-1)).toBe('orphaned c');
    expect(events).not.toContain('candidate c');
    expect(submitter.open).toBe(2);
    expect(submitter.queue).toMatchObject({ depth: 2, served: 0, dropped: 1 });
  });
});
