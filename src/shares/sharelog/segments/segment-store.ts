import { constants, existsSync } from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import { syncFolder } from '#base/std/sync-folder';
import { segmentPath, sparePaths } from './segment-files.ts';

const SPARES_MAX = 4;
const FILL_BYTES = 1024 * 1024;

/**
 * A journal's files: makes segments, from released ones if possible, and removes them. Writing over existing blocks takes half of
 * the time and CPU of a sync of a growing file (bench/README.md, "log").
 */
export class SegmentStore {
  readonly #folder: string;
  readonly #segmentBytes: number;
  /** Paths of spares that are there, and of those that could be. */
  readonly #spares: string[] = [];
  readonly #vacant: string[] = [];
  #preparing: Promise<void> | undefined;
  #closed = false;

  constructor(folder: string, segmentBytes: number) {
    this.#folder = folder;
    this.#segmentBytes = segmentBytes;
    for (const path of sparePaths(folder, SPARES_MAX)) (existsSync(path) ? this.#spares : this.#vacant).push(path);
  }

  /** Makes the segment that begins with `firstSeq`; it and its name are on the disk when this resolves. */
  async make(firstSeq: number): Promise<void> {
    const path = segmentPath(this.#folder, firstSeq);
    // A second try takes what the first one made: a reader may have it open already.
    if (!existsSync(path)) await this.#place(path);
    await syncFolder(this.#folder);
    void this.prepare();
  }

  /**
   * Writes a segment's bytes up to `end` once more in place. If a write failed before this start, the system may show the bytes and
   * report them as synced although they are not on disk.
   */
  async rewrite(firstSeq: number, end: number): Promise<void> {
    const file = await open(segmentPath(this.#folder, firstSeq), constants.O_RDWR | constants.O_DSYNC);
    try {
      const chunk = new Uint8Array(Math.min(end, FILL_BYTES));
      for (let at = 0; at < end; ) {
        const { bytesRead } = await file.read(chunk, 0, Math.min(chunk.length, end - at), at);
        for (let done = 0; done < bytesRead; ) {
          done += (await file.write(chunk, done, bytesRead - done, at + done)).bytesWritten;
        }
        at += bytesRead;
      }
    } finally {
      await file.close();
    }
  }

  async #place(path: string): Promise<void> {
    for (let spare = this.#spares[0]; spare !== undefined; spare = this.#spares[0]) {
      const taken = await rename(spare, path).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          // Somebody made room.
          if (error.code === 'ENOENT') return false;
          throw error;
        },
      );
      this.#spares.shift();
      this.#vacant.push(spare);
      if (taken) return;
    }
    await (await open(path, 'w', 0o600)).close();
  }

  /** Sees to it that the next segment finds a spare. Without room for one there is none, and that segment grows. */
  prepare(): Promise<void> {
    this.#preparing ??= this.#prepare().finally(() => {
      this.#preparing = undefined;
    });
    return this.#preparing;
  }

  /** Touches no file any more when this resolves, but for a segment that is being made or let go of. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#preparing;
  }

  async #prepare(): Promise<void> {
    if (this.#closed || this.#spares.length > 0) return;
    const path = this.#vacant.shift();
    if (path === undefined) return;
    try {
      await this.#fill(path);
      this.#spares.push(path);
    } catch {
      this.#vacant.push(path);
      await unlink(path).catch(() => {});
    }
  }

  /** Lets go of a segment. */
  async discard(firstSeq: number): Promise<void> {
    const path = segmentPath(this.#folder, firstSeq);
    if (!existsSync(path)) return;
    const spare = this.#vacant.shift();
    if (spare === undefined) {
      await unlink(path);
      return;
    }
    try {
      await rename(path, spare);
      this.#spares.push(spare);
    } catch (error) {
      this.#vacant.push(spare);
      throw error;
    }
  }

  /** A piece at a time, so that the journal's own writes never wait behind a whole segment. */
  async #fill(path: string): Promise<void> {
    const file = await open(path, 'w', 0o600);
    try {
      const zeros = new Uint8Array(Math.min(FILL_BYTES, this.#segmentBytes));
      for (let at = 0; at < this.#segmentBytes && !this.#closed; at += zeros.length) {
        await file.write(zeros, 0, zeros.length, at);
        await file.datasync();
      }
    } finally {
      await file.close();
    }
  }
}
