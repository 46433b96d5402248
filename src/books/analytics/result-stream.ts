import { Readable } from 'node:stream';

/**
 * The chunks of a result. Calls `cancel` if the engine takes longer than `msMax` for the next chunk, and throws when the engine
 * has ended the query. The reader may take any time between two chunks, and all chunks together too.
 */
export async function* eachWithin(
  chunks: AsyncIterator<Uint8Array>,
  msMax: number,
  cancel: () => void,
): AsyncGenerator<Uint8Array> {
  let late = false;
  const next = async (): Promise<IteratorResult<Uint8Array>> => {
    const timer = setTimeout(() => {
      late = true;
      cancel();
    }, msMax);
    try {
      return await chunks.next();
    } finally {
      clearTimeout(timer);
    }
  };
  try {
    for (let chunk = await next(); chunk.done !== true; chunk = await next()) yield chunk.value;
  } catch (error) {
    throw late ? new Error(`the query gave no row for ${msMax / 1000} s`) : error;
  } finally {
    await chunks.return?.();
  }
}

/**
 * A stream of the chunks. Resolves with the first chunk, and rejects if the engine gives an error in its place. `ended` is called
 * when the stream is read to its end, fails or is destroyed, even if it was never read; and not if the promise rejects.
 */
export async function streamOf(
  chunks: AsyncGenerator<Uint8Array>,
  ended: () => void | Promise<void>,
): Promise<Readable> {
  const first = await chunks.next();
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
  const stream = Readable.from(all());
  // A generator that was never begun does not come to its `finally`.
  stream.once('close', () => void ended());
  return stream;
}

/** What `run` does is done with the first call; every call resolves when it is done. */
export function once(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => {
    running ??= run();
    return running;
  };
}
