import { GROUP_A, SINK, WORDS } from './groups';
import { Lanes } from './lanes';
import { K } from './sha256';
import { Turn } from './turn';

/**
 * SHA-256 of the four messages of GROUP_A: eight rounds a turn with the names rotated, so that no variable is moved. The
 * schedule is made sixteen words ahead, two at a time, which fills the time in which rounds wait for one another.
 */

const A_SINK: usize = GROUP_A + SINK;
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
  for (let w: usize = GROUP_A + WORDS; w < WORDS_END; w += 128) {
    h = Turn.first(h, e, f, g, Turn.word(w, k, 0));
    d = Turn.now(A_SINK, Lanes.add(d, h));
    x = v128.xor(a, b);
    h = Turn.now(A_SINK, Turn.second(h, a, b, x, y));
    g = Turn.first(g, d, e, f, Turn.word(w, k, 1));
    c = Turn.now(A_SINK, Lanes.add(c, g));
    y = v128.xor(h, a);
    g = Turn.now(A_SINK, Turn.second(g, h, a, y, x));
    if (w < SOURCE_END) {
      Turn.expand(w);
    }
    f = Turn.first(f, c, d, e, Turn.word(w, k, 2));
    b = Turn.now(A_SINK, Lanes.add(b, f));
    x = v128.xor(g, h);
    f = Turn.now(A_SINK, Turn.second(f, g, h, x, y));
    e = Turn.first(e, b, c, d, Turn.word(w, k, 3));
    a = Turn.now(A_SINK, Lanes.add(a, e));
    y = v128.xor(f, g);
    e = Turn.now(A_SINK, Turn.second(e, f, g, y, x));
    if (w < SOURCE_END) {
      Turn.expand(w + 32);
    }
    d = Turn.first(d, a, b, c, Turn.word(w, k, 4));
    h = Turn.now(A_SINK, Lanes.add(h, d));
    x = v128.xor(e, f);
    d = Turn.now(A_SINK, Turn.second(d, e, f, x, y));
    c = Turn.first(c, h, a, b, Turn.word(w, k, 5));
    g = Turn.now(A_SINK, Lanes.add(g, c));
    y = v128.xor(d, e);
    c = Turn.now(A_SINK, Turn.second(c, d, e, y, x));
    if (w < SOURCE_END) {
      Turn.expand(w + 64);
    }
    b = Turn.first(b, g, h, a, Turn.word(w, k, 6));
    f = Turn.now(A_SINK, Lanes.add(f, b));
    x = v128.xor(c, d);
    b = Turn.now(A_SINK, Turn.second(b, c, d, x, y));
    a = Turn.first(a, f, g, h, Turn.word(w, k, 7));
    e = Turn.now(A_SINK, Lanes.add(e, a));
    y = v128.xor(b, c);
    a = Turn.now(A_SINK, Turn.second(a, b, c, y, x));
    if (w < SOURCE_END) {
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
    h = Turn.first(h, e, f, g, Lanes.splat(wk + 0));
    d = Turn.now(A_SINK, Lanes.add(d, h));
    x = v128.xor(a, b);
    h = Turn.now(A_SINK, Turn.second(h, a, b, x, y));
    g = Turn.first(g, d, e, f, Lanes.splat(wk + 4));
    c = Turn.now(A_SINK, Lanes.add(c, g));
    y = v128.xor(h, a);
    g = Turn.now(A_SINK, Turn.second(g, h, a, y, x));
    f = Turn.first(f, c, d, e, Lanes.splat(wk + 8));
    b = Turn.now(A_SINK, Lanes.add(b, f));
    x = v128.xor(g, h);
    f = Turn.now(A_SINK, Turn.second(f, g, h, x, y));
    e = Turn.first(e, b, c, d, Lanes.splat(wk + 12));
    a = Turn.now(A_SINK, Lanes.add(a, e));
    y = v128.xor(f, g);
    e = Turn.now(A_SINK, Turn.second(e, f, g, y, x));
    d = Turn.first(d, a, b, c, Lanes.splat(wk + 16));
    h = Turn.now(A_SINK, Lanes.add(h, d));
    x = v128.xor(e, f);
    d = Turn.now(A_SINK, Turn.second(d, e, f, x, y));
    c = Turn.first(c, h, a, b, Lanes.splat(wk + 20));
    g = Turn.now(A_SINK, Lanes.add(g, c));
    y = v128.xor(d, e);
    c = Turn.now(A_SINK, Turn.second(c, d, e, y, x));
    b = Turn.first(b, g, h, a, Lanes.splat(wk + 24));
    f = Turn.now(A_SINK, Lanes.add(f, b));
    x = v128.xor(c, d);
    b = Turn.now(A_SINK, Turn.second(b, c, d, x, y));
    a = Turn.first(a, f, g, h, Lanes.splat(wk + 28));
    e = Turn.now(A_SINK, Lanes.add(e, a));
    y = v128.xor(b, c);
    a = Turn.now(A_SINK, Turn.second(a, b, c, y, x));
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
