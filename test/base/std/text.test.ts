import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asciiJson, cleanText, escapedText, spacedText } from '#base/std/text';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u;
const anyText = fc.string({ unit: 'binary', maxLength: 40 });
const chars = fc.integer({ min: 1, max: 40 });

/** Bytes of memory in use. */
function heapBytes(): number {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

describe('foreign text', () => {
  it('stays as it is if it is printable, in any language', () => {
    for (const text of ['', 'a', 'a b', 'bc1qxyz.rig-1_2', 'ферма', '鉱山', 'emoji ⛏', '⛏🚀']) {
      expect(cleanText(text, 64)).toBe(text);
      expect(spacedText(text, 64)).toBe(text);
      expect(escapedText(text)).toBe(text);
    }
  });

  it('loses every unprintable character in one pass, and never grows', () => {
    fc.assert(
      fc.property(anyText, chars, (text, charsMax) => {
        for (const clean of [cleanText, spacedText]) {
          const cleaned = clean(text, charsMax);
          expect(cleaned).not.toMatch(UNPRINTABLE);
          expect(cleaned.length).toBeLessThanOrEqual(Math.min(charsMax, text.length));
          expect(clean(cleaned, charsMax)).toBe(cleaned);
        }
      }),
    );
  });

  it('loses unprintable characters, or has spaces instead', () => {
    expect(cleanText(' a\u001b[2J\u202eb\u2028c\n', 64)).toBe('a[2Jbc');
    expect(spacedText('a\u001b[2J\u202eb\u2028c\n', 64)).toBe('a [2J b c ');
    expect(cleanText('⛏🚀', 2)).toBe('⛏');
  });

  it('is the same JSON when it is escaped, on one line of printable characters', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const escaped = escapedText(JSON.stringify(text));
        expect(escaped).not.toMatch(UNPRINTABLE);
        expect(JSON.parse(escaped)).toBe(text);
      }),
    );
    // A tag character is two UTF-16 units.
    expect(escapedText('"\u{e0041}\n"')).toBe('"\\udb40\\udc41\\u000a"');
  });

  it('is the same JSON in ASCII', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(asciiJson(text)).toMatch(/^[\x20-\x7f]*$/);
        expect(JSON.parse(asciiJson(text))).toBe(text);
      }),
    );
    expect([asciiJson(null), asciiJson(1.5), asciiJson(true), asciiJson('é')]).toEqual([
      'null',
      '1.5',
      'true',
      '"\\u00e9"',
    ]);
  });

  it('keeps only the cut text in memory', () => {
    const [texts, charsMax] = [2000, 128];
    const before = heapBytes();
    const kept = Array.from({ length: texts }, (_, i) => {
      const line = JSON.stringify(`${i}漢${'x'.repeat(8000)}`);
      return cleanText(JSON.parse(line) as string, charsMax);
    });
    const each = (heapBytes() - before) / texts;
    expect(kept.every((text) => text.length === charsMax)).toBe(true);
    expect(each).toBeLessThan(1000);
  });
});
