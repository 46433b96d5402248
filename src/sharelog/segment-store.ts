import { existsSync } from 'node:fs';
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { LOG_FOLDER, segmentPath, sparePaths } from './segment-files.ts';

const SPARES_MAX = 4;
const FILL_BYTES = 1024 * 1024;

/**
 * The log's files: makes segments, out of old ones where there are some, and takes them away. Writing over blocks that a
 * file has already takes half of the time and of the CPU that a sync of a growing file does (bench/README.md, "log").
 */
export class SegmentStore {
  readonly #folder: string;
  readonly #segmentBytes: number;
  /** Paths of spares that are there, and of those that could be. */
  readonly #spares: string[] = [];
  readonly #vacant: string[] = [];

  constructor(folder: string, segmentBytes: number) {
    this.#folder = folder;
    this.#segmentBytes = segmentBytes;
    for (const path of sparePaths(folder, SPARES_MAX)) (existsSync(path) ? this.#spares : this.#vacant).push(path);
  }

  /** Makes the segment that begins with `firstSeq`; it and its name are on the disk when this resolves. */
  async make(firstSeq: number): Promise<void> {
    const path = segmentPath(this.#folder, firstSeq);
    const spare = this.#spares[0];
    if (spare === undefined) await (await open(path, 'w', 0o600)).close();
    else {
      await rename(spare, path);
      this.#spares.shift();
      this.#vacant.push(spare);
    }
    await this.#syncFolder();
  }

  /** Makes a spare, so that the first segment is as quick as later ones. Without room for it there is none. */
  async prepare(): Promise<void> {
    const path = this.#vacant[0];
    if (path === undefined || this.#spares.length > 0) return;
    const file = await open(path, 'w', 0o600);
    try {
      await this.#fill(file);
      this.#vacant.shift();
      this.#spares.push(path);
    } catch {
      await unlink(path);
    } finally {
      await file.close();
    }
  }

  /** Lets go of a segment. */
  async discard(firstSeq: number): Promise<void> {
    const path = segmentPath(this.#folder, firstSeq);
    const spare = this.#vacant[0];
    if (spare === undefined) await unlink(path);
    else {
      await rename(path, spare);
      this.#vacant.shift();
      this.#spares.push(spare);
    }
  }

  async #fill(file: FileHandle): Promise<void> {
    const zeros = new Uint8Array(Math.min(FILL_BYTES, this.#segmentBytes));
    for (let at = 0; at < this.#segmentBytes; at += zeros.length) await file.write(zeros, 0, zeros.length, at);
    await file.sync();
  }

  async #syncFolder(): Promise<void> {
    const folder = await open(join(this.#folder, LOG_FOLDER), 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}
