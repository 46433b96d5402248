import { createHash } from 'node:crypto';

/** Double SHA-256 of the parts in a row, 32 bytes. For single hashes; shares go through the kernel. */
export function sha256d(...parts: readonly Uint8Array[]): Uint8Array {
  const first = createHash('sha256');
  for (const part of parts) first.update(part);
  return new Uint8Array(createHash('sha256').update(first.digest()).digest());
}
