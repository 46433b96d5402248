/** What `within` resolves with if the promise takes longer. */
export const LATE = Symbol('late');

export interface WithinOptions {
  /** False if the wait alone must not keep the process alive. Default: true. */
  readonly ref?: boolean;
}

/**
 * What a promise comes to, or LATE if it takes longer than `ms`. Rejects if it rejects within the time; what it does later is
 * nobody's. Ends nothing: the work behind the promise goes on.
 */
export async function within<T>(
  promise: Promise<T>,
  ms: number,
  { ref = true }: WithinOptions = {},
): Promise<T | typeof LATE> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<typeof LATE>((resolve) => {
    timer = setTimeout(() => resolve(LATE), ms);
    if (!ref) timer.unref();
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
