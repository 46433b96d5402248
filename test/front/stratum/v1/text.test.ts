import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
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
