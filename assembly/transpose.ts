import { Lanes } from './lanes';

/** Between four records of eight words and eight vectors with a record in each lane. */

/** Eight vectors at `to` from the words at a, b, c and d; `swapped` reads bytes instead of words. */
export function gatherWords(to: usize, a: usize, b: usize, c: usize, d: usize, swapped: bool): void {
  gatherFour(to, a, b, c, d, swapped);
  gatherFour(to + 64, a + 16, b + 16, c + 16, d + 16, swapped);
}

/** Eight words each to a, b, c and d from the vectors at `from`; `swapped` writes bytes instead of words. */
export function scatterWords(from: usize, a: usize, b: usize, c: usize, d: usize, swapped: bool): void {
  scatterFour(from, a, b, c, d, swapped);
  scatterFour(from + 64, a + 16, b + 16, c + 16, d + 16, swapped);
}

function gatherFour(to: usize, a: usize, b: usize, c: usize, d: usize, swapped: bool): void {
  let w = v128.load(a);
  let x = v128.load(b);
  let y = v128.load(c);
  let z = v128.load(d);
  if (swapped) {
    w = Lanes.swap(w);
    x = Lanes.swap(x);
    y = Lanes.swap(y);
    z = Lanes.swap(z);
  }
  storeTransposed(w, x, y, z, to, to + 16, to + 32, to + 48);
}

function scatterFour(from: usize, a: usize, b: usize, c: usize, d: usize, swapped: bool): void {
  let w = v128.load(from, 0);
  let x = v128.load(from, 16);
  let y = v128.load(from, 32);
  let z = v128.load(from, 48);
  if (swapped) {
    w = Lanes.swap(w);
    x = Lanes.swap(x);
    y = Lanes.swap(y);
    z = Lanes.swap(z);
  }
  storeTransposed(w, x, y, z, a, b, c, d);
}

/** Lane `i` of w, x, y, z goes to the `i`th place. */
function storeTransposed(w: v128, x: v128, y: v128, z: v128, a: usize, b: usize, c: usize, d: usize): void {
  const wxLow = i32x4.shuffle(w, x, 0, 4, 1, 5);
  const wxHigh = i32x4.shuffle(w, x, 2, 6, 3, 7);
  const yzLow = i32x4.shuffle(y, z, 0, 4, 1, 5);
  const yzHigh = i32x4.shuffle(y, z, 2, 6, 3, 7);
  v128.store(a, i64x2.shuffle(wxLow, yzLow, 0, 2));
  v128.store(b, i64x2.shuffle(wxLow, yzLow, 1, 3));
  v128.store(c, i64x2.shuffle(wxHigh, yzHigh, 0, 2));
  v128.store(d, i64x2.shuffle(wxHigh, yzHigh, 1, 3));
}
