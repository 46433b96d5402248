import { expect, it } from 'vitest';
import type { BitcoinNode, SubmitOutcome } from '#base/domain/ports';
import { limits } from '#base/limits';
import { resubmitBlocks } from '#pool/blocks';
import type { ShareLog } from '#shares/sharelog/log';
import { JobStore } from '#work/jobs/store';
import { recordedLogger } from '../support/recorded-logger.ts';

it('hands over a bounded number of old blocks at a time, and one that stays open holds up none of the others', async () => {
  const count = 3 * limits.resubmittedAtOnceMax;
  const unresolved = Array.from({ length: count }, (_, index) => ({
    hash: String(index),
    height: 1,
    block: Uint8Array.of(index),
  }));
  const resolved: string[] = [];
  let [underWay, most, asked] = [0, 0, 0];
  const node = {
    async submitBlock([index]: Uint8Array): Promise<SubmitOutcome> {
      asked += 1;
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise(setImmediate);
      underWay -= 1;
      return index === 0 ? { status: 'unknown', reason: 'no answer' } : { status: 'accepted' };
    },
  } as unknown as BitcoinNode;
  const log = {
    unresolved,
    resolved: ({ hash }: { hash: string }) => resolved.push(hash),
    commit: () => {},
  } as unknown as ShareLog;
  const jobs = new JobStore({ jobsMax: 1 });
  // The pool closes before the next round, while it waits.
  void resubmitBlocks({ node, log, logger: recordedLogger(), jobs }, () => asked > count);
  await expect.poll(() => resolved.length).toBe(count - 1);
  expect(most).toBe(limits.resubmittedAtOnceMax);
  expect(resolved).not.toContain('0');
});
