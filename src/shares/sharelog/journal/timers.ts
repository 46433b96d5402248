/** Calls back later. A test has one whose time it moves itself. */
export interface Timers {
  /** Calls `call` once after at least `ms`. The returned function cancels the call. */
  after(ms: number, call: () => void): () => void;
}

export const systemTimers: Timers = {
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
};
