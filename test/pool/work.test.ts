import { expect, it } from 'vitest';
import type { BlockTemplate } from '#base/domain/template';
import { Work } from '#pool/work';
import { recordedLogger } from '../support/recorded-logger.ts';

const template = (height: number): BlockTemplate => ({ height }) as BlockTemplate;

function makeWork() {
  const done: string[] = [];
  let causes: string[] = [];
  let nowMs = 0;
  const work = new Work(
    { outageGraceMs: 60_000 },
    {
      clock: { nowMs: () => 0, monotonicMs: () => nowMs },
      logger: recordedLogger(),
      gateway: { pause: () => done.push('pause'), letGo: () => done.push('let go') },
      announce: ({ height }) => done.push(`job ${height}`),
      causes: () => causes,
    },
  );
  return {
    work,
    done,
    is: (...now: string[]) => {
      causes = now;
    },
    after(seconds: number) {
      for (let second = 0; second < seconds; second += 1) {
        nowMs += 1000;
        work.tick();
      }
    },
  };
}

it('keeps templates back while the disk is stuck, and gives out the latest afterwards', () => {
  const { work, done, is, after } = makeWork();
  work.template(template(1));
  is('share log: no space left');
  after(10);
  work.template(template(2));
  after(60);
  work.template(template(3));
  expect(done).toEqual(['job 1', 'pause', 'let go']);
  is();
  after(1);
  expect(done).toEqual(['job 1', 'pause', 'let go', 'job 3']);
});

it('gives out the first template after an outage at once, and once', () => {
  const { work, done, is, after } = makeWork();
  work.template(template(1));
  is('node: gone');
  after(10);
  is();
  work.template(template(2));
  after(5);
  expect(done).toEqual(['job 1', 'pause', 'job 2']);
});
