import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '#base/limits';
import { methods } from '#front/stratum/v1/decode';
import type { Line } from '../front/session/support.ts';
import { Front } from '../support/front.ts';
import { fuzz, fuzzMsMax } from './runs.ts';

/** Numbers at the edges of what JSON, a double and a u32 hold, as JSON texts. */
const extremes = [
  '0',
  '-0',
  '0.0',
  '-1',
  '5e-324',
  '-5e-324',
  '2.2250738585072014e-308',
  '1e-300',
  '1.7976931348623157e308',
  '-1.7976931348623157e308',
  '8.98846567431158e307',
  '1e308',
  '1e309',
  '-1e309',
  '1e999999999999',
  '1e-999999999999',
  '9007199254740991',
  '9007199254740992',
  '9007199254740993',
  '4294967295',
  '4294967296',
  '-2147483649',
  '0.1e-1000000000',
  '9'.repeat(400),
  `0.${'0'.repeat(400)}1`,
  `1${'0'.repeat(308)}`,
];
const words = [
  'NaN',
  'Infinity',
  '-Infinity',
  '0x10',
  '1e400',
  'undefined',
  '',
  'f'.repeat(64),
  '0'.repeat(63),
  '0'.repeat(63).concat('1'),
];

const number = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...extremes) },
  { weight: 1, arbitrary: fc.double({ noDefaultInfinity: true, noNaN: true }).map((value) => JSON.stringify(value)) },
);
/** A number bare, or as a text of its own. */
const value = fc.oneof(
  { weight: 3, arbitrary: number },
  { weight: 2, arbitrary: number.map((text) => `"${text}"`) },
  { weight: 1, arbitrary: fc.constantFrom(...words.map((text) => `"${text}"`)) },
);
const line = fc.oneof(
  fc
    .tuple(fc.oneof(fc.constant('1'), value), fc.constantFrom(...methods), fc.array(value, { maxLength: 7 }))
    .map(([id, method, params]) => `{"id":${id},"method":"${method}","params":[${params.join(',')}]}`),
  value.map((asked) => `{"id":1,"method":"mining.suggest_difficulty","params":[${asked}]}`),
  value.map((asked) => `{"id":1,"method":"mining.suggest_target","params":[${asked}]}`),
  number.map((asked) => `{"id":1,"method":"mining.authorize","params":["someone","d=${asked}"]}`),
  fc
    .tuple(value, value)
    .map(
      ([mask, least]) =>
        '{"id":1,"method":"mining.configure","params":[["version-rolling","minimum-difficulty"],' +
        `{"version-rolling.mask":${mask},"minimum-difficulty.value":${least}}]}`,
    ),
);

const bounds = [
  // A device that asks for less than the pool's minimum of 1 is weak.
  { least: limits.weakDifficultyMin, start: 1000, min: 1, max: 1e6, vardiff: true, sharesPerMinute: 12 },
  { least: 1e-300, start: 1e-12, min: 1e-300, max: Number.MAX_VALUE, vardiff: true, sharesPerMinute: 5e-324 },
];

describe('an extreme number', () => {
  it.each(bounds)(
    'in any message, before and after login, has a finite difficulty between $least and $max',
    { timeout: fuzzMsMax },
    async ({ least, ...difficulty }) => {
      const front = await Front.open({ difficulty });
      fc.assert(
        fc.property(
          fc.array(line, { minLength: 1, maxLength: 8 }),
          fc.array(line, { maxLength: 8 }),
          (before, after) => {
            front.announce();
            const miner = front.connect();
            const { client } = miner;
            const told: Line[] = [];
            const say = (text: string): void => void told.push(...client.say(text));
            for (const text of before) say(text);
            miner.login();
            for (const text of after) say(text);
            // Vardiff goes on from whatever was asked for.
            for (let minute = 0; minute < 5; minute += 1) {
              front.clock.ms += 61_000;
              front.registry.tick();
              front.announce();
            }
            front.flush();
            told.push(...client.wire.take());
            expect(front.contained.lines).toEqual([]);
            for (const { method, params } of told) {
              if (method !== 'mining.set_difficulty') continue;
              const [sent] = params ?? [];
              expect(sent).toBeGreaterThan(0);
              expect(sent).toBeGreaterThanOrEqual(least);
              expect(sent).toBeLessThanOrEqual(difficulty.max);
            }
            client.handler.onClose();
          },
        ),
        fuzz(300, 20),
      );
      await front.close();
    },
  );
});
