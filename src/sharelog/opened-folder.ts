import { closeSync, fstat, openSync, stat } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { promisify } from 'node:util';

const statOf = promisify(fstat);
const statAt = promisify(stat);

/**
 * A folder that was opened, and whether its path still leads to it. A folder that was renamed is still there, files in it
 * are as safe as before, and it may come back: that is no fault.
 */
export class OpenedFolder {
  readonly #path: string;
  readonly #fd: number;
  #checking: Promise<string | undefined> | undefined;
  #closed = false;

  /** Throws if there is no such folder. */
  constructor(path: string) {
    this.#path = path;
    this.#fd = openSync(path, 'r');
  }

  /** Why what is written there would be lost; undefined if it would not. */
  check(): Promise<string | undefined> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  /** Closes the folder when a check that is under way has ended. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#checking;
    closeSync(this.#fd);
  }

  async #check(): Promise<string | undefined> {
    if (this.#closed) return undefined;
    const name = `${basename(this.#path)}/`;
    const opened = await statOf(this.#fd);
    if (opened.nlink === 0) return `${name} was removed`;
    if (await isUnmounted(this.#fd)) return `the file system of ${name} was unmounted`;
    const there = await statAt(this.#path).catch(() => undefined);
    if (there === undefined || (there.ino === opened.ino && there.dev === opened.dev)) return undefined;
    return `another folder is in the place of ${name}`;
  }
}

/** Whether a descriptor's file system is mounted nowhere any more (umount --lazy). False where the system does not say. */
async function isUnmounted(fd: number): Promise<boolean> {
  try {
    const [, mount] = /^mnt_id:\s*(\d+)$/m.exec(await readFile(`/proc/self/fdinfo/${fd}`, 'utf8')) ?? [];
    const mounts = await readFile('/proc/self/mountinfo', 'utf8');
    return mount !== undefined && !mounts.split('\n').some((line) => line.startsWith(`${mount} `));
  } catch {
    return false;
  }
}
