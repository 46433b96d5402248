import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ShipState } from '#books/analytics/ship-state';
import type { Insert } from '#books/analytics/warehouse';
import { type Journal, openJournal } from '#shares/sharelog/journal/journal';
import { POOL_JOURNAL } from '#shares/sharelog/journal/journals';
import { headOf } from '#shares/sharelog/rows/block-rows';
import { decodeRows } from '#shares/sharelog/rows/row-reader';
import { encodeHead } from '#shares/sharelog/segments/segment';
import { segmentPath } from '#shares/sharelog/segments/segment-files';
import { SegmentReader } from '#shares/sharelog/segments/segment-reader';
import { clock, folderPerTest, foundBlock, keptLogger, put, shipperInto } from '../../shares/sharelog/fixtures.ts';

const folder = folderPerTest();

async function withJournal(use: (journal: Journal) => Promise<void>): Promise<void> {
  const journal = await openJournal(
    { folder: folder.path, journal: POOL_JOURNAL, node: 'n', consumers: ['analytics'] },
    { clock, logger: keptLogger() },
  );
  await use(journal);
  await journal.close();
}

/** Logs shares one at a time: a batch each. */
const log = (...nonces: number[]): Promise<void> =>
  withJournal(async (journal) => {
    for (const nonce of nonces) await put(journal, nonce);
  });

/** What comes to ClickHouse, under which tokens. It knows the tokens that it has had. */
function table(): { readonly nonces: unknown[]; ship(): Promise<string> } {
  const tokens = new Set<string>();
  const nonces: unknown[] = [];
  return {
    nonces,
    async ship() {
      const take = ({ token }: Insert, rows: readonly unknown[]): void => {
        if (!tokens.has(token)) nonces.push(...rows);
        tokens.add(token);
      };
      const shipper = shipperInto(folder, take);
      shipper.start();
      await shipper.caughtUp();
      await shipper.stop();
      return shipper.status().lastError;
    },
  };
}

const path = (name: string): string => join(folder.path, name);

describe('a share log that is set back to an older copy', () => {
  it('loses none of the shares that are logged since, and doubles none', async () => {
    const { nonces, ship } = table();
    await log(0, 1, 2);
    cpSync(path('sharelog'), path('copy'), { recursive: true });
    await log(3, 4, 5, 6);
    await ship();
    rmSync(path('sharelog'), { recursive: true });
    cpSync(path('copy'), path('sharelog'), { recursive: true });
    await log(103, 104);
    expect(await ship()).toBe('');
    await log(105);
    expect(await ship()).toBe('');
    expect(nonces).toEqual([0, 1, 2, 3, 4, 5, 6, 103, 104, 105]);
  });

  it('goes on though a shipment that was sealed is not in it', async () => {
    const { nonces, ship } = table();
    await log(0, 1, 2);
    await ship();
    cpSync(path('sharelog'), path('copy'), { recursive: true });
    await log(3, 4);
    const { boots, logId } = JSON.parse(readFileSync(path('sharelog/identity.json'), 'utf8'));
    const state = new ShipState(folder.path, 'x');
    state.seal([{ log: `${logId}/${boots.at(-1)[1]}`, first: 4, last: 5, rows: 2, rowsTotal: 5 }]);
    state.close();
    rmSync(path('sharelog'), { recursive: true });
    cpSync(path('copy'), path('sharelog'), { recursive: true });
    await log(103, 104, 105);
    expect(await ship()).toBe('');
    expect(nonces).toEqual([0, 1, 2, 103, 104, 105]);
  });

  it('has no batch of two boots under one token', async () => {
    const { nonces, ship } = table();
    await log(0);
    await log(1);
    await ship();
    await ship();
    expect(nonces).toEqual([0, 1]);
  });
});

it('ships rows of blocks in the layout that an earlier version has left in the log, and those of this one', async () => {
  const block = (): Promise<void> =>
    withJournal(async (journal) => {
      journal.rows.block(headOf(foundBlock()), { status: 'accepted' });
      await new Promise<void>((resolve) => journal.commit(resolve));
    });
  await block();
  // As layout 1 had it: without the last seven columns.
  const file = segmentPath(path('sharelog'), 1);
  const reader = new SegmentReader(path('sharelog'), 1);
  reader.extend();
  const [head] = reader.heads;
  if (head === undefined) throw new Error('there is no frame');
  const body = reader.body(1).subarray(0, -(4 + 9 + 17 + 12 + 1));
  reader.close();
  const earlier = { ...head, format: 1, bytes: body.length, bytesTotal: body.length };
  writeFileSync(file, Buffer.concat([encodeHead(earlier, body), body]));
  await block();
  const inserts: Insert[] = [];
  const shipper = shipperInto(folder, (insert) => inserts.push(insert));
  shipper.start();
  await shipper.caughtUp();
  await shipper.stop();
  const rows = inserts.map(({ columns, parts }) => parts.flatMap((part) => decodeRows(columns, part)));
  expect(rows).toMatchObject([[{ status: 'accepted' }], [{ status: 'accepted', extranonce1: '000aff01' }]]);
  expect(rows[0]?.[0]).not.toHaveProperty('extranonce1');
  expect(new Set(inserts.map(({ token }) => token)).size).toBe(2);
});

it('ships what version 1 of the log still held, under the tokens of version 1', async () => {
  await log(0, 1);
  // As version 1 left it: without ids of boots.
  const { logId, epoch } = JSON.parse(readFileSync(path('sharelog/identity.json'), 'utf8'));
  writeFileSync(path('sharelog/identity.json'), JSON.stringify({ version: 1, logId, epoch }));
  const state = new ShipState(folder.path, 'x');
  state.seal([{ log: logId, first: 1, last: 1, rows: 1, rowsTotal: 1 }]);
  state.close();
  await log(2);
  const tokens: string[] = [];
  const nonces: unknown[] = [];
  const shipper = shipperInto(folder, ({ token }, rows) => {
    tokens.push(token);
    nonces.push(...rows);
  });
  shipper.start();
  await shipper.caughtUp();
  await shipper.stop();
  expect(nonces).toEqual([0, 1, 2]);
  expect(tokens.slice(0, 2)).toEqual([`${logId}/1-1/shares/3`, `${logId}/2-2/shares/3`]);
  expect(tokens[2]).toMatch(new RegExp(`^${logId}/[0-9a-f]{16}/3-3/shares/3$`));
});
