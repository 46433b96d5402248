import { describe, expect, it } from 'vitest';
import { EntryBook } from '#books/ledger/entries/book';
import { explainBlock, newestCredited } from '#books/ledger/explain/explain-block';
import { ExplainError } from '#books/ledger/explain/explanation';
import { sentencesOf } from '#books/ledger/explain/sentences';
import { memoryLedger } from '#books/ledger/ledger-db';
import { noFees } from '#books/ledger/rewards/scheme';
import { type BookedTerms, readTerms, writeTerms } from '#books/ledger/rewards/terms-text';
import { blockHash, bookExample, jobs } from './fixtures.ts';

function ledger(options: Parameters<typeof bookExample>[1] = {}) {
  const database = memoryLedger();
  bookExample(database, options);
  return database;
}

/** What a change by hand makes of the explanation of b's credit by the block on job 3. */
function afterChange(...statements: readonly string[]): readonly string[] {
  const database = ledger();
  for (const name of ['entries_update', 'lines_update', 'lines_delete', 'entries_delete']) {
    database.exec(`DROP TRIGGER IF EXISTS ${name}`);
  }
  database.pragma('foreign_keys = OFF');
  for (const statement of statements) expect(database.prepare(statement).run().changes).toBeGreaterThan(0);
  return explainBlock(database, 'b', blockHash(3)).differences;
}

describe('an explanation', () => {
  it('goes from the credit down to slices and shares, and is what the book has', () => {
    const explanation = explainBlock(ledger(), 'b', blockHash(3));
    expect(explanation).toMatchObject({
      rewardSats: 314_159_265n,
      credit: { sats: 85_529_860n, work: 500n },
      booked: { sats: 85_529_860n, directSats: 0n, entry: { id: 2, reference: `block:${blockHash(3)}:booked:1` } },
      differences: [],
    });
    const inBlocks = (weight: bigint): number => Number(weight) / 2 ** 64;
    expect(
      explanation.slices.map(({ jobId, shares, work, accountWeight, weight, wholeWeight }) => [
        ...[jobId, Number(shares), Number(work)],
        ...[accountWeight, weight, wholeWeight].map((each) => inBlocks(each).toFixed(6)),
      ]),
    ).toEqual([
      [jobs[2], 30, 300, '0.300000', '0.900000', '0.900000'],
      [jobs[1], 0, 0, '0.000000', '0.700000', '0.700000'],
      [jobs[0], 40, 400, '0.250000', '0.400000', '0.800000'],
    ]);
    expect(inBlocks(explanation.credit.weight)).toBeCloseTo(0.55, 12);
    const { numerator, denominator } = explanation.share;
    expect(Number(numerator) / Number(denominator)).toBeCloseTo(0.275, 12);
  });

  it('says so in sentences with the numbers', () => {
    const text = sentencesOf(explainBlock(ledger(), 'b', blockHash(3))).join('\n');
    for (const part of [
      'at height 102 (confirmed) credits b with 85,529,860 sats.',
      "Its coinbase pays 314,159,265 sats. The pool's fee is 1 %, in all 3,141,592 sats. 311,017,673 sats are left",
      'The window of 2 blocks holds 3 slices',
      'b has 70 accepted shares in 2 slices of these:',
      `  job ${jobs[0]}  40 shares, work 400 of 800: 0.25 blocks, in part`,
      '311,017,673 sats × 0.275 = 85,529,860.075.',
      'Computed again from the slices, the whole division is what the book has.',
    ]) {
      expect(text).toContain(part);
    }
    expect(text).not.toContain('DIFFERENT');
  });

  it('knows the round of prop and the finder of solo', () => {
    const prop = explainBlock(ledger({ scheme: 'prop' }), 'c', blockHash(3));
    expect(prop).toMatchObject({ credit: { sats: 97_193_023n, weight: 500n }, differences: [] });
    expect(prop.slices.map(({ jobId }) => jobId)).toEqual([jobs[2], jobs[1]]);
    expect(sentencesOf(prop).join('\n')).toContain("the slices after that of the pool's block before");
    const solo = explainBlock(ledger({ scheme: 'solo' }), 'b', blockHash(3));
    expect(solo).toMatchObject({ credit: { sats: 311_017_673n }, differences: [] });
    expect(sentencesOf(solo).join('\n')).toContain('Scheme solo: the finder, b, gets all that is left.');
  });

  it('uses the terms that were kept with the block, with fees of accounts and a donation', () => {
    const fees = { ...noFees, feeBasisPoints: 200, donationBasisPoints: 50, exceptions: new Map([['b', 0]]) };
    const explanation = explainBlock(ledger({ fees, donationAccount: 'd' }), 'b', blockHash(3));
    expect(explanation.differences).toEqual([]);
    // 27.5 % of the reward, less the donation alone.
    expect(Math.abs(Number(explanation.credit.sats) - 314_159_265 * 0.275 * 0.995)).toBeLessThan(1.5);
    const text = sentencesOf(explanation).join('\n');
    expect(text).toContain('b has a fee of its own: 0 %.');
    expect(text).toContain('The donation of 0.5 % is 1,570,796 sats.');
  });

  it('finds the newest block that credits an account', () => {
    expect(newestCredited(ledger(), 'a')).toBe(blockHash(3));
    expect(newestCredited(ledger({ scheme: 'solo' }), 'c')).toBe(blockHash(1));
    expect(() => newestCredited(ledger(), 'nobody')).toThrow(ExplainError);
    const database = ledger();
    const lines = [
      { account: 'payable:p', sats: -1n },
      { account: 'own:pps_reserve', sats: 1n },
    ];
    const posting = { kind: 'slice-paid', reference: 'slice:x', atMs: 1, lines };
    database.transaction(() => new EntryBook(database).post(posting))();
    expect(() => newestCredited(database, 'p')).toThrow('p is paid for slices, by entry 3');
  });

  it('explains a credit of nothing', () => {
    const explanation = explainBlock(ledger(), 'nobody', blockHash(3));
    expect(explanation).toMatchObject({ credit: { sats: 0n }, booked: { sats: 0n }, differences: [] });
    expect(sentencesOf(explanation).join('\n')).toContain('nobody has 0 accepted shares in 0 slices of these');
  });
});

describe('a book that was changed by hand', () => {
  const block = blockHash(3);

  it('shows a falsified credit', () => {
    expect(afterChange(`UPDATE block_credits SET sats = sats + 1 WHERE hash = '${block}' AND account = 'b'`)).toEqual([
      'the credit of b is kept as 85529861, and 85529860 comes out',
    ]);
    expect(
      afterChange(
        `UPDATE block_credits SET sats = sats + 1 WHERE hash = '${block}' AND account = 'b'`,
        `UPDATE block_credits SET sats = sats - 1 WHERE hash = '${block}' AND account = 'a'`,
      ),
    ).toHaveLength(2);
    expect(afterChange(`DELETE FROM block_credits WHERE hash = '${block}' AND account = 'a'`)).toContainEqual(
      'the credit of a is kept as 0, and 124407069 comes out',
    );
  });

  it('shows a falsified entry', () => {
    const found = afterChange(
      `UPDATE lines SET sats = sats - 5 WHERE account = 'immature:b' AND entry = 2`,
      `UPDATE lines SET sats = sats + 5 WHERE account = 'immature:a' AND entry = 2`,
    );
    expect(found).toContainEqual('entry 2 has -85529865 sats for immature:b, and -85529860 comes out');
    expect(found).toContainEqual('entry 2 was changed: its hash is another one');
    expect(afterChange('UPDATE entries SET at_ms = at_ms + 1 WHERE id = 2')).toEqual([
      'entry 2 was changed: its hash is another one',
    ]);
    expect(afterChange('DELETE FROM lines WHERE entry = 2', 'DELETE FROM entries WHERE id = 2')).toEqual([
      'the entry that booked the block is not in the book',
    ]);
  });

  it('shows falsified work, a falsified fee and a falsified reward', () => {
    const work = afterChange(`UPDATE slices SET work = '900' WHERE account = 'b' AND job_id = '${jobs[2]}'`);
    expect(work.some((text) => text.startsWith('the credit of b is kept as 85529860, and'))).toBe(true);
    expect(afterChange(`UPDATE blocks SET fee_sats = 1 WHERE hash = '${block}'`)).toEqual([
      'the fee is kept as 1, and 3141592 comes out',
    ]);
    expect(afterChange(`UPDATE blocks SET reward_sats = reward_sats + 1 WHERE hash = '${block}'`)).toHaveLength(1);
    expect(
      afterChange(`UPDATE block_credits SET direct_sats = 7 WHERE hash = '${block}' AND account = 'b'`),
    ).not.toEqual([]);
  });

  it('is refused where nothing can be computed', () => {
    const database = ledger();
    const explain = (): unknown => explainBlock(database, 'b', block);
    expect(() => explainBlock(database, 'b', '0'.repeat(64))).toThrow('the ledger has no block 000');
    database.exec(`UPDATE taken SET pruned_serial = 0; DELETE FROM slices WHERE job_id = '${jobs[0]}'`);
    expect(explain).toThrow('slices that counted for the block were dropped since');
    database.exec('UPDATE taken SET sealed_serial = 2');
    expect(explain).toThrow(/is not there, or open/);
    database.exec(`UPDATE blocks SET terms = replace(terms, 'pplns', 'other')`);
    expect(explain).toThrow(/has no terms that can be read/);
    database.exec(`UPDATE blocks SET coinbase = NULL`);
    expect(explain).toThrow(/is not booked: it is confirmed/);
  });
});

describe('the text of terms', () => {
  const terms: BookedTerms = {
    scheme: 'prop',
    ...{ window: 8n << 64n, afterSerial: 7, finder: 'a', donationAccount: undefined },
    fees: { feeBasisPoints: 100, donationBasisPoints: 0, exceptions: new Map([['a', 1]]) },
  };

  it('comes back as it was', () => {
    expect(readTerms(writeTerms(terms))).toEqual(terms);
    const first = { ...terms, afterSerial: undefined, donationAccount: 'd' };
    expect(readTerms(writeTerms(first))).toEqual(first);
  });

  it('is refused if it is none', () => {
    for (const text of ['', 'null', '{}', '[]', writeTerms(terms).replace('prop', 'pps'), `${writeTerms(terms)} `]) {
      expect(readTerms(text), text).toBeUndefined();
    }
  });
});
