import { Worker } from 'node:worker_threads';
import { builtFile } from '#base/built';
import type { KernelCode } from '#shares/kernel/kernel';

export interface ScanRequest {
  readonly header: Uint8Array;
  readonly target: Uint8Array;
  readonly first: number;
  readonly count: number;
}

export interface ScanResult {
  /** The first nonce that meets the target; undefined if none does. */
  readonly nonce: number | undefined;
}

/** One worker thread with a kernel of its own; scans one range at a time. */
export class ScanThread {
  readonly #worker: Worker;
  #done: ((nonce: number | undefined) => void) | undefined;

  constructor(code: KernelCode, onError: (error: Error) => void) {
    this.#worker = new Worker(builtFile('miner/scan-worker.ts'), { workerData: { code } });
    this.#worker.on('error', onError);
    this.#worker.on('message', ({ nonce }: ScanResult) => {
      const done = this.#done;
      this.#done = undefined;
      done?.(nonce);
    });
  }

  get busy(): boolean {
    return this.#done !== undefined;
  }

  /** Starts a scan; the thread must not be busy. */
  scan(request: ScanRequest, done: (nonce: number | undefined) => void): void {
    if (this.#done) throw new Error('miner: a thread was given a second range');
    this.#done = done;
    this.#worker.postMessage(request);
  }

  /** Ends the thread, in the middle of a scan too; what it was doing is never reported. */
  async close(): Promise<void> {
    this.#done = undefined;
    await this.#worker.terminate();
  }
}
