/** What `within` resolves with if the promise takes longer. */
export const LATE = Symbol('late');

export interface WithinOptions {
  /** False if the wait alone must not keep the process alive. Default: true. */
  readonly ref?: boolean;
}

/**
 * Resolves with a promise's value, or with LATE if the promise takes longer than `ms`. Rejects if the promise rejects within the
 * time; a later rejection is ignored. The work behind the promise goes on.
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
