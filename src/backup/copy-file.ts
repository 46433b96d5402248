import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';

const CHUNK_BYTES = 1024 * 1024;
/** For its owner alone, like what it is a copy of. */
const MODE = 0o600;

export interface CopiedFile {
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

/** Is told of bytes that were read, and may throw to end the work. */
export type Progress = (bytes: number) => void;

/** Copies a file, or its first `end` bytes; the copy is on the disk when this resolves. Rejects with the system's error. */
export async function copyFile(from: string, to: string, progress: Progress, end?: number): Promise<CopiedFile> {
  const source = await open(from, 'r');
  try {
    const target = await open(to, 'wx', MODE);
    try {
      const copied = await readThrough(source, progress, end, (chunk) => writeWhole(target, chunk));
      await target.sync();
      return copied;
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** Length and hash of a file. */
export async function hashFile(path: string, progress: Progress): Promise<CopiedFile> {
  const file = await open(path, 'r');
  try {
    return await readThrough(file, progress, undefined, async () => {});
  } finally {
    await file.close();
  }
}

async function readThrough(
  file: FileHandle,
  progress: Progress,
  end: number | undefined,
  take: (chunk: Uint8Array) => Promise<void>,
): Promise<CopiedFile> {
  const hash = createHash('sha256');
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (let at = 0; ; ) {
    const wanted = Math.min(chunk.length, (end ?? Number.POSITIVE_INFINITY) - at);
    const { bytesRead } = wanted === 0 ? { bytesRead: 0 } : await file.read(chunk, 0, wanted, at);
    if (bytesRead === 0) return { bytes: at, sha256: hash.digest('hex') };
    const part = chunk.subarray(0, bytesRead);
    hash.update(part);
    await take(part);
    at += bytesRead;
    progress(bytesRead);
  }
}

async function writeWhole(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.length; ) done += (await file.write(chunk, done)).bytesWritten;
}
