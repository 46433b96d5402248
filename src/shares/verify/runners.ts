import { KernelInstance } from '#shares/kernel/instance';
import type { KernelCode } from '#shares/kernel/kernel';
import { KernelMemory } from '#shares/kernel/memory';
import { startKernelThread } from './kernel-thread.ts';
import { Lane } from './lane.ts';

/** Hashes on the event loop. */
export interface InlineRunner {
  readonly lane: Lane;
  run(count: number): void;
}

/** Hashes in a worker thread, at most one batch at a time. */
export interface WorkerRunner {
  readonly lane: Lane;
  run(count: number): Promise<void>;
}

export interface Runners {
  readonly inline: InlineRunner;
  readonly workers: readonly WorkerRunner[];
  close(): Promise<void>;
}

/** Rounds of a full batch until V8's optimising compiler has done its part: cold code runs 2–3 times slower. */
const WARM_UP_ROUNDS = 40;

/**
 * The event loop's own kernel and `threads` workers, all warmed up.
 */
export async function startRunners(options: { readonly threads: number }, code: KernelCode): Promise<Runners> {
  const memory = new KernelMemory();
  const kernel = new KernelInstance(code, memory);
  const inline: InlineRunner = { lane: new Lane(memory), run: (count) => kernel.run(count) };
  const threads = Array.from({ length: options.threads }, () => startKernelThread(code));
  const workers = threads.map((thread): WorkerRunner => ({ lane: new Lane(thread.memory), run: thread.run }));
  for (let round = 0; round < WARM_UP_ROUNDS; round += 1) {
    for (const lane of [memory, ...threads.map((thread) => thread.memory)]) warmUp(lane);
    inline.run(memory.capacity);
    await Promise.all(threads.map((thread) => thread.run(thread.memory.capacity)));
  }
  return {
    inline,
    workers,
    close: async () => {
      await Promise.all(threads.map((thread) => thread.close()));
    },
  };
}

/** Fills a memory with shares of a job of ordinary size. The first real batch overwrites them; their results are not read. */
function warmUp(memory: KernelMemory): void {
  memory.loadJob(0, {
    coinb1: new Uint8Array(64),
    coinb2: new Uint8Array(160),
    extranonceBytes: 14,
    merkleBranch: Array.from({ length: 12 }, (_, level) => new Uint8Array(32).fill(level)),
    previousHash: new Uint8Array(32),
    bits: 0x1d00ffff,
    networkTarget: new Uint8Array(32),
  });
  const target = new Uint8Array(32);
  const extranonce1 = new Uint8Array(6);
  const extranonce2 = new Uint8Array(8);
  for (let index = 0; index < memory.capacity; index += 1) {
    extranonce2[0] = index;
    memory.putShare(index, 0, extranonce1, extranonce2, 0x20000000, 0, index, target);
  }
}
