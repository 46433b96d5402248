import { parentPort, workerData } from 'node:worker_threads';
import { KernelInstance } from '#shares/kernel/instance';
import type { KernelCode } from '#shares/kernel/kernel';
import { KernelMemory } from '#shares/kernel/memory';
import type { ScanRequest, ScanResult } from './scan-thread.ts';

/** A miner's thread: scans what it is told, one range at a time. */
const kernel = new KernelInstance((workerData as { code: KernelCode }).code, new KernelMemory());

parentPort?.on('message', ({ header, target, first, count }: ScanRequest) => {
  const result: ScanResult = { nonce: kernel.scan(header, target, first, count) };
  parentPort?.postMessage(result);
});
