import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fuzz, fuzzMsMax } from '../../../fuzz/runs.ts';
import { type Boot, type Outcome, runBoots, type Step } from './simulated-pool.ts';

const gateway = fc.nat({ max: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('job' as const), tip: fc.nat({ max: 4 }).map((n) => n === 0) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('hashed' as const), gateway }) },
  {
    weight: 14,
    arbitrary: fc.record({
      kind: fc.constant('share' as const),
      gateway,
      age: fc.nat({ max: 3 }),
      hashed: fc.nat({ max: 3 }).map((n) => n > 0),
      account: fc.nat({ max: 2 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('commit' as const), gateway }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('gateway ends' as const), gateway, killed: fc.boolean() }) },
  {
    weight: 7,
    arbitrary: fc.record({
      kind: fc.constant('take' as const),
      rowsMax: fc.integer({ min: 1, max: 12 }),
      killedAt: fc.option(fc.constantFrom('read', 'storing', 'stored', 'confirmed', 'sealed'), { nil: undefined }),
    }),
  },
);
const boot: fc.Arbitrary<Boot> = fc.record({
  gateways: fc.integer({ min: 1, max: 3 }),
  steps: fc.array(step, { minLength: 5, maxLength: 50 }),
  killed: fc.boolean(),
  after: fc.oneof(
    { weight: 2, arbitrary: fc.constant('nothing' as const) },
    { weight: 3, arbitrary: fc.constant('copy' as const) },
    { weight: 3, arbitrary: fc.constantFrom('restore both', 'restore ledger', 'restore log') },
  ),
});

it('counts each share once, or stops, whatever is killed, removed, copied and put back', {
  timeout: fuzzMsMax * 6,
}, async () => {
  const seen: Record<Outcome | 'sealed' | 'removed', number> = { 'went on': 0, stopped: 0, sealed: 0, removed: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(boot, { minLength: 1, maxLength: 4 }), async (boots) => {
      const { outcome, sealedSlices, removedJournals } = await runBoots(boots);
      seen[outcome] += 1;
      seen.sealed += sealedSlices;
      seen.removed += removedJournals;
    }),
    fuzz(60, 20),
  );
  // It must be seen to reach what it is about.
  expect(seen.stopped).toBeGreaterThan(2);
  expect(seen['went on']).toBeGreaterThan(seen.stopped);
  expect(seen.sealed).toBeGreaterThan(40);
  expect(seen.removed).toBeGreaterThan(20);
});
