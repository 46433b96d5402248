import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { matches } from '../../../conformance/dialogue.ts';
import { Front, hashOf, type Params } from '../../../support/front.ts';
import type { Line } from '../../session/support.ts';

const readme = readFileSync(new URL('../../../../src/front/stratum/v1/README.md', import.meta.url), 'utf8');
const example = /```text\n(> [\s\S]*?)```/.exec(readme)?.[1] ?? '';
const value = (name: string): string => new RegExp(`^${name} +([0-9a-f]+)$`, 'm').exec(readme)?.[1] ?? '';

let front: Front;
beforeAll(async () => {
  front = await Front.open(
    { difficulty: { start: 1e-5, min: 1e-9, max: 1, vardiff: true, sharesPerMinute: 12 } },
    { newVariant: () => 0x4c1a },
  );
});
afterAll(() => front.close());

it('the description’s example is what the pool says, its share is accepted, and its header is right', () => {
  front.announce(1, {
    previousHash: Uint8Array.from({ length: 32 }, (_, index) => index),
    coinb1: Uint8Array.from([1, 0, 0, 0, 1]),
    coinb2: Uint8Array.from([0xff, 0xff, 0xff, 0xff]),
    merkleBranch: [Uint8Array.from({ length: 32 }, (_, index) => 0xa0 + index)],
  });
  const miner = front.connect();
  const { client } = miner;
  let submitted: Params | undefined;
  const said: Line[] = [];
  for (const line of example.trim().split('\n')) {
    const text = line.slice(2);
    if (line.startsWith('< ')) {
      const next = said.shift();
      const expected = text.replace(/"5f1c[0-9a-f]{12}"/g, '"~^[0-9a-f]{16}$"');
      expect(next && matches(next, expected), `${JSON.stringify(next)}, and not ${text}`).toBe(true);
      continue;
    }
    expect(line.startsWith('> '), line).toBe(true);
    const call = JSON.parse(text) as { method: string; params: Params };
    if (call.method === 'mining.submit') submitted = call.params;
    const lines = client.say(text);
    front.flush();
    said.push(...lines, ...client.wire.take());
    miner.extranonce1 = '00000000';
    miner.mask = 0x1fff_e000;
    miner.hear(lines);
  }
  expect(said).toEqual([]);
  if (!submitted || !miner.work) throw new Error('the example has no share');
  const [, , extranonce2, ntime, nonce, bits = ''] = submitted;
  const header = miner.work.header(extranonce2, Number.parseInt(bits, 16));
  header.writeUInt32LE(Number.parseInt(ntime, 16), 68);
  header.writeUInt32LE(Number.parseInt(nonce, 16), 76);
  const coinbase = `01000000014c1a00000000${extranonce2}ffffffff`;
  expect(value('coinbase')).toBe(coinbase);
  expect(value('merkle root')).toBe(header.subarray(36, 68).toString('hex'));
  expect(value('header')).toBe(header.toString('hex'));
  expect(value('hash')).toBe(hashOf(header).toString(16).padStart(64, '0'));
});
