/** A block template that became a job. */
export interface TemplateHappening {
  readonly table: 'templates';
  readonly timeMs: number;
  readonly jobId: string;
  readonly height: number;
  readonly transactions: number;
  /** Of the transactions, with witness. */
  readonly bytes: number;
  /** Of a block; below 2^53. */
  readonly feesSats: number;
  /** From asking the node to having the template. */
  readonly fetchMs: number;
  /** From having the template until each of this process's connections was handed its notify. */
  readonly announceMs: number;
}

/** Something that an operator may want to see beside the shares of that time. */
export interface EventHappening {
  readonly table: 'events';
  readonly timeMs: number;
  readonly kind: 'start' | 'stop' | 'ban' | 'unban' | 'outage' | 'outage-over' | 'dropped';
  /** An address, a version, a table. */
  readonly subject: string;
  readonly detail: string;
  /** How many of them. */
  readonly count: number;
}

/** An event beside the shares, for the tables. Nothing waits for it, and a crash may lose it. */
export type Happening = TemplateHappening | EventHappening;
