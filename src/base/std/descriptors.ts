import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';

/** Descriptors that a name look-up has open at one time, at most. */
const LOOK_UP_DESCRIPTORS = 4;

/**
 * Returns true if a call failed because the process (EMFILE) or the system (ENFILE) has no file descriptor left. The look-up
 * of a name does not say so (ENOTFOUND), so the descriptors that it needs are opened to see.
 */
export function lacksDescriptor(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return isShortage(code) || (syscall === 'getaddrinfo' && !canOpen(LOOK_UP_DESCRIPTORS));
}

function isShortage(code: string | undefined): boolean {
  return code === 'EMFILE' || code === 'ENFILE';
}

function canOpen(count: number): boolean {
  const opened: number[] = [];
  try {
    while (opened.length < count) opened.push(openSync(devNull, 'r'));
    return true;
  } catch (error) {
    return !isShortage((error as NodeJS.ErrnoException).code);
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}
