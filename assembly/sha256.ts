import { SCRATCH } from './layout';
import { Sigma } from './sigma';

/** Round constants (FIPS 180-4, 4.2.2). */
export const K: usize = memory.data<u32>(
  [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
    0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
    0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
    0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
    0xc67178f2,
  ],
  16,
);

/** Initial state (FIPS 180-4, 5.3.3). */
export const IV: usize = memory.data<u32>(
  [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19],
  16,
);

/** The message schedule W, 64 words. The vectors of the SIMD build lie below. */
export const W: usize = SCRATCH + 0x1000;
/** W with the round constants added, 64 words. */
export const WK: usize = SCRATCH + 0x1100;
/** WK of the second block of every 64-byte message: its padding alone. */
export const WK_PADDING_64: usize = SCRATCH + 0x1200;
/** A state of 8 words that functions here use between two hashes. */
const INNER: usize = SCRATCH + 0x1300;

/** Expands W[0…15] to 64 words and writes them with the round constants added to `wk`. */
export function schedule(wk: usize): void {
  for (let at: usize = 0; at < 64; at += 4) store<u32>(wk + at, load<u32>(W + at) + load<u32>(K + at));
  for (let at: usize = 64; at < 256; at += 4) {
    const word =
      Sigma.lower1(load<u32>(W + at - 8)) +
      load<u32>(W + at - 28) +
      Sigma.lower0(load<u32>(W + at - 60)) +
      load<u32>(W + at - 64);
    store<u32>(W + at, word);
    store<u32>(wk + at, word + load<u32>(K + at));
  }
}

/** 64 rounds over a prepared schedule: `into` = compression of `from` (both 8 words, may be the same). */
export function rounds(from: usize, into: usize, wk: usize): void {
  let a = load<u32>(from, 0);
  let b = load<u32>(from, 4);
  let c = load<u32>(from, 8);
  let d = load<u32>(from, 12);
  let e = load<u32>(from, 16);
  let f = load<u32>(from, 20);
  let g = load<u32>(from, 24);
  let h = load<u32>(from, 28);
  // Eight rounds a turn with the names rotated, so that no register is moved; unrolled fully it is slower.
  for (const end = wk + 256; wk < end; wk += 32) {
    h += Sigma.upper1(e) + Sigma.choose(e, f, g) + load<u32>(wk, 0);
    d += h;
    h += Sigma.upper0(a) + Sigma.majority(a, b, c);
    g += Sigma.upper1(d) + Sigma.choose(d, e, f) + load<u32>(wk, 4);
    c += g;
    g += Sigma.upper0(h) + Sigma.majority(h, a, b);
    f += Sigma.upper1(c) + Sigma.choose(c, d, e) + load<u32>(wk, 8);
    b += f;
    f += Sigma.upper0(g) + Sigma.majority(g, h, a);
    e += Sigma.upper1(b) + Sigma.choose(b, c, d) + load<u32>(wk, 12);
    a += e;
    e += Sigma.upper0(f) + Sigma.majority(f, g, h);
    d += Sigma.upper1(a) + Sigma.choose(a, b, c) + load<u32>(wk, 16);
    h += d;
    d += Sigma.upper0(e) + Sigma.majority(e, f, g);
    c += Sigma.upper1(h) + Sigma.choose(h, a, b) + load<u32>(wk, 20);
    g += c;
    c += Sigma.upper0(d) + Sigma.majority(d, e, f);
    b += Sigma.upper1(g) + Sigma.choose(g, h, a) + load<u32>(wk, 24);
    f += b;
    b += Sigma.upper0(c) + Sigma.majority(c, d, e);
    a += Sigma.upper1(f) + Sigma.choose(f, g, h) + load<u32>(wk, 28);
    e += a;
    a += Sigma.upper0(b) + Sigma.majority(b, c, d);
  }
  store<u32>(into, load<u32>(from, 0) + a, 0);
  store<u32>(into, load<u32>(from, 4) + b, 4);
  store<u32>(into, load<u32>(from, 8) + c, 8);
  store<u32>(into, load<u32>(from, 12) + d, 12);
  store<u32>(into, load<u32>(from, 16) + e, 16);
  store<u32>(into, load<u32>(from, 20) + f, 20);
  store<u32>(into, load<u32>(from, 24) + g, 24);
  store<u32>(into, load<u32>(from, 28) + h, 28);
}

/** Reads a 64-byte block into W[0…15]. */
export function loadBlock(block: usize): void {
  for (let at: usize = 0; at < 64; at += 4) store<u32>(W + at, bswap<u32>(load<u32>(block + at)));
}

/** Eight words from one place to another. */
export function copyWords(to: usize, from: usize): void {
  store<u64>(to, load<u64>(from, 0), 0);
  store<u64>(to, load<u64>(from, 8), 8);
  store<u64>(to, load<u64>(from, 16), 16);
  store<u64>(to, load<u64>(from, 24), 24);
}

/** Eight words as 32 bytes, or 32 bytes as eight words: the same swap. */
export function swapWords(to: usize, from: usize): void {
  for (let at: usize = 0; at < 32; at += 4) store<u32>(to + at, bswap<u32>(load<u32>(from + at)));
}

/** `state` = compression with the 64-byte block. */
export function compress(state: usize, block: usize): void {
  loadBlock(block);
  schedule(WK);
  rounds(state, state, WK);
}

/** W[from…15] = the padding of a message that ends before word `from`. */
export function padWords(from: usize, messageBits: u32): void {
  store<u32>(W + 4 * from, 0x80000000);
  for (let at = from + 1; at < 15; at++) store<u32>(W + 4 * at, 0);
  store<u32>(W, messageBits, 60);
}

/** `into` = SHA-256 of the 32-byte message whose words are at `words` (both 8 words, may be the same). */
export function hashDigest(words: usize, into: usize): void {
  copyWords(W, words);
  padWords(8, 256);
  schedule(WK);
  rounds(IV, into, WK);
}

/** `into` = SHA-256d of the 64-byte message whose words are W[0…15]. */
export function hashPair(into: usize): void {
  schedule(WK);
  rounds(IV, INNER, WK);
  rounds(INNER, INNER, WK_PADDING_64);
  hashDigest(INNER, into);
}

/** Writes what the functions above expect in SCRATCH. */
export function initSha256(): void {
  padWords(0, 512);
  schedule(WK_PADDING_64);
}
