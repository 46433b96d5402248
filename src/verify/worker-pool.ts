import { Piscina } from 'piscina';
import type { KernelCode } from '../kernel/kernel.ts';
import { Lane } from './lane.ts';
import type { WorkerRunner } from './verifier.ts';
import type { LaneData } from './verify-worker.ts';

export interface WorkerPool {
  readonly runners: readonly WorkerRunner[];
  close(): Promise<void>;
}
