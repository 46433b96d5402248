import { GROUP_A, GROUP_B, GROUP_BYTES, STATE, WORDS } from './groups';
import { Lanes } from './lanes';
import { K } from './sha256';
import { Turn } from './turn';

/**
 * SHA-256 of the eight messages of both groups. A round waits for the one before for longer than its instructions take,
 * so the groups take turns of two rounds: a third faster than one after the other. Turns of four or eight gain less,
 * since they outrun what the processor looks ahead; variables kept in registers would be spilled anyhow.
 */

const A_STATE: usize = GROUP_A + STATE;
const B_STATE: usize = GROUP_B + STATE;
const SOURCE_END: usize = GROUP_A + WORDS + 768;
const WORDS_END: usize = GROUP_A + WORDS + 1024;

/**
 * Expands and compresses in both groups, as rounds4 does in one. `from` and `into` are GROUP_A's; GROUP_B's `from` lies
 * `step` behind (0 where they share it), its `into` GROUP_BYTES.
 */
export function rounds8(from: usize, step: usize, into: usize): void {
  begin(A_STATE, from);
  begin(B_STATE, from + step);
  let k = K;
  let w: usize = GROUP_A + WORDS;
  for (; w < SOURCE_END; w += 128) {
    Turn.pair(A_STATE, B_STATE, 0, w, w + GROUP_BYTES, k);
    Turn.expand(w);
    Turn.expand(w + GROUP_BYTES);
    Turn.pair(A_STATE, B_STATE, 2, w, w + GROUP_BYTES, k);
    Turn.expand(w + 32);
    Turn.expand(w + GROUP_BYTES + 32);
    Turn.pair(A_STATE, B_STATE, 4, w, w + GROUP_BYTES, k);
    Turn.expand(w + 64);
    Turn.expand(w + GROUP_BYTES + 64);
    Turn.pair(A_STATE, B_STATE, 6, w, w + GROUP_BYTES, k);
    Turn.expand(w + 96);
    Turn.expand(w + GROUP_BYTES + 96);
    k += 32;
  }
  for (; w < WORDS_END; w += 128) {
    Turn.pair(A_STATE, B_STATE, 0, w, w + GROUP_BYTES, k);
    Turn.pair(A_STATE, B_STATE, 2, w, w + GROUP_BYTES, k);
    Turn.pair(A_STATE, B_STATE, 4, w, w + GROUP_BYTES, k);
    Turn.pair(A_STATE, B_STATE, 6, w, w + GROUP_BYTES, k);
    k += 32;
  }
  end(A_STATE, from, into);
  end(B_STATE, from + step, into + GROUP_BYTES);
}

/** The same with a schedule of one block that all lanes share: 64 words, the round constants added. */
export function roundsKnown8(from: usize, step: usize, into: usize, wk: usize): void {
  begin(A_STATE, from);
  begin(B_STATE, from + step);
  for (const wkEnd = wk + 256; wk < wkEnd; wk += 32) {
    Turn.known(A_STATE, B_STATE, 0, wk);
    Turn.known(A_STATE, B_STATE, 2, wk + 8);
    Turn.known(A_STATE, B_STATE, 4, wk + 16);
    Turn.known(A_STATE, B_STATE, 6, wk + 24);
  }
  end(A_STATE, from, into);
  end(B_STATE, from + step, into + GROUP_BYTES);
}

function begin(state: usize, from: usize): void {
  for (let at: usize = 0; at < 128; at += 16) v128.store(state + at, v128.load(from + at));
  v128.store(state, v128.xor(v128.load(from, 16), v128.load(from, 32)), 128);
}

function end(state: usize, from: usize, into: usize): void {
  for (let at: usize = 0; at < 128; at += 16) {
    v128.store(into + at, Lanes.add(v128.load(from + at), v128.load(state + at)));
  }
}
