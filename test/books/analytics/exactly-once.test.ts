import { on } from 'node:events';
import { watch } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { dataFolder } from '../../shares/sharelog/fixtures.ts';
import { openRig, type Rig, someShares, TOTALS_SQL, totalsOf } from './support.ts';

let folder: ReturnType<typeof dataFolder>;
let rig: Rig;

beforeEach(async () => {
  folder = dataFolder();
  rig = await openRig(folder.path);
});
afterEach(async () => {
  await rig.close();
  await folder.remove();
});

/** Resolves when a shipment is sealed and on its way into ClickHouse: its file has appeared. */
async function shipmentUnderWay(): Promise<void> {
  const watcher = watch(folder.path);
  try {
    for await (const [, name] of on(watcher, 'change')) if (name === 'shipment.rowbinary') return;
  } finally {
    watcher.close();
  }
}

/**
 * Kills the child at another moment of its work each time: while the shipment is written to its file, inserted, counted by
 * one rollup and not yet by the other, or crossed off. The pool starts it again by itself.
 */
it('ships every share once, to the table and to the rollups, however often the child is killed', async () => {
  const kills = 10;
  let shares = 0;
  for (let kill = 0; kill < kills; kill += 1) {
    const underWay = shipmentUnderWay();
    await rig.commit(someShares(shares, 20_000));
    shares += 20_000;
    await underWay;
    const { pid } = rig.analytics.status();
    if (pid === undefined) throw new Error('no child runs');
    // Not a wait for something to happen: an insert takes about 50 ms, and each kill falls on another part of it.
    await new Promise((resolve) => setTimeout(resolve, kill * 8));
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => rig.analytics.status().restarts, { interval: 10 }).toBe(kill + 1);
    await expect.poll(() => rig.analytics.status().reason, { interval: 10 }).not.toMatch(/ended|start/);
    // The shipment that was cut off is in before the next one leaves, so that each kill meets a shipment of its own.
    expect(await rig.one(TOTALS_SQL), `after kill ${kill}`).toBe(totalsOf(shares));
  }
  await expect.poll(() => rig.log.status().keptRows).toBe(0);
}, 120_000);
