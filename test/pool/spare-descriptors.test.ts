import { readdirSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { limits } from '#base/limits';
import { HeldDescriptors } from '#pool/spare-descriptors';
import { recordedLogger } from '../support/recorded-logger.ts';

const open = (): number => readdirSync('/proc/self/fd').length;

describe.runIf(process.platform === 'linux')('spare descriptors', () => {
  const logger = recordedLogger();
  let spare: HeldDescriptors;
  afterEach(() => spare.close());

  it('keeps half of them from everything but blocks', () => {
    const before = open();
    spare = new HeldDescriptors({ logger });
    expect(open()).toBe(before + limits.descriptorsSpare);
    let released = 0;
    while (spare.release('work')) released += 1;
    expect(released).toBe(limits.descriptorsSpare / 2);
    while (spare.release('block')) released += 1;
    expect(released).toBe(limits.descriptorsSpare);
    expect(open()).toBe(before);
    spare.refill();
    expect(open()).toBe(before + limits.descriptorsSpare);
    expect(logger.lines.map(({ level }) => level)).toEqual(['warn', 'info']);
  });

  it('holds none after it is closed', () => {
    const before = open();
    spare = new HeldDescriptors({ logger });
    spare.close();
    spare.refill();
    expect(open()).toBe(before);
    expect(spare.release('block')).toBe(false);
  });
});
