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
