import { writeSync } from 'node:fs';
import fc from 'fast-check';
import type { Disk } from '#shares/sharelog/segments/disk';

/** What becomes of a write: all of it is written, some of it, none of it; or the machine goes down in the middle. */
export type Fate =
  | { readonly kind: 'whole' }
  | { readonly kind: 'short'; readonly part: number }
  | { readonly kind: 'failed'; readonly code: 'ENOSPC' | 'EIO'; readonly part: number }
  | { readonly kind: 'crash'; readonly blocks: number };

/** Small, so that frames are torn in many places. */
const BLOCK_BYTES = 64;
/** Writes as its fates say, then as it should. After a crash it answers nothing. */
export class FatefulDisk implements Disk {
  readonly #fates: Fate[];
  readonly crashed: Promise<void>;
  #down: () => void = () => {};
  #isDown = false;
  #bury: () => void = () => {};

  constructor(fates: readonly Fate[]) {
    this.#fates = [...fates];
    this.crashed = new Promise((resolve) => {
      this.#down = resolve;
    });
  }

  /** From now on nothing is written and nothing answered. */
  kill(): void {
    this.#isDown = true;
    this.#down();
  }

  /** The log is closed: the system lets go of what the dead process had. */
  bury(): void {
    this.#bury();
  }

  writev(
    fd: number,
    pieces: readonly Uint8Array[],
    position: number,
    callback: (error: Error | null, bytesWritten: number) => void,
  ): void {
    if (this.#isDown) {
      this.#bury = () => callback(new Error('the machine is down'), 0);
      return;
    }
    const bytes = Buffer.concat(pieces);
    const fate = this.#fates.shift() ?? { kind: 'whole' };
    const write = (from: number, to: number): void => {
      if (to > from) writeSync(fd, bytes, from, to - from, position + from);
    };
    if (fate.kind === 'crash') {
      // The disk writes blocks in what order it likes: any of them may be there.
      for (let block = 0; block * BLOCK_BYTES < bytes.length; block += 1) {
        if ((fate.blocks >>> (block % 31)) & 1)
          write(block * BLOCK_BYTES, Math.min((block + 1) * BLOCK_BYTES, bytes.length));
      }
      this.#isDown = true;
      this.#bury = () => callback(new Error('the machine is down'), 0);
      this.#down();
      return;
    }
    const count = fate.kind === 'whole' ? bytes.length : Math.max(1, Math.floor(fate.part * bytes.length));
    write(0, count);
    this.#bury = () => callback(new Error('the machine is down'), 0);
    setImmediate(() => {
      if (this.#isDown) return;
      this.#bury = () => {};
      if (fate.kind !== 'failed') callback(null, count);
      else callback(Object.assign(new Error(fate.code), { code: fate.code }), 0);
    });
  }
}

const part = fc.double({ min: 0, max: 0.99, noNaN: true });
export const anyFate: fc.Arbitrary<Fate> = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Fate>({ kind: 'whole' }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('short' as const), part }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('failed' as const), code: fc.constantFrom('ENOSPC', 'EIO'), part }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('crash' as const), blocks: fc.oneof(fc.nat(), fc.constant(0x7fffffff)) }),
  },
);
