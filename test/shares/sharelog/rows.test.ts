import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verdicts } from '#base/domain/verdict';
import { BlockRows, headOf } from '#shares/sharelog/rows/block-rows';
import { JobRows } from '#shares/sharelog/rows/job-rows';
import { decodeRows, type Row } from '#shares/sharelog/rows/row-reader';
import { RowWriter } from '#shares/sharelog/rows/row-writer';
import { blockColumns, jobColumns, shareColumns } from '#shares/sharelog/rows/rows';
import { ShareRows } from '#shares/sharelog/rows/share-rows';
import { BufferPool } from '#shares/sharelog/segments/buffer-pool';
import { foundBlock, job, judgedShare, NOW_MS, source, terms, worker } from './fixtures.ts';

const unbounded = { bytesMax: Number.POSITIVE_INFINITY, rowsMax: Number.POSITIVE_INFINITY };
const writer = (bounds = unbounded): RowWriter => new RowWriter(bounds, new BufferPool(2, 1 << 20));

/** The rows taken from a writer, one array for each segment. */
function taken(rows: RowWriter, columns = shareColumns): Row[][] {
  return rows.take().map((segment) => {
    const decoded = decodeRows(columns, new Uint8Array(segment.buffer, 0, segment.length));
    expect(decoded).toHaveLength(segment.rows);
    return decoded;
  });
}

/** Half a surrogate pair has no UTF-8; it becomes U+FFFD, as everywhere. */
const wellFormed = (text: string): string => Buffer.from(text).toString();

const expectedShare: Row = {
  node: 'pool-1',
  session: 7n,
  extranonce1: '000aff01',
  remote_ip: '192.0.2.7',
  user_agent: 'cgminer/4.12.0',
  account: 'bcrt1qminer',
  worker: 'rig1',
  job_id: '0000100001',
  height: 812,
  difficulty: 1024,
  work: 2n ** 42n,
  coinb2: '',
  time: NOW_MS,
  ntime: 1_767_323_046,
  nonce: 0xdeadbeef,
  version: 0x20002000,
  job_variant: 3,
  share_difficulty: 2048.5,
  latency_us: 321,
  block: false,
  verdict: 'accepted',
  extranonce2: '0000000000000001',
};

describe('rows of shares', () => {
  it('hold the judged shares', () => {
    const rows = writer();
    const encoder = new ShareRows('pool-1');
    encoder.write(rows, judgedShare());
    encoder.write(rows, judgedShare({ verdict: 'duplicate', block: true }));
    rows.seal();
    expect(taken(rows)).toEqual([[expectedShare, { ...expectedShare, verdict: 'duplicate', block: true }]]);
  });

  it('name an unknown job and worker as sent', () => {
    const rows = writer();
    const encoder = new ShareRows('pool-1');
    const unknown = {
      share: { jobId: 'ﬀ00', workerName: 'who?' },
      worker: undefined,
      job: undefined,
      terms: undefined,
    };
    encoder.write(rows, judgedShare({ ...unknown, verdict: 'unauthorized' }));
    rows.seal();
    expect(taken(rows)[0]?.[0]).toMatchObject({
      job_id: 'ﬀ00',
      worker: 'who?',
      account: '',
      height: 0,
      difficulty: 0,
      work: 0n,
      verdict: 'unauthorized',
    });
  });

  it('follow a worker, a session and a job that change behind the same objects', () => {
    const rows = writer();
    const encoder = new ShareRows('pool-1');
    encoder.write(rows, judgedShare());
    encoder.write(rows, judgedShare({ source: { ...source, userAgent: 'other' } }));
    encoder.write(rows, judgedShare({ source: { ...source, extranonce1: new Uint8Array(4) } }));
    encoder.write(rows, judgedShare({ job: { ...job, rowId: '0000100002', height: 813 } }));
    encoder.write(rows, judgedShare({ terms: { ...terms, difficulty: 1 } }));
    encoder.write(rows, judgedShare());
    rows.seal();
    const [decoded = []] = taken(rows);
    expect(decoded.map((row) => [row['user_agent'], row['extranonce1'], row['job_id'], row['difficulty']])).toEqual([
      ['cgminer/4.12.0', '000aff01', '0000100001', 1024],
      ['other', '000aff01', '0000100001', 1024],
      ['cgminer/4.12.0', '00000000', '0000100001', 1024],
      ['cgminer/4.12.0', '000aff01', '0000100002', 1024],
      ['cgminer/4.12.0', '000aff01', '0000100001', 1],
      ['cgminer/4.12.0', '000aff01', '0000100001', 1024],
    ]);
  });

  it('decode to the encoded values, whatever they are', () => {
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.string({ maxLength: 20 }));
    const u32 = fc.oneof(fc.nat(0xffffffff), fc.constantFrom(0, 0xffffffff));
    const share = fc.record({
      account: text,
      rig: text,
      userAgent: text,
      remoteIp: text,
      node: text,
      extranonce2: fc.uint8Array({ maxLength: 16 }),
      jobId: text,
      sessionId: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      extranonce1: fc.uint8Array({ maxLength: 16 }),
      difficulty: fc.double(),
      work: fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
      height: u32,
      receivedMs: fc.oneof(fc.nat(Number.MAX_SAFE_INTEGER), fc.double()),
      ntime: u32,
      nonce: u32,
      version: u32,
      variant: fc.nat(0xffff),
      shareDifficulty: fc.double(),
      latencyUs: fc.oneof(u32, fc.double()),
      block: fc.boolean(),
      verdict: fc.constantFrom(...verdicts),
      known: fc.boolean(),
    });
    const clamped = (value: number, max: number): number => Math.trunc(Math.min(Math.max(value || 0, 0), max));
    fc.assert(
      fc.property(fc.array(share, { maxLength: 8 }), fc.nat(600), (shares, bytesMax) => {
        const rows = writer({ bytesMax, rowsMax: 5 });
        const encoders = new Map<string, ShareRows>();
        for (const s of shares) {
          const encoder = encoders.get(s.node) ?? new ShareRows(s.node);
          encoders.set(s.node, encoder);
          encoder.write(
            rows,
            judgedShare({
              ...s,
              source: s,
              worker: { ...worker, account: wellFormed(s.account), rig: s.rig },
              job: s.known ? { ...job, rowId: wellFormed(s.jobId), height: s.height } : undefined,
              terms: s.known ? { ...terms, difficulty: s.difficulty, work: s.work } : undefined,
              share: { ...s, extranonce2: Buffer.from(s.extranonce2).toString('hex') },
            }),
          );
        }
        rows.seal();
        expect(taken(rows).flat()).toEqual(
          shares.map((s) => ({
            node: wellFormed(s.node),
            session: s.sessionId,
            extranonce1: Buffer.from(s.extranonce1).toString('hex'),
            remote_ip: wellFormed(s.remoteIp),
            user_agent: wellFormed(s.userAgent),
            account: wellFormed(s.account),
            worker: wellFormed(s.rig),
            job_id: wellFormed(s.jobId),
            height: s.known ? s.height : 0,
            difficulty: s.known ? s.difficulty : 0,
            work: s.known ? s.work : 0n,
            coinb2: '',
            time: clamped(s.receivedMs, Date.UTC(2300, 0) - 1),
            ntime: s.ntime,
            nonce: s.nonce,
            version: s.version,
            job_variant: s.known ? s.variant : 0,
            share_difficulty: s.shareDifficulty,
            latency_us: clamped(s.latencyUs, 0xffffffff),
            block: s.block,
            verdict: s.verdict,
            extranonce2: Buffer.from(s.extranonce2).toString('hex'),
          })),
        );
      }),
      { numRuns: 50 },
    );
  });
});

describe('rows of jobs and blocks', () => {
  it('hold a job', () => {
    const rows = writer();
    new JobRows('pool-1').write(rows, job);
    rows.seal();
    expect(taken(rows, jobColumns)).toEqual([
      [
        {
          job_id: '0000100001',
          time: NOW_MS - 1000,
          node: 'pool-1',
          height: 812,
          version: 0x20000000,
          previous_hash: '1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100',
          nbits: 0x207fffff,
          min_time: 1_767_000_000,
          cur_time: 1_767_323_045,
          coinb1: '01000000ab0000',
          coinb2: 'ff0010',
          merkle_branch: ['11'.repeat(32), 'fe'.repeat(32)],
          reward_sats: 5_000_000_123n,
          network_difficulty: 4.6565423739069247e-10,
          transactions: 2,
          clean: true,
          window_end: '',
        },
      ],
    ]);
  });

  it('hold a block, with a greater revision for each later status, also after a restart', () => {
    const rows = writer();
    let nowMs = 1_790_000_000_000;
    const clock = { nowMs: () => nowMs };
    const first = new BlockRows('pool-1', clock);
    first.write(rows, headOf(foundBlock()), { status: 'unknown', reason: 'no answer yet' });
    first.write(rows, headOf(foundBlock()), { status: 'accepted' });
    nowMs += 1;
    new BlockRows('pool-1', clock).write(rows, headOf(foundBlock()), { status: 'orphaned', reason: 'inconclusive' });
    rows.seal();
    const [decoded = []] = taken(rows, blockColumns);
    expect(decoded.map((row) => [row['status'], row['reason']])).toEqual([
      ['unknown', 'no answer yet'],
      ['accepted', ''],
      ['orphaned', 'inconclusive'],
    ]);
    const revisions = decoded.map((row) => row['revision'] as bigint);
    expect(revisions).toEqual(revisions.toSorted((a, b) => (a < b ? -1 : 1)));
    expect(new Set(revisions).size).toBe(3);
    expect(decoded[0]).toMatchObject({ hash: `${'00'.repeat(31)}ab`, height: 812, reward_sats: 5_000_000_123n });
  });

  it.each([
    ['stands still', [0, 0, 0]],
    ['goes back', [5000, 1000, 0]],
    ['is before 1970', [0, -1e13, -1e15]],
    ['has fractions', [0, 0.25, 0.5]],
    ['is far ahead', [0, 1e15, 8.64e15]],
  ])('have rising revisions of 64 bits within a boot, also if the clock %s', (_, offsetsMs) => {
    const rows = writer();
    const offsets = [...offsetsMs];
    const blocks = new BlockRows('pool-1', { nowMs: () => 1_790_000_000_000 + (offsets.shift() ?? 0) });
    for (const _ of offsetsMs) blocks.write(rows, headOf(foundBlock()), { status: 'accepted' });
    rows.seal();
    const revisions = taken(rows, blockColumns)
      .flat()
      .map((row) => row['revision'] as bigint);
    expect(revisions).toEqual(revisions.toSorted((a, b) => (a < b ? -1 : 1)));
    expect(new Set(revisions).size).toBe(3);
    for (const revision of revisions) expect(revision).toBeLessThan(2n ** 64n - 2n ** 32n);
  });

  it('have greater revisions than the rows of earlier versions, which counted boots', () => {
    const rows = writer();
    const blocks = new BlockRows('pool-1', { nowMs: () => Date.UTC(2026, 0) });
    blocks.write(rows, headOf(foundBlock()), { status: 'accepted' });
    rows.seal();
    const [row] = taken(rows, blockColumns).flat();
    expect(row?.['revision']).toBeGreaterThan(400_000_000n << 32n);
  });
});

describe('RowWriter', () => {
  it('drops a row that was not ended', () => {
    const rows = writer({ rowsMax: 10, bytesMax: 100 });
    for (const [value, ends] of [
      [1, true],
      [2, false],
      [3, true],
    ] as const) {
      rows.reserve(4);
      rows.u32(value);
      if (ends) rows.endRow();
    }
    rows.seal();
    expect(taken(rows, [['n', 'UInt32']]).flat()).toEqual([{ n: 1 }, { n: 3 }]);
  });

  it('hands out sealed batches and keeps the rest, wherever the cut falls', () => {
    const plan = fc.array(fc.constantFrom('row', 'seal', 'take'), { maxLength: 60 });
    fc.assert(
      fc.property(plan, fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 40 }), (steps, rowsMax, bytesMax) => {
        const rows = writer({ rowsMax, bytesMax });
        const columns = [['n', 'UInt32']] as const;
        let written = 0;
        let sealed = 0;
        let out = 0;
        for (const step of [...steps, 'seal', 'take']) {
          if (step === 'row') {
            rows.reserve(4);
            rows.u32(written);
            rows.endRow();
            written += 1;
          } else if (step === 'seal') {
            rows.seal();
            sealed = written;
          } else {
            const segments = taken(rows, columns);
            expect(segments.flat().map((row) => row['n'])).toEqual(
              Array.from({ length: sealed - out }, (_, i) => out + i),
            );
            for (const segment of segments) expect(segment.length).toBeLessThanOrEqual(rowsMax);
            out = sealed;
            expect([rows.rows, rows.bytes]).toEqual([written - out, (written - out) * 4]);
          }
        }
      }),
    );
  });
});
