import { parentPort, workerData } from 'node:worker_threads';
import { KernelInstance } from '../kernel/instance.ts';
import type { KernelCode } from '../kernel/kernel.ts';
import { KernelMemory } from '../kernel/memory.ts';
import type { ScanRequest, ScanResult } from './scan-thread.ts';

/** A miner's thread: scans what it is told, one range at a time. */
const kernel = new KernelInstance((workerData as { code: KernelCode }).code, new KernelMemory());

parentPort?.on('message', ({ header, target, first, count }: ScanRequest) => {
  const result: ScanResult = { nonce: kernel.scan(header, target, first, count) };
  parentPort?.postMessage(result);
});
