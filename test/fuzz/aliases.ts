import fc from 'fast-check';
import type { Params } from '../support/front.ts';

/**
 * Other ways to write a submit that mean the same share: what pools that compare text are cheated with. Each is built from
 * the fields of a share, so that the test knows what it means without asking the pool's decoder.
 */

/** A text's characters, each kept, its case turned or written as a JSON escape, as `choices` has it. */
function respelled(text: string, choices: readonly number[], turnCase: boolean): string {
  return [...text]
    .map((char, at) => {
      const choice = choices[at % Math.max(choices.length, 1)] ?? 0;
      const turned = turnCase && choice % 2 === 1 ? char.toUpperCase() : char;
      return choice >= 4 ? `\\u${turned.charCodeAt(0).toString(16).padStart(4, '0')}` : turned;
    })
    .join('');
}

const choices = fc.array(fc.nat(5), { minLength: 1, maxLength: 12 });
const prefix = fc.constantFrom('', '', '0x', '0X');
/** Leading zeros that go; a number of eight digits may be written shorter. */
const shorter = fc.constantFrom(false, false, true);
const blank = fc.constantFrom('', '', '', ' ', '\t', '\r', '  ');
const someId = fc.constantFrom('1', 'null', '"x"', '-7', '1e3', '"\\u0000"', '18446744073709551615');
/** Members that say nothing, or that a later one takes back. */
const decoys = fc.constantFrom(
  '',
  '"jsonrpc":"2.0",',
  '"params":["me.rig","0000000000","","",""],',
  '"params":null,',
  '"method":"mining.ping",',
  '"worker":"me","__proto__":{"params":[]},',
);
const lastWords = fc.constantFrom('', ',"extra":[1]', ',"constructor":{}', ',"result":true');
/** Around a name: what is not printable is dropped at the door, and blanks outside. */
const userEdge = fc.constantFrom('', '', ' ', '\\u0000', '\\u200b', '\\t', '\\u202e');

/** Lines that mean the very share `of`. */
export function aliasOf([user, job, extranonce2, ntime, nonce, bits]: Params): fc.Arbitrary<string> {
  const number = (hex: string): fc.Arbitrary<string> =>
    fc
      .tuple(choices, prefix, shorter)
      .map(([chosen, before, short]) => before + respelled(short ? hex.replace(/^0{1,7}/, '') : hex, chosen, true));
  const sixth =
    bits === undefined
      ? fc.constantFrom('', ',null', ',"00000000"', ',"0"', ',"0x0"')
      : number(bits).map((b) => `,"${b}"`);
  return fc
    .tuple(
      fc
        .tuple(userEdge, choices, userEdge)
        .map(([left, chosen, right]) => left + respelled(user, chosen, false) + right),
      choices.map((chosen) => respelled(job, chosen, false)),
      fc.tuple(choices, prefix).map(([chosen, before]) => before + respelled(extranonce2, chosen, true)),
      number(ntime),
      number(nonce),
      sixth,
      fc.array(blank, { minLength: 8, maxLength: 8 }),
      someId,
      decoys,
      lastWords,
      fc.boolean(),
    )
    .map(([name, jobId, e2, time, non, six, b, id, decoy, last, idFirst]) => {
      const params = `"params"${b[0]}:${b[1]}[${b[2]}"${name}",${b[3]}"${jobId}"${b[4]},"${e2}","${time}","${non}"${six}${b[5]}]`;
      const method = `"method":${b[6]}"mining.submit"`;
      const members = idFirst ? `"id":${id},${method},${params}` : `${params},${method},"id":${id}`;
      return `${b[7]}{${decoy}${members}${last}}`;
    });
}

const pieces = fc.constantFrom(
  '',
  ' ',
  '0',
  '0x',
  '0X',
  '\t',
  '"',
  ',',
  '\\u0030',
  '\\u0000',
  'A',
  'f',
  ',null',
  '[',
  '-',
  '1e1',
);

/** A line with a few of its characters taken out and others put in: what it means now nobody knows. */
export function mutated(line: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const change = fc.tuple(fc.nat(260), fc.nat(2), pieces);
  return fc
    .tuple(line, fc.array(change, { minLength: 1, maxLength: 3 }))
    .map(([text, changes]) =>
      changes.reduce((all, [at, cut, piece]) => all.slice(0, at) + piece + all.slice(at + cut), text),
    );
}
