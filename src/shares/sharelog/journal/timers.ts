/** Calls back later. A test has one whose time it moves itself. */
export interface Timers {
  /** Calls `call` once, `ms` or a little more from now; what it returns takes that back. */
  after(ms: number, call: () => void): () => void;
}

export const systemTimers: Timers = {
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
};
