import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { methods } from '#front/stratum/v1/decode';
import { dialogues } from '../conformance/dialogue.ts';

/**
 * Lines that once were trouble, here or in other pools, one each: `\xNN` stands for a byte, and `\r{N}X` at the end of a line
 * for N times X.
 */
export const corpus: readonly Buffer[] = readFileSync(new URL('corpus/lines.txt', import.meta.url), 'latin1')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) =>
    Buffer.from(
      line
        .replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
        .replace(/\\r\{(\d+)\}(.)/g, (_, count: string, char: string) => char.repeat(Number(count))),
      'latin1',
    ),
  );

/** What clients really say. */
export const recorded: readonly Buffer[] = dialogues
  .flatMap(({ turns }) => turns.flatMap((turn) => (turn.kind === 'write' ? turn.lines : [])))
  .map((line) => Buffer.from(line));

const hex = fc.string({ unit: fc.constantFrom(...'0123456789abcdefABCDEF'), maxLength: 20 });
const scalar = fc.oneof(
  fc.constantFrom(
    'someone',
    'someone.rig',
    'x',
    'd=5',
    'version-rolling',
    'minimum-difficulty',
    '0000300000',
    '6553f164',
  ),
  fc.constantFrom(
    '00000000000000aa',
    '',
    '__proto__',
    'constructor',
    '\u0000',
    '\ud800',
    '\u202e',
    'ffffffff',
    null,
    true,
  ),
  hex,
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.double(),
  fc.maxSafeInteger(),
);
const value = fc.oneof(
  { maxDepth: 3 },
  scalar,
  fc.array(scalar, { maxLength: 5 }),
  fc.dictionary(
    fc.oneof(fc.constantFrom('version-rolling.mask', 'minimum-difficulty.value', '__proto__'), hex),
    scalar,
    {
      maxKeys: 3,
    },
  ),
);

/** A call of any method with anything for its parameters. */
const call = fc
  .record({
    id: fc.oneof(fc.nat(), fc.constant(null), fc.string({ maxLength: 100 }), fc.double(), value),
    method: fc.oneof({ weight: 9, arbitrary: fc.constantFrom<unknown>(...methods) }, { weight: 1, arbitrary: value }),
    params: fc.oneof({ weight: 9, arbitrary: fc.array(value, { maxLength: 7 }) }, { weight: 1, arbitrary: value }),
  })
  .map((message) => Buffer.from(JSON.stringify(message)));

/** Bytes of a line changed, put in or taken out. */
const mutated = fc
  .tuple(
    fc.constantFrom(...recorded, ...corpus),
    fc.array(fc.tuple(fc.nat(300), fc.uint8Array({ maxLength: 3 }), fc.nat(4)), { minLength: 1, maxLength: 4 }),
  )
  .map(([line, changes]) =>
    changes.reduce(
      (bytes, [at, piece, cut]) => Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + cut)]),
      line,
    ),
  );

/** Anything that may come between two line ends. */
export const anyLine: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 4, arbitrary: call },
  { weight: 3, arbitrary: mutated },
  { weight: 2, arbitrary: fc.constantFrom(...recorded, ...corpus) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
);
