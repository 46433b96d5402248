/**
 * The six functions of FIPS 180-4, section 4.1.2. Static methods, since the compiler inlines only where a decorator
 * asks for it, and a decorator needs a class.
 */
// biome-ignore lint/complexity/noStaticOnlyClass: only members may carry the decorator that inlines
export class Sigma {
  @inline
  static choose(x: u32, y: u32, z: u32): u32 {
    return z ^ (x & (y ^ z));
  }

  @inline
  static majority(x: u32, y: u32, z: u32): u32 {
    return (x & y) | (z & (x | y));
  }

  @inline
  static upper0(x: u32): u32 {
    return rotr<u32>(x, 2) ^ rotr<u32>(x, 13) ^ rotr<u32>(x, 22);
  }

  @inline
  static upper1(x: u32): u32 {
    return rotr<u32>(x, 6) ^ rotr<u32>(x, 11) ^ rotr<u32>(x, 25);
  }

  @inline
  static lower0(x: u32): u32 {
    return rotr<u32>(x, 7) ^ rotr<u32>(x, 18) ^ (x >> 3);
  }

  @inline
  static lower1(x: u32): u32 {
    return rotr<u32>(x, 17) ^ rotr<u32>(x, 19) ^ (x >> 10);
  }
}
