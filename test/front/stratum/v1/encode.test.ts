import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Job } from '#base/domain/job';
import { type RejectReason, verdicts } from '#base/domain/verdict';
import {
  encodeConfigured,
  encodeError,
  encodePong,
  encodeRefused,
  encodeSetDifficulty,
  encodeSetExtranonce,
  encodeSetVersionMask,
  encodeSubscribed,
  encodeTrue,
  encodeVerdict,
} from '#front/stratum/v1/encode';
import { errorWords } from '#front/stratum/v1/errors';
import { encodeNotify, wordSwapped } from '#front/stratum/v1/notify';

describe('replies', () => {
  it('have the id, and an explicit null error on success', () => {
    expect(encodeTrue('auth')).toBe('{"id":"auth","result":true,"error":null}');
    expect(encodePong(3)).toBe('{"id":3,"result":"pong","error":null}');
    expect(JSON.parse(encodeSubscribed(1, '00ff', 'f000000a'))).toEqual({
      id: 1,
      result: [
        [
          ['mining.set_difficulty', '00ff'],
          ['mining.notify', '00ff'],
        ],
        'f000000a',
        8,
      ],
      error: null,
    });
  });

  it('answer every extension by name, also by a hostile one', () => {
    const line = encodeConfigured(
      1,
      new Map<string, string | boolean>([
        ['a', true],
        ['b.c', 'x"é'],
        ['__proto__', false],
      ]),
    );
    expect(line).toBe('{"id":1,"result":{"a":true,"b.c":"x\\"\\u00e9","__proto__":false},"error":null}');
  });

  it('turn every verdict but accepted into its error and reason', () => {
    expect(encodeVerdict(4, 'accepted')).toBe(encodeTrue(4));
    for (const verdict of verdicts.filter((each): each is RejectReason => each !== 'accepted')) {
      expect(JSON.parse(encodeVerdict(4, verdict))).toEqual({
        id: 4,
        result: null,
        error: [errorWords[verdict].code, errorWords[verdict].text, null],
        'reject-reason': verdict,
      });
    }
  });

  it('encode other errors', () => {
    expect(encodeError(null, -32700, 'Parse error')).toBe(
      '{"id":null,"result":null,"error":[-32700,"Parse error",null]}',
    );
    expect(JSON.parse(encodeRefused(2, 'why\n'))).toEqual({
      id: 2,
      result: null,
      error: [24, 'Unauthorized worker', null],
      'reject-reason': 'why\n',
    });
  });
});

describe('notifications', () => {
  it('carry difficulties of every size as JSON numbers', () => {
    for (const difficulty of [1, 0.00015, 1e-9, 65536, 1e12, 123456.789]) {
      expect(JSON.parse(encodeSetDifficulty(difficulty))).toEqual({
        id: null,
        method: 'mining.set_difficulty',
        params: [difficulty],
      });
    }
  });

  it('carry mask and extranonce in hex', () => {
    expect(JSON.parse(encodeSetVersionMask(0x1fffe000)).params).toEqual(['1fffe000']);
    expect(JSON.parse(encodeSetVersionMask(0)).params).toEqual(['00000000']);
    expect(JSON.parse(encodeSetExtranonce('f000000a'))).toMatchObject({ params: ['f000000a', 8] });
  });
});

describe('encodeNotify', () => {
  // Mainnet's block 1: its previous hash is the genesis block's.
  const genesis = Buffer.from('000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f', 'hex').reverse();
  const job: Job = {
    id: '0000100001',
    rowId: '0000100001',
    serial: 0x100001,
    height: 1,
    version: 0x20000000,
    previousHash: new Uint8Array(genesis),
    bits: 0x1d00ffff,
    networkTarget: new Uint8Array(32),
    networkDifficulty: 1,
    minTime: 1231469665,
    curTime: 1231469665,
    coinb1: Uint8Array.of(1, 0, 0xab),
    coinb2: Uint8Array.of(0xff, 0),
    outputsAt: 0,
    merkleBranch: [new Uint8Array(32).fill(1), new Uint8Array(32).fill(0xfe)],
    cleanJobs: false,
    rewardSats: 0n,
    createdMs: 0,
    template: {
      askedMs: 0,
      height: 1,
      version: 0x20000000,
      previousHash: new Uint8Array(genesis),
      bits: 0x1d00ffff,
      minTime: 0,
      curTime: 0,
      coinbaseValueSats: 0n,
      transactions: [],
      witnessCommitment: undefined,
    },
  };

  it('says all that a miner needs, in Stratum order', () => {
    const line = encodeNotify(job);
    expect(JSON.parse(line.text)).toEqual({
      id: null,
      method: 'mining.notify',
      params: [
        '0000100001',
        // As pools have sent this very hash: words from the lowest, each big-endian.
        '0a8ce26f72b3f1b646a2a6c14ff763ae65831e939c085ae10019d66800000000',
        '0100ab0000',
        'ff00',
        ['01'.repeat(32), 'fe'.repeat(32)],
        '20000000',
        '1d00ffff',
        '4966bc61',
        false,
      ],
    });
  });

  it('gives the same work under a variant of its id, which is the end of its coinb1', () => {
    const line = encodeNotify(job);
    const [id, previousHash, coinb1, ...rest] = JSON.parse(line.text).params as string[];
    expect(coinb1?.endsWith('0000')).toBe(true);
    expect(JSON.parse(line.as(2, true)).params).toEqual([
      `${id}0002`,
      previousHash,
      coinb1?.replace(/0000$/, '0002'),
      ...rest.slice(0, -1),
      true,
    ]);
    expect(line.as(0, job.cleanJobs)).toBe(line.text);
  });

  it('has no merkle branch if the block has only a coinbase', () => {
    expect(JSON.parse(encodeNotify({ ...job, merkleBranch: [] }).text).params[4]).toEqual([]);
  });

  it('swaps the words of a hash and leaves the hash alone', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (hash) => {
        const before = Buffer.from(hash).toString('hex');
        const words = wordSwapped(hash).match(/.{8}/g) ?? [];
        const back = words.map((word) => Buffer.from(word, 'hex').reverse().toString('hex')).join('');
        expect(back).toBe(before);
        expect(Buffer.from(hash).toString('hex')).toBe(before);
      }),
    );
  });
});
