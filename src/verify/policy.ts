/**
 * Where a batch is hashed: on the event loop, or by a worker over piscina.
 *
 * Handing a task to a piscina worker (`atomics: 'sync'`) costs the event loop 19–21 µs, 24–28 with filling and reading
 * the memory; hashing a share inline costs 4.5 µs (SIMD) to 12 µs (scalar) with a mainnet-sized template. So a worker
 * only relieves the event loop from about 8 shares on; it is a clear win from 32, and only with a core to spare. Below
 * that, the hand-over would also add its 65 µs round trip to a lone share's answer. (bench/README.md, "verify")
 */
export const OFFLOAD_SHARES_MIN = 64;

/** How many of `waiting` shares go to an idle worker as one task; 0 to hash them inline. */
export function offload(waiting: number, idleWorkers: number, batchMax: number): number {
  if (idleWorkers === 0 || waiting < OFFLOAD_SHARES_MIN) return 0;
  // The rest stays for this thread and the other workers, which hash at the same time.
  return Math.min(batchMax, Math.max(OFFLOAD_SHARES_MIN / 2, Math.ceil(waiting / (idleWorkers + 1))));
}
