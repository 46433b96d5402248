/** What each queue says of itself. */
export interface QueueCounts {
  /** In the queue now. */
  readonly depth: number;
  /** Since the start: what left the queue for what it had waited for, and what was turned away or gave up. */
  readonly served: number;
  readonly dropped: number;
  /** How long those that were served have waited, all together, ms. */
  readonly waitedMs: number;
}

export const NO_QUEUE: QueueCounts = { depth: 0, served: 0, dropped: 0, waitedMs: 0 };
