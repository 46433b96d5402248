/** Four messages side by side, one in each 32-bit lane: the functions of FIPS 180-4 on vectors. */
// biome-ignore lint/complexity/noStaticOnlyClass: only members may carry the decorator that inlines
export class Lanes {
  @inline
  static add(x: v128, y: v128): v128 {
    return i32x4.add(x, y);
  }

  @inline
  static rotate(x: v128, by: i32): v128 {
    return v128.xor(i32x4.shr_u(x, by), i32x4.shl(x, 32 - by));
  }

  /** bitselect is three instructions side by side, where the usual form has them one after the other. */
  @inline
  static choose(x: v128, y: v128, z: v128): v128 {
    return v128.bitselect(y, z, x);
  }

  @inline
  static upper0(x: v128): v128 {
    return v128.xor(v128.xor(Lanes.rotate(x, 2), Lanes.rotate(x, 13)), Lanes.rotate(x, 22));
  }

  @inline
  static upper1(x: v128): v128 {
    return v128.xor(v128.xor(Lanes.rotate(x, 6), Lanes.rotate(x, 11)), Lanes.rotate(x, 25));
  }

  @inline
  static lower0(x: v128): v128 {
    return v128.xor(v128.xor(Lanes.rotate(x, 7), Lanes.rotate(x, 18)), i32x4.shr_u(x, 3));
  }

  @inline
  static lower1(x: v128): v128 {
    return v128.xor(v128.xor(Lanes.rotate(x, 17), Lanes.rotate(x, 19)), i32x4.shr_u(x, 10));
  }

  /** Each lane's bytes the other way round. */
  @inline
  static swap(x: v128): v128 {
    return i8x16.shuffle(x, x, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
  }

  /** A u32 of memory in all four lanes. */
  @inline
  static splat(at: usize): v128 {
    return v128.load_splat<u32>(at);
  }
}
