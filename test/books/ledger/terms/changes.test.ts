import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { buildCoinbase } from '#base/bitcoin/coinbase';
import { jobRowId } from '#base/domain/ids';
import { openBlocks } from '#books/ledger/blocks/blocks';
import { checkLedger } from '#books/ledger/check';
import { EntryBook } from '#books/ledger/entries/book';
import { divideAgain } from '#books/ledger/explain/explain-block';
import { type LedgerDatabase, memoryLedger, openLedger } from '#books/ledger/ledger-db';
import { SlicePayments } from '#books/ledger/pay-per-share/slice-payments';
import { windowOfBlocks } from '#books/ledger/rewards/fixed-point';
import type { PoolTerms } from '#books/ledger/rewards/pool-terms';
import { noFees, type PoolScheme } from '#books/ledger/rewards/scheme';
import { schemaSteps } from '#books/ledger/schema';
import { SealedSlices } from '#books/ledger/slices/sealed-slices';
import { SliceStore } from '#books/ledger/slices/slice-store';
import { TermsBook } from '#books/ledger/terms/terms-book';
import { fuzz } from '../../../fuzz/runs.ts';
import { ModelChain } from '../blocks/model-chain.ts';

const DEPTHS = { confirmations: 1, maturity: 100 };
const SCRIPT = Uint8Array.of(0x51);
const SUBSIDY = 800n;
/** A unit of work is worth 100 sats per share. */
const NETWORK_WORK = 8n;
const clock = { nowMs: () => 5 };

interface Step {
  /** The pool starts with this scheme before the job; undefined: it goes on. */
  readonly starts: PoolScheme | undefined;
  readonly work: { readonly a: number; readonly b: number };
  readonly isBlock: boolean;
}

const steps = fc.array(
  fc.record({
    starts: fc.option(fc.constantFrom<PoolScheme>('pplns', 'prop', 'solo', 'pps', 'fpps', 'operator'), {
      nil: undefined,
      freq: 2,
    }),
    work: fc.record({ a: fc.nat({ max: 9 }), b: fc.integer({ min: 1, max: 9 }) }),
    isBlock: fc.boolean(),
  }),
  { minLength: 2, maxLength: 25 },
);

const termsOf = (scheme: PoolScheme): PoolTerms => ({
  ...{ scheme, fees: noFees, donationAccount: undefined, window: windowOfBlocks(1_000) },
});
const schemesOf = (all: readonly Step[]): PoolScheme[] => {
  let scheme: PoolScheme = 'pplns';
  return all.map(({ starts }, serial) => {
    // The first start is under PPLNS.
    if (serial > 0) scheme = starts ?? scheme;
    return scheme;
  });
};
const jobIdOf = (serial: number): string => jobRowId(serial, 'b007b007');
const hashOf = (serial: number): string => serial.toString(16).padStart(64, '0');

/** A pool whose ledger books after each job, or only under the terms of its last start. */
function run(all: readonly Step[], books: 'at once' | 'at last'): LedgerDatabase {
  const database = memoryLedger();
  const store = new SliceStore(database);
  let pool = start(database, 0, 'pplns');
  for (const [serial, { starts, work, isBlock }] of all.entries()) {
    if (starts !== undefined) pool = start(database, serial, starts);
    const [jobId, height] = [jobIdOf(serial), 100 + serial];
    const sums = Object.entries(work).filter(([, each]) => each > 0);
    store.take({
      positions: [],
      jobs: [
        {
          ...{ jobId, serial, height, nbits: 1, networkWork: NETWORK_WORK, rewardSats: SUBSIDY, subsidySats: SUBSIDY },
          ...{ feesSats: 0n, windowEnd: '', timeMs: 1 },
        },
      ],
      found: [],
      sums: sums.map(([account, each]) => ({ jobId, serial, account, work: BigInt(each), shares: each })),
      rows: 1,
      shares: 1,
    });
    store.seal(serial);
    if (isBlock)
      pool.book.found({ hash: hashOf(serial), jobId, finder: 'b', height, foundMs: 1, claimedSats: SUBSIDY });
    if (books === 'at once') pool.all(all, serial);
  }
  pool.all(all, all.length - 1);
  return database;
}

function start(database: LedgerDatabase, serial: number, scheme: PoolScheme) {
  const terms = new TermsBook(database);
  terms.begin(serial, termsOf(scheme));
  const slices = new SealedSlices(database);
  const options = { ...termsOf(scheme), ...DEPTHS, scripts: [SCRIPT], network: 'regtest' as const };
  const { book } = openBlocks(database, options, { view: new ModelChain(), slices, clock, terms });
  const payments = new SlicePayments(database, terms.reigns, { clock, slices });
  return {
    book,
    all(steps: readonly Step[], upTo: number) {
      while (payments.step());
      for (const [at, { isBlock }] of steps.slice(0, upTo + 1).entries()) {
        const height = 100 + at;
        if (isBlock) book.follow(hashOf(at), { at: 'chain', height, confirmations: 1 }, 100 + upTo, coinbase(at));
      }
    },
  };
}

function coinbase(serial: number): Uint8Array {
  const halves = buildCoinbase({
    ...{ height: 100 + serial, serial, identity: new Uint8Array(6), extranonceBytes: 14, tag: '/test/' },
    ...{ outputs: [{ script: SCRIPT, sats: SUBSIDY }], witnessCommitment: undefined },
  });
  return new Uint8Array(Buffer.concat([halves.coinb1, new Uint8Array(14), halves.coinb2]));
}

const rows = (database: LedgerDatabase, sql: string): unknown[] => database.prepare(sql).all();

/** The work that a block pays for, by the rules in words: written a second time, over all jobs. */
function counted(all: readonly Step[], at: number): bigint {
  const schemes = schemesOf(all);
  const blocks = all.flatMap(({ isBlock }, serial) => (isBlock && serial < at ? [serial] : []));
  const roundOf = (of: readonly number[]): number => of.at(-1) ?? -1;
  const prop = roundOf(blocks.filter((serial) => schemes[serial] === 'prop'));
  const last = roundOf(blocks);
  return all.slice(0, at + 1).reduce((sum, { work }, serial) => {
    const isOpen =
      schemes[at] === 'prop'
        ? serial > last && (schemes[serial] === 'prop' || schemes[serial] === 'pplns')
        : schemes[serial] === 'pplns' || (schemes[serial] === 'prop' && serial > prop);
    return isOpen ? sum + BigInt(work.a + work.b) : sum;
  }, 0n);
}

it('pays each job by the scheme that it was made under, whenever it is booked, and pays no work twice', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const [early, late] = [run(all, 'at once'), run(all, 'at last')];
      for (const table of ['block_credits', 'pps_carry']) {
        const sql = `SELECT * FROM ${table} ORDER BY 1, 2`;
        expect(rows(late, sql)).toEqual(rows(early, sql));
      }
      const booked = 'SELECT hash, terms, lines, fee_sats, rest_sats FROM blocks ORDER BY hash';
      expect(rows(late, booked)).toEqual(rows(early, booked));
      const balances = new EntryBook(early).balances();
      expect(new EntryBook(late).balances()).toEqual(balances);
      expect([checkLedger(early), checkLedger(late)]).toEqual([[], []]);

      const schemes = schemesOf(all);
      const credits = early.prepare<[string], { account: string; sats: bigint; work: string }>(
        'SELECT account, sats, work FROM block_credits WHERE hash = ?',
      );
      for (const [serial, { isBlock }] of all.entries()) {
        if (!isBlock) continue;
        const of = credits.all(hashOf(serial));
        const sats = of.reduce((sum, credit) => sum + credit.sats, 0n);
        const scheme = schemes[serial];
        if (scheme === 'solo') expect(of).toMatchObject([{ account: 'b', sats: SUBSIDY }]);
        else if (scheme === 'pplns' || scheme === 'prop') {
          expect(sats).toBe(SUBSIDY);
          expect(of.reduce((sum, { work }) => sum + BigInt(work), 0n)).toBe(counted(all, serial));
          expect(divideAgain(early, hashOf(serial)).differences).toEqual([]);
        } else expect(of).toEqual([]);
      }
      // A height is paid for when the next one has begun.
      const perShare = all.slice(0, -1).filter((_, serial) => schemes[serial] === 'pps' || schemes[serial] === 'fpps');
      const due = perShare.reduce((sum, { work }) => sum + BigInt(work.a + work.b) * (SUBSIDY / NETWORK_WORK), 0n);
      const payable = [...balances].reduce((sum, [name, sats]) => (name.startsWith('payable:') ? sum - sats : sum), 0n);
      expect(payable).toBe(due);
    }),
    fuzz(60, 5),
  );
});

it.each([
  ['under PPLNS', undefined, 7n],
  ['under PPS', 'INSERT INTO pps_paid VALUES (1, 3)', 3n],
])('pays nothing twice after an upgrade of a ledger %s', (_, insert, paid) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-terms-'));
  try {
    const old = new Database(join(folder, 'ledger.db'));
    for (const step of schemaSteps.slice(0, 5)) old.exec(step);
    old.exec(`UPDATE taken SET sealed_serial = 7; ${insert ?? ''}; PRAGMA user_version = 5`);
    old.close();
    const { database, close } = openLedger(folder);
    const terms = new TermsBook(database);
    terms.begin(1_000, termsOf('pps'));
    expect(database.prepare('SELECT serial FROM pps_paid').pluck().all()).toEqual([paid]);
    // Its jobs are of the first terms that are known.
    expect([terms.at(5).scheme, terms.at(1_000).scheme]).toEqual(['pps', 'pps']);
    close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
