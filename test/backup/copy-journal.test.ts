import { join } from 'node:path';
import { expect, it } from 'vitest';
import { copyJournal } from '#backup/copy-journal';
import { Draft } from '#backup/draft';
import { Deliveries } from '#shares/sharelog/consumers/deliveries';
import { openLogReader } from '#shares/sharelog/consumers/log-reader';
import { openJournal } from '#shares/sharelog/journal/journal';
import { POOL_JOURNAL } from '#shares/sharelog/journal/journals';
import { findEnd } from '#shares/sharelog/journal/recovery';
import { clock, folderPerTest, keptLogger, noncesOf, put } from '../shares/sharelog/fixtures.ts';

const folder = folderPerTest();
const COPIES_MIN = 25;
const SHARES_MIN = 100;

/** A journal of small segments whose consumer confirms each share as soon as it is written, through deliveries. */
async function written() {
  const deliveries = new Deliveries();
  const journal = folder.opened(
    await openJournal(
      { folder: folder.path, journal: POOL_JOURNAL, node: 'n', consumers: ['ledger'], segmentBytes: 1_500 },
      { clock, logger: keptLogger() },
    ),
  );
  deliveries.listen(POOL_JOURNAL, (consumer, seq) => journal.confirm(consumer, seq));
  const state = { last: 0, isStopped: false };
  const write = async (): Promise<void> => {
    state.last += 1;
    const nonce = state.last;
    await put(journal, nonce);
    deliveries.delivered('ledger', POOL_JOURNAL, nonce);
  };
  return { deliveries, state, write };
}

async function copied(name: string): Promise<{ readonly nonces: unknown[]; readonly path: string }> {
  const draft = new Draft(join(folder.path, name), () => {});
  const journal = await copyJournal(folder.path, POOL_JOURNAL, draft);
  const path = join(folder.path, name);
  draft.finish({
    ...{ version: '1', madeMs: 1, network: 'regtest', clickhouse: 'none', delivered: [] },
    ...{ journals: journal === undefined ? [] : [journal], ledger: { entries: 0, hash: '' } },
  });
  const reader = openLogReader(join(path, 'data'), POOL_JOURNAL);
  const nonces = reader === undefined ? [] : noncesOf(reader);
  reader?.close();
  return { nonces, path };
}

it('copies a journal that is written and let go of meanwhile: whole frames, without a gap, up to the last that was acknowledged', async () => {
  const { state, write } = await written();
  for (let i = 0; i < 10; i += 1) await write();
  const writing = (async () => {
    while (!state.isStopped) await write();
  })();
  // The journal lets go of most of what is written.
  for (let copy = 0; copy < COPIES_MIN || state.last < SHARES_MIN; copy += 1) {
    const acknowledged = state.last - 1;
    const { nonces, path } = await copied(`copy-${copy}`);
    const first = Number(nonces[0]);
    expect(nonces).toEqual(nonces.map((_, index) => first + index));
    expect(nonces.at(-1)).toBeGreaterThanOrEqual(acknowledged);
    // A pool that starts on it finds its end, and no damage.
    expect(findEnd(join(path, 'data', POOL_JOURNAL)).marks.last.seq).toBe(nonces.at(-1));
  }
  state.isStopped = true;
  await writing;
});

it('has all that was there when the log was held, and lets it go afterwards', async () => {
  const { deliveries, write } = await written();
  const release = deliveries.hold();
  for (let i = 0; i < 40; i += 1) await write();
  expect((await copied('held')).nonces).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
  const second = deliveries.hold();
  release();
  release();
  await write();
  expect((await copied('twice')).nonces).toHaveLength(41);
  second();
  await expect.poll(async () => (await copied(`after-${performance.now()}`)).nonces.length).toBeLessThan(20);
});
