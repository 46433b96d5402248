/**
 * Where a batch is hashed: on the event loop, or by a worker over piscina.
 *
 * Handing a task to a piscina worker (`atomics: 'sync'`) costs the event loop 19–21 µs, 24–28 with filling and reading
 * the memory, and its answer comes after 65 µs. Hashing a share inline (mainnet-sized: 282-byte coinbase, 12 branches)
 * costs 9.1 µs alone, 3.4 in fours, and 2.65 from eight on with the SIMD build; 9 µs with the scalar one. So a hand-over
 * relieves the event loop from about 10 shares on; but only with a core to spare, and the other core of a busy pool has
 * the log, the analytics and other gateways to run: on two busy cores, handing over from 64 shares on
 * cost 12.5 µs of CPU a share where hashing inline cost 10.1 (nine interleaved rounds). So a worker gets only what is deep
 * enough to hold up the event loop for more than a millisecond, and a lone share never waits for anybody.
 * (bench/README.md, "verify")
 */
export const OFFLOAD_SHARES_MIN = 512;

/** How many of `waiting` shares go to an idle worker as one task; 0 to hash them inline. */
export function offload(waiting: number, idleWorkers: number, batchMax: number): number {
  if (idleWorkers === 0 || waiting < OFFLOAD_SHARES_MIN) return 0;
  // The rest stays for this thread and the other workers, which hash at the same time.
  return Math.min(batchMax, Math.ceil(waiting / (idleWorkers + 1)));
}
