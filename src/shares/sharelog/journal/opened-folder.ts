import { closeSync, fstat, openSync, readFileSync, stat } from 'node:fs';
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
  /** Whether its mount was among those that the system lists: in a chroot it may not be. */
  readonly #listed: boolean;
  #checking: Promise<string | undefined> | undefined;
  #closed = false;

  /** Throws if there is no such folder. */
  constructor(path: string) {
    this.#path = path;
    this.#fd = openSync(path, 'r');
    this.#listed = isListed(this.#fd) === true;
  }

  /** Why writes to the folder would be lost; undefined if they would not. */
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
    if (this.#listed && isListed(this.#fd) === false) return `the file system of ${name} was unmounted`;
    const there = await statAt(this.#path).catch(() => undefined);
    if (there === undefined || (there.ino === opened.ino && there.dev === opened.dev)) return undefined;
    return `another folder is in the place of ${name}`;
  }
}

/** How often it is made sure that the folders are the ones that were opened. */
const CHECK_MS = 1_000;

/** Looks at the folders that a process writes in, each second. */
export class FolderWatch {
  readonly #folders: readonly OpenedFolder[];
  readonly #found: (reason: string) => void;
  readonly #timer: NodeJS.Timeout;
  #reason: string | undefined;

  /** `found` is called with the reason why writes would be lost, once per reason. Throws if a folder does not exist. */
  constructor(paths: readonly string[], found: (reason: string) => void) {
    this.#folders = paths.map((path) => new OpenedFolder(path));
    this.#found = found;
    this.#timer = setInterval(() => void this.#check(), CHECK_MS).unref();
  }

  /** Why writes would be lost now; undefined if they would not. */
  get reason(): string | undefined {
    return this.#reason;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#folders.map((folder) => folder.close()));
  }

  async #check(): Promise<void> {
    const reasons = await Promise.all(this.#folders.map((folder) => folder.check()));
    const reason = reasons.find((each) => each !== undefined);
    if (reason !== undefined && reason !== this.#reason) this.#found(reason);
    this.#reason = reason;
  }
}

/**
 * True if the system lists the mount of a descriptor's file; after umount --lazy it does not. Undefined if the list can not be read:
 * there is none, or the process has no descriptor left. (The kernel generates the list, so reading it waits for no disk.)
 */
function isListed(fd: number): boolean | undefined {
  try {
    const [, mount] = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')) ?? [];
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
    return mount !== undefined && mounts.some((line) => line.startsWith(`${mount} `));
  } catch {
    return undefined;
  }
}
