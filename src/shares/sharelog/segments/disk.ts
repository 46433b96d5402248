import { writev } from 'node:fs';

/** What the log asks of the disk on the way of a share; a test has one that fails. */
export interface Disk {
  /** As in node:fs: a successful write may have written only some of the bytes, and a failed write any number. */
  writev(
    fd: number,
    pieces: readonly Uint8Array[],
    position: number,
    callback: (error: Error | null, bytesWritten: number) => void,
  ): void;
}

export const systemDisk: Disk = { writev: (fd, pieces, position, callback) => writev(fd, pieces, position, callback) };
