import { writev } from 'node:fs';

/** What the log asks of the disk on the way of a share; a test has one that fails. */
export interface Disk {
  /** As node:fs has it: some of the bytes may have been written where it succeeds, any where it fails. */
  writev(
    fd: number,
    pieces: readonly Uint8Array[],
    position: number,
    callback: (error: Error | null, bytesWritten: number) => void,
  ): void;
}

export const systemDisk: Disk = { writev: (fd, pieces, position, callback) => writev(fd, pieces, position, callback) };
