import { GROUP_A, WORDS } from './groups';
import { Lanes } from './lanes';
import { K } from './sha256';
import { Turn } from './turn';

/**
 * SHA-256 of the four messages of GROUP_A. The working variables stay in registers, eight rounds a turn with the names
 * rotated; eight words of the schedule are made in each turn, since they keep the machine busy while rounds wait for
 * one another. b ^ c of a round is a ^ b of the round before, so the majority is b ^ ((a ^ b) & (b ^ c)).
 */

/** Behind the words from which others are made, and behind all of them. */
const SOURCE_END: usize = GROUP_A + WORDS + 768;
const WORDS_END: usize = GROUP_A + WORDS + 1024;

/** Expands the group's 16 words; `into` = compression of `from` (both 8 vectors; may be the same, or the words). */
export function rounds4(from: usize, into: usize): void {
  let a = v128.load(from, 0);
  let b = v128.load(from, 16);
  let c = v128.load(from, 32);
  let d = v128.load(from, 48);
  let e = v128.load(from, 64);
  let f = v128.load(from, 80);
  let g = v128.load(from, 96);
  let h = v128.load(from, 112);
  let x: v128;
  let y = v128.xor(b, c);
  let k = K;
  for (let w = GROUP_A + WORDS; w < WORDS_END; w += 128) {
    h = Lanes.add(Lanes.add(Lanes.add(v128.load(w, 0), v128.load_splat<u32>(k, 0)), h), Lanes.choose(e, f, g));
    h = Lanes.add(h, Lanes.upper1(e));
    d = Lanes.add(d, h);
    x = v128.xor(a, b);
    h = Lanes.add(Lanes.add(h, Lanes.upper0(a)), v128.xor(b, v128.and(x, y)));
    g = Lanes.add(Lanes.add(Lanes.add(v128.load(w, 16), v128.load_splat<u32>(k, 4)), g), Lanes.choose(d, e, f));
    g = Lanes.add(g, Lanes.upper1(d));
    c = Lanes.add(c, g);
    y = v128.xor(h, a);
    g = Lanes.add(Lanes.add(g, Lanes.upper0(h)), v128.xor(a, v128.and(y, x)));
    f = Lanes.add(Lanes.add(Lanes.add(v128.load(w, 32), v128.load_splat<u32>(k, 8)), f), Lanes.choose(c, d, e));
    f = Lanes.add(f, Lanes.upper1(c));
    b = Lanes.add(b, f);
    x = v128.xor(g, h);
    f = Lanes.add(Lanes.add(f, Lanes.upper0(g)), v128.xor(h, v128.and(x, y)));
    e = Lanes.add(Lanes.add(Lanes.add(v128.load(w, 48), v128.load_splat<u32>(k, 12)), e), Lanes.choose(b, c, d));
    e = Lanes.add(e, Lanes.upper1(b));
    a = Lanes.add(a, e);
    y = v128.xor(f, g);
    e = Lanes.add(Lanes.add(e, Lanes.upper0(f)), v128.xor(g, v128.and(y, x)));
    d = Lanes.add(Lanes.add(Lanes.add(v128.load(w, 64), v128.load_splat<u32>(k, 16)), d), Lanes.choose(a, b, c));
    d = Lanes.add(d, Lanes.upper1(a));
    h = Lanes.add(h, d);
    x = v128.xor(e, f);
    d = Lanes.add(Lanes.add(d, Lanes.upper0(e)), v128.xor(f, v128.and(x, y)));
    c = Lanes.add(Lanes.add(Lanes.add(v128.load(w, 80), v128.load_splat<u32>(k, 20)), c), Lanes.choose(h, a, b));
    c = Lanes.add(c, Lanes.upper1(h));
    g = Lanes.add(g, c);
    y = v128.xor(d, e);
    c = Lanes.add(Lanes.add(c, Lanes.upper0(d)), v128.xor(e, v128.and(y, x)));
    b = Lanes.add(Lanes.add(Lanes.add(v128.load(w, 96), v128.load_splat<u32>(k, 24)), b), Lanes.choose(g, h, a));
    b = Lanes.add(b, Lanes.upper1(g));
    f = Lanes.add(f, b);
    x = v128.xor(c, d);
    b = Lanes.add(Lanes.add(b, Lanes.upper0(c)), v128.xor(d, v128.and(x, y)));
    a = Lanes.add(Lanes.add(Lanes.add(v128.load(w, 112), v128.load_splat<u32>(k, 28)), a), Lanes.choose(f, g, h));
    a = Lanes.add(a, Lanes.upper1(f));
    e = Lanes.add(e, a);
    y = v128.xor(b, c);
    a = Lanes.add(Lanes.add(a, Lanes.upper0(b)), v128.xor(c, v128.and(y, x)));
    if (w < SOURCE_END) {
      Turn.expand(w);
      Turn.expand(w + 32);
      Turn.expand(w + 64);
      Turn.expand(w + 96);
    }
    k += 32;
  }
  v128.store(into, Lanes.add(v128.load(from, 0), a), 0);
  v128.store(into, Lanes.add(v128.load(from, 16), b), 16);
  v128.store(into, Lanes.add(v128.load(from, 32), c), 32);
  v128.store(into, Lanes.add(v128.load(from, 48), d), 48);
  v128.store(into, Lanes.add(v128.load(from, 64), e), 64);
  v128.store(into, Lanes.add(v128.load(from, 80), f), 80);
  v128.store(into, Lanes.add(v128.load(from, 96), g), 96);
  v128.store(into, Lanes.add(v128.load(from, 112), h), 112);
}

/** The same with a schedule of one block that all four lanes share: 64 words, the round constants added. */
export function roundsKnown4(from: usize, into: usize, wk: usize): void {
  let a = v128.load(from, 0);
  let b = v128.load(from, 16);
  let c = v128.load(from, 32);
  let d = v128.load(from, 48);
  let e = v128.load(from, 64);
  let f = v128.load(from, 80);
  let g = v128.load(from, 96);
  let h = v128.load(from, 112);
  let x: v128;
  let y = v128.xor(b, c);
  for (const end = wk + 256; wk < end; wk += 32) {
    h = Lanes.add(Lanes.add(v128.load_splat<u32>(wk, 0), h), Lanes.choose(e, f, g));
    h = Lanes.add(h, Lanes.upper1(e));
    d = Lanes.add(d, h);
    x = v128.xor(a, b);
    h = Lanes.add(Lanes.add(h, Lanes.upper0(a)), v128.xor(b, v128.and(x, y)));
    g = Lanes.add(Lanes.add(v128.load_splat<u32>(wk, 4), g), Lanes.choose(d, e, f));
    g = Lanes.add(g, Lanes.upper1(d));
    c = Lanes.add(c, g);
    y = v128.xor(h, a);
    g = Lanes.add(Lanes.add(g, Lanes.upper0(h)), v128.xor(a, v128.and(y, x)));
    f = Lanes.add(Lanes.add(v128.load_splat<u32>(wk, 8), f), Lanes.choose(c, d, e));
    f = Lanes.add(f, Lanes.upper1(c));
    b = Lanes.add(b, f);
    x = v128.xor(g, h);
    f = Lanes.add(Lanes.add(f, Lanes.upper0(g)), v128.xor(h, v128.and(x, y)));
    e = Lanes.add(Lanes.add(v128.load_splat<u32>(wk, 12), e), Lanes.choose(b, c, d));
    e = Lanes.add(e, Lanes.upper1(b));
    a = Lanes.add(a, e);
    y = v128.xor(f, g);
    e = Lanes.add(Lanes.add(e, Lanes.upper0(f)), v128.xor(g, v128.and(y, x)));
    d = Lanes.add(Lanes.add(v128.load_splat<u32>(wk, 16), d), Lanes.choose(a, b, c));
    d = Lanes.add(d, Lanes.upper1(a));
    h = Lanes.add(h, d);
    x = v128.xor(e, f);
    d = Lanes.add(Lanes.add(d, Lanes.upper0(e)), v128.xor(f, v128.and(x, y)));
    c = Lanes.add(Lanes.add(v128.load_splat<u32>(wk, 20), c), Lanes.choose(h, a, b));
    c = Lanes.add(c, Lanes.upper1(h));
    g = Lanes.add(g, c);
    y = v128.xor(d, e);
    c = Lanes.add(Lanes.add(c, Lanes.upper0(d)), v128.xor(e, v128.and(y, x)));
    b = Lanes.add(Lanes.add(v128.load_splat<u32>(wk, 24), b), Lanes.choose(g, h, a));
    b = Lanes.add(b, Lanes.upper1(g));
    f = Lanes.add(f, b);
    x = v128.xor(c, d);
    b = Lanes.add(Lanes.add(b, Lanes.upper0(c)), v128.xor(d, v128.and(x, y)));
    a = Lanes.add(Lanes.add(v128.load_splat<u32>(wk, 28), a), Lanes.choose(f, g, h));
    a = Lanes.add(a, Lanes.upper1(f));
    e = Lanes.add(e, a);
    y = v128.xor(b, c);
    a = Lanes.add(Lanes.add(a, Lanes.upper0(b)), v128.xor(c, v128.and(y, x)));
  }
  v128.store(into, Lanes.add(v128.load(from, 0), a), 0);
  v128.store(into, Lanes.add(v128.load(from, 16), b), 16);
  v128.store(into, Lanes.add(v128.load(from, 32), c), 32);
  v128.store(into, Lanes.add(v128.load(from, 48), d), 48);
  v128.store(into, Lanes.add(v128.load(from, 64), e), 64);
  v128.store(into, Lanes.add(v128.load(from, 80), f), 80);
  v128.store(into, Lanes.add(v128.load(from, 96), g), 96);
  v128.store(into, Lanes.add(v128.load(from, 112), h), 112);
}
