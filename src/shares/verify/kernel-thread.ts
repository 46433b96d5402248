import { Piscina } from 'piscina';
import { builtFile } from '#base/built';
import type { KernelCode } from '#shares/kernel/kernel';
import { KernelMemory } from '#shares/kernel/memory';
import type { LaneData } from './verify-worker.ts';

/** A kernel in a worker thread, on a memory that this thread fills and reads between two runs. */
export interface KernelThread {
  readonly memory: KernelMemory;
  /** One run at a time. */
  run(count: number): Promise<void>;
  close(): Promise<void>;
}

/** A piscina pool of one thread: the kernel has a memory of its own, so a task must reach exactly that thread. */
export function startKernelThread(code: KernelCode): KernelThread {
  const memory = new KernelMemory();
  const data: LaneData = { code, memory: memory.memory };
  const pool = new Piscina<number, void>({
    filename: builtFile('shares/verify/verify-worker.ts'),
    workerData: data,
    minThreads: 1,
    maxThreads: 1,
    concurrentTasksPerWorker: 1,
    // The worker sleeps in Atomics.wait between tasks: the cheapest hand-over that was measured.
    atomics: 'sync',
    idleTimeout: Number.POSITIVE_INFINITY,
  });
  return { memory, run: (count) => pool.run(count), close: () => pool.close() };
}
