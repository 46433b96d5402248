import { createWriteStream, existsSync, readdirSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { UNFINISHED } from '#base/std/atomic-file';
import { syncFolder } from '#base/std/sync-folder';

/** A folder that gets files as wholes: under its name a file is complete and on the disk. */
export class ExportFolder {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Makes the folder if it is missing. The caller holds its lock, so what a killed export left unfinished may go. */
  static async open(path: string): Promise<ExportFolder> {
    await mkdir(path, { recursive: true, mode: 0o700 });
    return new ExportFolder(path);
  }

  async removeUnfinished(): Promise<void> {
    for (const name of readdirSync(this.path)) {
      if (name.startsWith('.sluice-export-') && name.endsWith(UNFINISHED)) await rm(join(this.path, name));
    }
  }

  has(name: string): boolean {
    return existsSync(join(this.path, name));
  }

  /** Whether a file's name begins so. */
  hasStart(start: string): boolean {
    return readdirSync(this.path).some((name) => name.startsWith(start));
  }

  /** Writes a file for its owner alone: what miners did, and from where, is in it. Returns its length. */
  async write(name: string, content: Readable, onBytes: (bytes: number) => void): Promise<number> {
    const unfinished = join(this.path, `.sluice-export-${name}${UNFINISHED}`);
    let bytes = 0;
    const counting = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        bytes += chunk.length;
        onBytes(bytes);
        done(null, chunk);
      },
    });
    try {
      await pipeline(content, counting, createWriteStream(unfinished, { mode: 0o600 }));
      const file = await open(unfinished, 'r+');
      await file.sync().finally(() => file.close());
      await rename(unfinished, join(this.path, name));
      await syncFolder(this.path);
    } catch (error) {
      await rm(unfinished, { force: true }).catch(() => {});
      throw error;
    }
    return bytes;
  }
}
