import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openLogReader } from '#shares/sharelog/consumers/log-reader';
import { openShareLog, type ShareLog } from '#shares/sharelog/log';
import { decodeRows } from '#shares/sharelog/rows/row-reader';
import { columnsOf } from '#shares/sharelog/rows/rows';
import { fuzz, fuzzMsMax } from '../../fuzz/runs.ts';
import { anyFate, FatefulDisk } from './fateful-disk.ts';
import { clock, dataFolder, judgedShare, keptLogger } from './fixtures.ts';

/** A few commits. */
const SEGMENT_BYTES = 1500;

/** Opens the log, once the one before has let go of the folder: it does when nothing of it is with the disk any more. */
async function openNext(...args: Parameters<typeof openShareLog>): Promise<ShareLog> {
  for (;;) {
    try {
      return await openShareLog(...args);
    } catch (error) {
      if (!/another pool is running/.test((error as Error).message)) throw error;
      await setTimeout(1);
    }
  }
}

const boot = fc.record({
  /** Shares of each commit. */
  commits: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 12 }),
  fates: fc.array(anyFate, { maxLength: 12 }),
  /** What a consumer has confirmed of what it has read: files go, and are written over. */
  confirms: fc.boolean(),
});

describe('the log, through whatever a disk can do', () => {
  it('keeps what was acknowledged, once, and never takes back what a reader has seen', {
    timeout: fuzzMsMax * 6,
  }, async () => {
    let crashes = 0;
    let resurrections = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(boot, { minLength: 1, maxLength: 5 }), async (boots) => {
        const folder = dataFolder();
        try {
          /** What a consumer has: nonces by sequence number. */
          const shipped = new Map<number, readonly unknown[]>();
          const acknowledged: number[] = [];
          let nonce = 0;
          /** What is confirmed may go at any time. */
          let confirmed = 0;
          const ship = (): number => {
            const reader = openLogReader(folder.path);
            if (reader === undefined) throw new Error('there is no log');
            const { seq: last } = reader.last();
            for (const { seq } of reader.heads(confirmed, { rowsMax: 1e9, bytesMax: 1e9 })) {
              const rows = reader.bodies('shares', seq, seq).flatMap((body) => decodeRows(columnsOf.shares, body));
              const nonces = rows.map((row) => row['nonce']);
              const before = shipped.get(seq);
              if (before !== undefined) expect(nonces, `batch ${seq} was another one before`).toEqual(before);
              shipped.set(seq, nonces);
            }
            reader.close();
            return last;
          };
          for (const { commits, fates, confirms } of boots) {
            const disk = new FatefulDisk(fates);
            const log = await openNext(
              { folder: folder.path, node: 'n', consumers: ['c'], segmentBytes: SEGMENT_BYTES, closeMsMax: 0 },
              { clock, logger: keptLogger(), disk },
            );
            const seen = ship();
            if (confirms) {
              confirmed = seen;
              log.confirm('c', seen);
            }
            const written = commits.map((shares) => {
              const nonces = Array.from({ length: shares }, () => nonce++);
              for (const each of nonces) log.share(judgedShare({ share: { nonce: each } }));
              return new Promise<void>((resolve) =>
                log.commit(() => {
                  acknowledged.push(...nonces);
                  resolve();
                }),
              );
            });
            await Promise.race([disk.crashed.then(() => (crashes += 1)), Promise.all(written)]);
            ship();
            await log.close();
            disk.bury();
          }
          const last = await openNext(
            { folder: folder.path, node: 'n', consumers: ['c'], segmentBytes: SEGMENT_BYTES },
            { clock, logger: keptLogger() },
          );
          await last.close();
          ship();
          const all = [...shipped].sort(([a], [b]) => a - b).flatMap(([, nonces]) => nonces);
          expect([...shipped.keys()].sort((a, b) => a - b)).toEqual(Array.from(shipped, (_, index) => index + 1));
          expect(new Set(all).size, 'a share is there twice').toBe(all.length);
          expect(all.filter((each) => acknowledged.includes(each as number))).toEqual(acknowledged);
          resurrections += all.length - acknowledged.length;
        } finally {
          await folder.remove();
        }
      }),
      fuzz(150, 10_000),
    );
    // It must be seen to reach what it is about: crashes, and shares that were written and never acknowledged.
    expect(crashes).toBeGreaterThan(20);
    expect(resurrections).toBeGreaterThan(20);
  });
});
