import { describe, expect, it } from 'vitest';
import type { BitcoinNode, Standing, SubmitOutcome } from '#base/domain/ports';
import { createMetrics } from '#base/telemetry/metrics';
import { createBlocks } from '#pool/blocks';
import { openShareLog } from '#shares/sharelog/log';
import { clock, dataFolder, foundBlock } from '../shares/sharelog/fixtures.ts';
import { recordedContainment } from '../support/containment.ts';
import { recordedLogger } from '../support/recorded-logger.ts';

const block = (tail: string) => foundBlock({ hash: tail.padStart(64, '0') });

/** A pool's blocks on a log with these of an earlier start, and a node whose answers the test sets. */
async function setUp(earlier: readonly string[] = []) {
  const folder = dataFolder();
  const logger = recordedLogger();
  const open = () => openShareLog({ folder: folder.path, node: 'n', consumers: [] }, { clock, logger });
  const before = await open();
  for (const tail of earlier) before.candidate(block(tail));
  await before.close();
  const log = await open();
  const metrics = createMetrics();
  const standings = new Map<string, Standing>();
  const answer = { now: { status: 'accepted' } as SubmitOutcome };
  const node = {
    submitBlock: async () => answer.now,
    standing: async (hash: string) => standings.get(hash.slice(-2)) ?? ({ at: 'unknown' } as const),
  } as unknown as BitcoinNode;
  logger.lines.length = 0;
  const { submitter, follower } = createBlocks(
    { maturity: 100 },
    { clock, contain: recordedContainment().contain, node, log, logger },
    metrics,
  );
  let tips = 0;
  const look = async (): Promise<void> => {
    tips += 1;
    follower.template({ height: 813, previousHash: new Uint8Array(32).fill(tips) });
    follower.tick();
    await new Promise((resolve) => setImmediate(resolve));
  };
  const close = async (): Promise<void> => {
    await log.close();
    await folder.remove();
  };
  return { submitter, metrics, standings, answer, logger, look, close };
}

describe("a pool's blocks", () => {
  it('count once each in the metrics, whatever the chain does', async () => {
    const { submitter, metrics, standings, look, close } = await setUp();
    submitter.found(block('a1'));
    // The node has it when the disk has named it.
    await submitter.settled(10_000);
    await look();
    for (const standing of [{ at: 'side' }, { at: 'chain', confirmations: 2 }, { at: 'side' }] as const) {
      standings.set('a1', standing);
      await look();
    }
    expect(metrics.blocks()).toEqual({ accepted: 0, orphaned: 1, rejected: 0, unknown: 0 });
    const text = await metrics.text();
    expect(text).toContain('sluice_blocks_total{status="accepted"} 1\n');
    expect(text).toContain('sluice_blocks_total{status="orphaned"} 0\n');
    expect(text).toContain('sluice_blocks{status="orphaned"} 1\n');
    await close();
  });

  it('of earlier starts are one line of log in all, and are not counted', async () => {
    const { metrics, standings, logger, look, close } = await setUp(['a1', 'a2', 'a3', 'a4']);
    for (const tail of ['a1', 'a2']) standings.set(tail, { at: 'chain', confirmations: 3 });
    standings.set('a3', { at: 'none' });
    standings.set('a4', { at: 'side' });
    await look();
    await look();
    const loud = () => logger.lines.filter(({ level }) => level !== 'debug');
    expect(loud()).toEqual([
      {
        level: 'info',
        message: 'blocks of earlier starts are followed',
        fields: { accepted: 2, unknown: 1, orphaned: 1 },
      },
    ]);
    standings.set('a4', { at: 'chain', confirmations: 1 });
    await look();
    expect(loud().at(-1)).toMatchObject({ level: 'info', message: 'a block of this pool is in the chain again' });
    expect(metrics.blocks()).toEqual({ accepted: 0, orphaned: 0, rejected: 0, unknown: 0 });
    await close();
  });
});
