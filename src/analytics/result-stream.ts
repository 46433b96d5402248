import { Readable } from 'node:stream';

/**
 * The chunks of a result, with a limit on the time that the engine takes for them: the reader's time does not count. Calls
 * `cancel` when the limit is over, and throws when the engine has ended the query.
 */
export async function* withinTime(
  chunks: AsyncIterator<Uint8Array>,
  msMax: number,
  cancel: () => void,
): AsyncGenerator<Uint8Array> {
  let leftMs = msMax;
  let late = false;
  const next = async (): Promise<IteratorResult<Uint8Array>> => {
    const startedMs = performance.now();
    const timer = setTimeout(() => {
      late = true;
      cancel();
    }, leftMs);
    try {
      return await chunks.next();
    } finally {
      clearTimeout(timer);
      leftMs = Math.max(0, leftMs - (performance.now() - startedMs));
    }
  };
  try {
    for (let chunk = await next(); chunk.done !== true; chunk = await next()) yield chunk.value;
  } catch (error) {
    throw late ? new Error(`the query took longer than ${msMax / 1000} s`) : error;
  } finally {
    await chunks.return?.();
  }
}

/** A stream of the chunks; resolves with the first one, and rejects if there is none for an error. `ended` is called once. */
export async function streamOf(
  chunks: AsyncGenerator<Uint8Array>,
  ended: () => void | Promise<void>,
): Promise<Readable> {
  let first: IteratorResult<Uint8Array>;
  try {
    first = await chunks.next();
  } catch (error) {
    await ended();
    throw error;
  }
  const all = async function* (): AsyncGenerator<Uint8Array> {
    try {
      if (first.done === true) return;
      yield first.value;
      yield* chunks;
    } finally {
      await chunks.return(undefined);
      await ended();
    }
  };
  return Readable.from(all());
}
