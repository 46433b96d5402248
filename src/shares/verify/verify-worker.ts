import { workerData } from 'node:worker_threads';
import { KernelInstance } from '#shares/kernel/instance';
import type { KernelCode } from '#shares/kernel/kernel';
import { KernelMemory } from '#shares/kernel/memory';

/** What the event loop gives a worker at its start. */
export interface LaneData {
  readonly code: KernelCode;
  /** The memory that the event loop fills: the worker makes the only instance on it. */
  readonly memory: KernelMemory['memory'];
}

const { code, memory } = workerData as LaneData;
const kernel = new KernelInstance(code, new KernelMemory(memory));

/** A task: the shares are in the shared memory already, and the results stay there. */
export default function run(count: number): void {
  kernel.run(count);
}
