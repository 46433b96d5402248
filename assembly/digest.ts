import { DIGEST, DIGEST_OUT, DIGEST_STATE } from './layout';
import { compress, copyWords, hashDigest, IV, swapWords } from './sha256';

/** Starts a message. */
export function digestBegin(): void {
  copyWords(DIGEST + DIGEST_STATE, IV);
}

/** Takes `count` whole blocks of 64 bytes from `bytes` on. */
export function digestBlocks(bytes: usize, count: u32): void {
  for (let index: u32 = 0; index < count; index++) compress(DIGEST + DIGEST_STATE, bytes + 64 * index);
}

/**
 * Ends the message with the `rest` < 64 bytes at `bytes`, behind which there must be room for 128 − `rest` bytes of
 * padding. `totalBytes` is the length of the whole message. `twice` makes it SHA-256d. The digest is at DIGEST_OUT.
 */
export function digestEnd(bytes: usize, rest: u32, totalBytes: u64, twice: bool): void {
  const blocks: u32 = rest < 56 ? 1 : 2;
  const end = bytes + 64 * blocks;
  memory.fill(bytes + rest, 0, 64 * blocks - rest);
  store<u8>(bytes + rest, 0x80);
  store<u64>(end - 8, bswap<u64>(totalBytes << 3));
  digestBlocks(bytes, blocks);
  if (twice) hashDigest(DIGEST + DIGEST_STATE, DIGEST + DIGEST_STATE);
  swapWords(DIGEST + DIGEST_OUT, DIGEST + DIGEST_STATE);
}
