import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { FastSubmit } from '#front/stratum/v1/fast-submit';
import { cleanText } from '#front/stratum/v1/text';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes of memory in use. */
function heapBytes(): number {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

describe('cleanText', () => {
  it('keeps nothing of a long text in memory but what it returns', () => {
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

describe('a reader of submits', () => {
  it('keeps nothing of a long line in memory', () => {
    const readers = Array.from({ length: 500 }, () => new FastSubmit());
    const blanks = ' '.repeat(7_900);
    const line = Buffer.from(
      `{"id":1,${blanks}"method":"mining.submit","params":["someone","0000000001","0000000000000001","6553f164","00000001"]}`,
    );
    const before = heapBytes();
    for (const reader of [...readers, ...readers, ...readers]) expect(reader.read(line)).toBeDefined();
    const each = (heapBytes() - before) / readers.length;
    expect(readers).toHaveLength(500);
    expect(each).toBeLessThan(2000);
  });
});
