import { Lanes } from './lanes';

/** Pieces of SHA-256 on four lanes that keep everything in memory, so that two groups can take turns. */
// biome-ignore lint/complexity/noStaticOnlyClass: only members may carry the decorator that inlines
export class Turn {
  /** The `index`th word of the schedule from `w` on, with its round constant from `k` on. */
  @inline
  static word(w: usize, k: usize, index: usize): v128 {
    return Lanes.add(v128.load(w + 16 * index), Lanes.splat(k + 4 * index));
  }

  /**
   * Two rounds, with schedule words `p` and `q`. Instead of moving eight variables each round, their places rotate:
   * `turn` (0, 2, 4, 6) is how many rounds of eight have been. Behind them is a ^ b, the next round's b ^ c.
   */
  @inline
  static rounds(state: usize, turn: usize, p: v128, q: v128): void {
    const a = v128.load(state + 16 * ((0 - turn) & 7));
    const b = v128.load(state + 16 * ((1 - turn) & 7));
    const c = v128.load(state + 16 * ((2 - turn) & 7));
    const d = v128.load(state + 16 * ((3 - turn) & 7));
    const e = v128.load(state + 16 * ((4 - turn) & 7));
    const f = v128.load(state + 16 * ((5 - turn) & 7));
    const g = v128.load(state + 16 * ((6 - turn) & 7));
    const h = v128.load(state + 16 * ((7 - turn) & 7));
    const bc = v128.load(state + 128);
    const t1 = Lanes.add(Lanes.add(Lanes.add(p, h), Lanes.choose(e, f, g)), Lanes.upper1(e));
    const e1 = Lanes.add(d, t1);
    v128.store(state + 16 * ((3 - turn) & 7), e1);
    const ab = v128.xor(a, b);
    const a1 = Lanes.add(Lanes.add(t1, Lanes.upper0(a)), v128.xor(b, v128.and(ab, bc)));
    v128.store(state + 16 * ((7 - turn) & 7), a1);
    const t2 = Lanes.add(Lanes.add(Lanes.add(q, g), Lanes.choose(e1, e, f)), Lanes.upper1(e1));
    v128.store(state + 16 * ((2 - turn) & 7), Lanes.add(c, t2));
    const a1a = v128.xor(a1, a);
    const a2 = Lanes.add(Lanes.add(t2, Lanes.upper0(a1)), v128.xor(a, v128.and(a1a, ab)));
    v128.store(state + 16 * ((6 - turn) & 7), a2);
    v128.store(state + 128, a1a);
  }

  /** The two words of a schedule behind the 16 at `at`. */
  @inline
  static expand(at: usize): void {
    const w1 = v128.load(at, 16);
    const u = Lanes.add(
      Lanes.add(Lanes.lower1(v128.load(at, 224)), v128.load(at, 144)),
      Lanes.add(Lanes.lower0(w1), v128.load(at, 0)),
    );
    v128.store(at, u, 256);
    const v = Lanes.add(
      Lanes.add(Lanes.lower1(v128.load(at, 240)), v128.load(at, 160)),
      Lanes.add(Lanes.lower0(v128.load(at, 32)), w1),
    );
    v128.store(at, v, 272);
  }

  /** Two rounds of one group and then of the other. */
  @inline
  static pair(stateA: usize, stateB: usize, turn: usize, wA: usize, wB: usize, k: usize): void {
    Turn.rounds(stateA, turn, Turn.word(wA, k, turn), Turn.word(wA, k, turn + 1));
    Turn.rounds(stateB, turn, Turn.word(wB, k, turn), Turn.word(wB, k, turn + 1));
  }

  /** The same with schedule words that all lanes share, the round constants added. */
  @inline
  static known(stateA: usize, stateB: usize, turn: usize, wk: usize): void {
    Turn.rounds(stateA, turn, Lanes.splat(wk), Lanes.splat(wk + 4));
    Turn.rounds(stateB, turn, Lanes.splat(wk), Lanes.splat(wk + 4));
  }
}
