import { GROUP_A, GROUP_B, GROUP_BYTES, SINK, WORDS } from './groups';
import { Lanes } from './lanes';
import { K } from './sha256';
import { Turn } from './turn';

/**
 * SHA-256 of the eight messages of both groups, as sha256x4.ts does it, round by round in turns: a round waits for the
 * one before for longer than its instructions take. Lower-case variables are GROUP_A's, upper-case ones GROUP_B's.
 */

const A_SINK: usize = GROUP_A + SINK;
const B_SINK: usize = GROUP_B + SINK;
/** Behind the words from which others are made, and behind all of them. */
const SOURCE_END: usize = GROUP_A + WORDS + 768;
const WORDS_END: usize = GROUP_A + WORDS + 1024;

/**
 * Expands and compresses in both groups, as rounds4 does in one. `from` and `into` are GROUP_A's; GROUP_B's `from` lies
 * `step` behind (0 where they share it), its `into` GROUP_BYTES.
 */
export function rounds8(from: usize, step: usize, into: usize): void {
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
  let A = v128.load(from + step, 0);
  let B = v128.load(from + step, 16);
  let C = v128.load(from + step, 32);
  let D = v128.load(from + step, 48);
  let E = v128.load(from + step, 64);
  let F = v128.load(from + step, 80);
  let G = v128.load(from + step, 96);
  let H = v128.load(from + step, 112);
  let X: v128;
  let Y = v128.xor(B, C);
  let k = K;
  for (let w: usize = GROUP_A + WORDS; w < WORDS_END; w += 128) {
    h = Turn.first(h, e, f, g, Turn.word(w, k, 0));
    d = Turn.now(A_SINK, Lanes.add(d, h));
    x = v128.xor(a, b);
    h = Turn.now(A_SINK, Turn.second(h, a, b, x, y));
    H = Turn.first(H, E, F, G, Turn.word(w + GROUP_BYTES, k, 0));
    D = Turn.now(B_SINK, Lanes.add(D, H));
    X = v128.xor(A, B);
    H = Turn.now(B_SINK, Turn.second(H, A, B, X, Y));
    g = Turn.first(g, d, e, f, Turn.word(w, k, 1));
    c = Turn.now(A_SINK, Lanes.add(c, g));
    y = v128.xor(h, a);
    g = Turn.now(A_SINK, Turn.second(g, h, a, y, x));
    G = Turn.first(G, D, E, F, Turn.word(w + GROUP_BYTES, k, 1));
    C = Turn.now(B_SINK, Lanes.add(C, G));
    Y = v128.xor(H, A);
    G = Turn.now(B_SINK, Turn.second(G, H, A, Y, X));
    if (w < SOURCE_END) {
      Turn.expand(w);
      Turn.expand(w + GROUP_BYTES);
    }
    f = Turn.first(f, c, d, e, Turn.word(w, k, 2));
    b = Turn.now(A_SINK, Lanes.add(b, f));
    x = v128.xor(g, h);
    f = Turn.now(A_SINK, Turn.second(f, g, h, x, y));
    F = Turn.first(F, C, D, E, Turn.word(w + GROUP_BYTES, k, 2));
    B = Turn.now(B_SINK, Lanes.add(B, F));
    X = v128.xor(G, H);
    F = Turn.now(B_SINK, Turn.second(F, G, H, X, Y));
    e = Turn.first(e, b, c, d, Turn.word(w, k, 3));
    a = Turn.now(A_SINK, Lanes.add(a, e));
    y = v128.xor(f, g);
    e = Turn.now(A_SINK, Turn.second(e, f, g, y, x));
    E = Turn.first(E, B, C, D, Turn.word(w + GROUP_BYTES, k, 3));
    A = Turn.now(B_SINK, Lanes.add(A, E));
    Y = v128.xor(F, G);
    E = Turn.now(B_SINK, Turn.second(E, F, G, Y, X));
    if (w < SOURCE_END) {
      Turn.expand(w + 32);
      Turn.expand(w + GROUP_BYTES + 32);
    }
    d = Turn.first(d, a, b, c, Turn.word(w, k, 4));
    h = Turn.now(A_SINK, Lanes.add(h, d));
    x = v128.xor(e, f);
    d = Turn.now(A_SINK, Turn.second(d, e, f, x, y));
    D = Turn.first(D, A, B, C, Turn.word(w + GROUP_BYTES, k, 4));
    H = Turn.now(B_SINK, Lanes.add(H, D));
    X = v128.xor(E, F);
    D = Turn.now(B_SINK, Turn.second(D, E, F, X, Y));
    c = Turn.first(c, h, a, b, Turn.word(w, k, 5));
    g = Turn.now(A_SINK, Lanes.add(g, c));
    y = v128.xor(d, e);
    c = Turn.now(A_SINK, Turn.second(c, d, e, y, x));
    C = Turn.first(C, H, A, B, Turn.word(w + GROUP_BYTES, k, 5));
    G = Turn.now(B_SINK, Lanes.add(G, C));
    Y = v128.xor(D, E);
    C = Turn.now(B_SINK, Turn.second(C, D, E, Y, X));
    if (w < SOURCE_END) {
      Turn.expand(w + 64);
      Turn.expand(w + GROUP_BYTES + 64);
    }
    b = Turn.first(b, g, h, a, Turn.word(w, k, 6));
    f = Turn.now(A_SINK, Lanes.add(f, b));
    x = v128.xor(c, d);
    b = Turn.now(A_SINK, Turn.second(b, c, d, x, y));
    B = Turn.first(B, G, H, A, Turn.word(w + GROUP_BYTES, k, 6));
    F = Turn.now(B_SINK, Lanes.add(F, B));
    X = v128.xor(C, D);
    B = Turn.now(B_SINK, Turn.second(B, C, D, X, Y));
    a = Turn.first(a, f, g, h, Turn.word(w, k, 7));
    e = Turn.now(A_SINK, Lanes.add(e, a));
    y = v128.xor(b, c);
    a = Turn.now(A_SINK, Turn.second(a, b, c, y, x));
    A = Turn.first(A, F, G, H, Turn.word(w + GROUP_BYTES, k, 7));
    E = Turn.now(B_SINK, Lanes.add(E, A));
    Y = v128.xor(B, C);
    A = Turn.now(B_SINK, Turn.second(A, B, C, Y, X));
    if (w < SOURCE_END) {
      Turn.expand(w + 96);
      Turn.expand(w + GROUP_BYTES + 96);
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
  v128.store(into + GROUP_BYTES, Lanes.add(v128.load(from + step, 0), A), 0);
  v128.store(into + GROUP_BYTES, Lanes.add(v128.load(from + step, 16), B), 16);
  v128.store(into + GROUP_BYTES, Lanes.add(v128.load(from + step, 32), C), 32);
  v128.store(into + GROUP_BYTES, Lanes.add(v128.load(from + step, 48), D), 48);
  v128.store(into + GROUP_BYTES, Lanes.add(v128.load(from + step, 64), E), 64);
  v128.store(into + GROUP_BYTES, Lanes.add(v128.load(from + step, 80), F), 80);
  v128.store(into + GROUP_BYTES, Lanes.add(v128.load(from + step, 96), G), 96);
  v128.store(into + GROUP_BYTES, Lanes.add(v128.load(from + step, 112), H), 112);
}

/** The same with a schedule of one block that all lanes share: 64 words, the round constants added. */
export function roundsKnown8(from: usize, step: usize, into: usize, wk: usize): void {
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
  let A = v128.load(from + step, 0);
  let B = v128.load(from + step, 16);
  let C = v128.load(from + step, 32);
  let D = v128.load(from + step, 48);
  let E = v128.load(from + step, 64);
  let F = v128.load(from + step, 80);
  let G = v128.load(from + step, 96);
  let H = v128.load(from + step, 112);
  let X: v128;
  let Y = v128.xor(B, C);
  for (const end = wk + 256; wk < end; wk += 32) {
    h = Turn.first(h, e, f, g, Lanes.splat(wk + 0));
    d = Turn.now(A_SINK, Lanes.add(d, h));
    x = v128.xor(a, b);
    h = Turn.now(A_SINK, Turn.second(h, a, b, x, y));
    H = Turn.first(H, E, F, G, Lanes.splat(wk + 0));
    D = Turn.now(B_SINK, Lanes.add(D, H));
    X = v128.xor(A, B);
    H = Turn.now(B_SINK, Turn.second(H, A, B, X, Y));
    g = Turn.first(g, d, e, f, Lanes.splat(wk + 4));
    c = Turn.now(A_SINK, Lanes.add(c, g));
    y = v128.xor(h, a);
    g = Turn.now(A_SINK, Turn.second(g, h, a, y, x));
    G = Turn.first(G, D, E, F, Lanes.splat(wk + 4));
    C = Turn.now(B_SINK, Lanes.add(C, G));
    Y = v128.xor(H, A);
    G = Turn.now(B_SINK, Turn.second(G, H, A, Y, X));
    f = Turn.first(f, c, d, e, Lanes.splat(wk + 8));
    b = Turn.now(A_SINK, Lanes.add(b, f));
    x = v128.xor(g, h);
    f = Turn.now(A_SINK, Turn.second(f, g, h, x, y));
    F = Turn.first(F, C, D, E, Lanes.splat(wk + 8));
    B = Turn.now(B_SINK, Lanes.add(B, F));
    X = v128.xor(G, H);
    F = Turn.now(B_SINK, Turn.second(F, G, H, X, Y));
    e = Turn.first(e, b, c, d, Lanes.splat(wk + 12));
    a = Turn.now(A_SINK, Lanes.add(a, e));
    y = v128.xor(f, g);
    e = Turn.now(A_SINK, Turn.second(e, f, g, y, x));
    E = Turn.first(E, B, C, D, Lanes.splat(wk + 12));
    A = Turn.now(B_SINK, Lanes.add(A, E));
    Y = v128.xor(F, G);
    E = Turn.now(B_SINK, Turn.second(E, F, G, Y, X));
    d = Turn.first(d, a, b, c, Lanes.splat(wk + 16));
    h = Turn.now(A_SINK, Lanes.add(h, d));
    x = v128.xor(e, f);
    d = Turn.now(A_SINK, Turn.second(d, e, f, x, y));
    D = Turn.first(D, A, B, C, Lanes.splat(wk + 16));
    H = Turn.now(B_SINK, Lanes.add(H, D));
    X = v128.xor(E, F);
    D = Turn.now(B_SINK, Turn.second(D, E, F, X, Y));
    c = Turn.first(c, h, a, b, Lanes.splat(wk + 20));
    g = Turn.now(A_SINK, Lanes.add(g, c));
    y = v128.xor(d, e);
    c = Turn.now(A_SINK, Turn.second(c, d, e, y, x));
    C = Turn.first(C, H, A, B, Lanes.splat(wk + 20));
    G = Turn.now(B_SINK, Lanes.add(G, C));
    Y = v128.xor(D, E);
    C = Turn.now(B_SINK, Turn.second(C, D, E, Y, X));
    b = Turn.first(b, g, h, a, Lanes.splat(wk + 24));
    f = Turn.now(A_SINK, Lanes.add(f, b));
    x = v128.xor(c, d);
    b = Turn.now(A_SINK, Turn.second(b, c, d, x, y));
    B = Turn.first(B, G, H, A, Lanes.splat(wk + 24));
    F = Turn.now(B_SINK, Lanes.add(F, B));
    X = v128.xor(C, D);
    B = Turn.now(B_SINK, Turn.second(B, C, D, X, Y));
    a = Turn.first(a, f, g, h, Lanes.splat(wk + 28));
    e = Turn.now(A_SINK, Lanes.add(e, a));
    y = v128.xor(b, c);
    a = Turn.now(A_SINK, Turn.second(a, b, c, y, x));
    A = Turn.first(A, F, G, H, Lanes.splat(wk + 28));
    E = Turn.now(B_SINK, Lanes.add(E, A));
    Y = v128.xor(B, C);
    A = Turn.now(B_SINK, Turn.second(A, B, C, Y, X));
  }
  v128.store(into, Lanes.add(v128.load(from, 0), a), 0);
  v128.store(into, Lanes.add(v128.load(from, 16), b), 16);
  v128.store(into, Lanes.add(v128.load(from, 32), c), 32);
  v128.store(into, Lanes.add(v128.load(from, 48), d), 48);
  v128.store(into, Lanes.add(v128.load(from, 64), e), 64);
  v128.store(into, Lanes.add(v128.load(from, 80), f), 80);
  v128.store(into, Lanes.add(v128.load(from, 96), g), 96);
  v128.store(into, Lanes.add(v128.load(from, 112), h), 112);
  v128.store(into + GROUP_BYTES, Lanes.add(v128.load(from + step, 0), A), 0);
  v128.store(into + GROUP_BYTES, Lanes.add(v128.load(from + step, 16), B), 16);
  v128.store(into + GROUP_BYTES, Lanes.add(v128.load(from + step, 32), C), 32);
  v128.store(into + GROUP_BYTES, Lanes.add(v128.load(from + step, 48), D), 48);
  v128.store(into + GROUP_BYTES, Lanes.add(v128.load(from + step, 64), E), 64);
  v128.store(into + GROUP_BYTES, Lanes.add(v128.load(from + step, 80), F), 80);
  v128.store(into + GROUP_BYTES, Lanes.add(v128.load(from + step, 96), G), 96);
  v128.store(into + GROUP_BYTES, Lanes.add(v128.load(from + step, 112), H), 112);
}
