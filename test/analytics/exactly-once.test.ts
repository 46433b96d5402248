import { afterEach, beforeEach, expect, it } from 'vitest';
import { dataFolder } from '../sharelog/fixtures.ts';
import { openRig, type Rig, someShares, TOTALS_SQL, totalsOf } from './support.ts';

let folder: ReturnType<typeof dataFolder>;
let rig: Rig;

beforeEach(async () => {
  folder = dataFolder();
  rig = await openRig(folder.path);
});
afterEach(async () => {
  await rig.close();
  folder.remove();
});

/**
 * Kills the child at other moments of its work each time: soon after a commit, when the shipment may be sealed, written,
 * inserted, or counted by one rollup and not by the other. The pool starts it again by itself.
 */
it('ships every share once, to the table and to the rollups, however often the child is killed', async () => {
  const kills = 12;
  let shares = 0;
  for (let kill = 0; kill < kills; kill += 1) {
    await rig.commit(someShares(shares, 20_000));
    shares += 20_000;
    const { pid } = rig.analytics.status();
    if (pid === undefined) throw new Error('no child runs');
    // Not a wait for something to happen: a moment of its own for each kill, from at once to well after the insert.
    await new Promise((resolve) => setTimeout(resolve, kill * 12));
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => rig.analytics.status().restarts, { timeout: 15_000, interval: 10 }).toBe(kill + 1);
    await expect
      .poll(() => rig.analytics.status().reason, { timeout: 15_000, interval: 10 })
      .not.toMatch(/ended|start/);
  }
  expect(await rig.one(TOTALS_SQL)).toBe(totalsOf(shares));
  await expect.poll(() => rig.log.status().keptRows, { timeout: 10_000 }).toBe(0);
}, 120_000);
