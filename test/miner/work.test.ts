import { describe, expect, it } from 'vitest';
import { Extranonce2Counter, makeWork, Roller, spread } from '#miner/work';
import { expectedHash, hex, nodeSha256d, noise } from '../shares/kernel/kernels.ts';

const job = {
  id: 'j',
  previousHash: noise(32, 1),
  coinb1: noise(40, 2),
  coinb2: noise(90, 3),
  merkleBranch: [noise(32, 4), noise(32, 5)],
  version: 0x20000000,
  bits: 0x1d00ffff,
  ntime: 1_700_000_000,
  cleanJobs: true,
};
const extranonce = { extranonce1: noise(4, 6), extranonce2Bytes: 8 };

describe('Roller', () => {
  it('makes the header that the job and its own rolling stand for', () => {
    const work = makeWork(job, extranonce, 0x1fffe000, 1);
    const { header, extranonce2, version } = new Roller(work, new Extranonce2Counter()).take(10);
    const hash = expectedHash(
      { ...job, extranonceBytes: 12, networkTarget: work.target },
      { ...job, ...extranonce, slot: 0, extranonce2, version, nonce: 0, target: work.target },
    );
    expect(nodeSha256d(header)).toBe(hash);
  });

  it('goes over all nonces once, then takes a new extranonce2', () => {
    const roller = new Roller(makeWork(job, extranonce, 0, 1), new Extranonce2Counter());
    const half = roller.take(2 ** 31);
    const rest = roller.take(2 ** 31 + 5);
    const next = roller.take(7);
    expect([half.first, half.count, rest.first, rest.count]).toEqual([0, 2 ** 31, 2 ** 31, 2 ** 31]);
    expect([next.first, next.count]).toEqual([0, 7]);
    expect(hex(rest.extranonce2)).toBe('0000000000000000');
    expect(hex(next.extranonce2)).toBe('0000000000000001');
    expect(hex(next.header)).not.toBe(hex(half.header));
  });

  it('goes on behind a nonce that was found, under other version bits', () => {
    const roller = new Roller(makeWork(job, extranonce, 0x6000, 1), new Extranonce2Counter());
    const versions = Array.from({ length: 5 }, (_, index) => {
      const { first, version } = roller.take(100);
      expect(first).toBe(10 * index);
      roller.resume(10 * (index + 1));
      return version;
    });
    expect(versions).toEqual([0x20000000, 0x20002000, 0x20004000, 0x20006000, 0x20000000]);
  });
});

describe('Extranonce2Counter', () => {
  it('gives each value of a length once before any comes again', () => {
    const counter = new Extranonce2Counter();
    const values = Array.from({ length: 256 }, () => hex(counter.take(1)));
    expect(new Set(values).size).toBe(256);
    expect(hex(counter.take(1))).toBe('00');
    expect(hex(counter.take(3))).toBe('000101');
  });
});

describe('spread', () => {
  it('fills exactly the bits of the mask', () => {
    for (const mask of [0, 1, 0x80000000, 0x1fffe000, 0xffffffff, 0x00c0e000]) {
      expect(spread(0, mask)).toBe(0);
      expect(spread(0xffffffff, mask)).toBe(mask);
    }
    expect(spread(0b101, 0x00c0e000)).toBe(0x0000a000);
    const patterns = Array.from({ length: 32 }, (_, value) => spread(value, 0x00c0e000));
    expect(new Set(patterns).size).toBe(32);
  });
});
