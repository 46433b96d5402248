import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toHex } from '#base/bitcoin/bytes';
import { Front, hashOf, type Miner, type Params } from '../support/front.ts';
import { aliasOf, mutated } from './aliases.ts';
import { fuzz, fuzzMsMax } from './runs.ts';

/** Headers of one block that are credited before the next block comes: well below what the front remembers for one. */
const CREDITS_MAX = 200_000;
/** A share in about four hashes: so a mutation that makes another header is a share now and then, as it may be. */
const EASY = 1e-9;

describe('one header, one credit', () => {
  let front: Front;
  let miner: Miner;
  const shares: Params[] = [];
  let tip = 1;
  /** Headers that were credited on this tip, by their hash: computed here, from what the miner was sent. */
  const credited = new Set<string>();

  beforeAll(async () => {
    front = await Front.open({ difficulty: { start: EASY, min: EASY, max: 1, vardiff: false, sharesPerMinute: 12 } });
    front.announce(tip);
    miner = front.connect();
    miner.login({ mask: 'ffffffff' });
    for (const bits of [undefined, 0x2000, 0x1fffe000]) {
      const params = miner.solve(bits === undefined ? {} : { bits });
      expect(miner.submit(params)).toBe('accepted');
      shares.push(params);
    }
    takeCredits();
  });
  afterAll(() => front.close());

  /** Everything credited since the last call is a header of its own, and meets its target. */
  function takeCredits(): void {
    for (const { verdict, submission, version } of front.log.splice(0)) {
      if (verdict !== 'accepted') continue;
      const header = miner.work?.header(toHex(submission.extranonce2)) ?? Buffer.alloc(0);
      header.writeUInt32LE(version, 0);
      header.writeUInt32LE(submission.ntime, 68);
      header.writeUInt32LE(submission.nonce, 76);
      const hash = hashOf(header);
      expect(hash <= (miner.work?.target ?? 0n)).toBe(true);
      expect(credited.has(hash.toString(16)), `credited twice: ${hash.toString(16)}`).toBe(false);
      credited.add(hash.toString(16));
    }
  }

  // Ten million of them in the long run: 2,000,000 / 0.2.
  it('under every other spelling of its line', { timeout: fuzzMsMax }, () => {
    const spelled = fc.nat(2).chain((which) => aliasOf(shares[which] as Params));
    fc.assert(
      fc.property(spelled, (line) => {
        expect(miner.submit(line), line).toBe('duplicate');
        front.log.length = 0;
      }),
      fuzz(20_000, 0.2),
    );
  });

  it('under mutations of its line', { timeout: fuzzMsMax }, () => {
    const verdicts = new Set<string>();
    const line = mutated(fc.nat(2).chain((which) => aliasOf(shares[which] as Params)));
    fc.assert(
      fc.property(line, (text) => {
        verdicts.add(miner.client.wire.closes > 0 ? 'closed' : miner.submit(text));
        if (miner.client.wire.closes > 0) relogin();
        takeCredits();
      }),
      fuzz(20_000, 0.2),
    );
    // The run came to where something is decided.
    for (const verdict of ['accepted', 'duplicate', 'malformed', 'low-difficulty', 'job-not-found', 'unauthorized'])
      expect([...verdicts]).toContain(verdict);
  });

  /** Sixteen lines that are no message end a session; the next one is another extranonce1, and begins with its own shares. */
  function relogin(): void {
    takeCredits();
    miner.client.handler.onClose();
    if (credited.size > CREDITS_MAX) {
      tip += 1;
      front.announce(tip);
      credited.clear();
    }
    miner = front.connect();
    miner.login({ mask: 'ffffffff' });
    for (const [i, bits] of [undefined, 0x2000, 0x1fffe000].entries()) {
      shares[i] = miner.solve(bits === undefined ? {} : { bits });
      expect(miner.submit(shares[i] as Params)).toBe('accepted');
    }
  }
});
