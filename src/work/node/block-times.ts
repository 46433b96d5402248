import { toHex } from '#base/bitcoin/bytes';
import type { BlockTemplate } from '#base/domain/template';
import type { RpcAnswer } from './rpc.ts';

/** Bitcoin Core, pow.cpp: twice the target spacing. */
const MIN_DIFFICULTY_AFTER_S = 20 * 60;
/** Bitcoin Core, kernel/chainparams.cpp: testnet4's powLimit. */
const MIN_DIFFICULTY_BITS = 0x1d00ffff;

/**
 * testnet4's rule of the 20 minutes (BIP94): a block whose time is later than its parent's by more than that must have the
 * minimum difficulty, and an earlier one must not. A header carries the bits of its job, so its ntime has to stay on the side
 * of the boundary that the job was made on.
 */
export class BlockTimes {
  readonly #header: (hash: Uint8Array) => Promise<RpcAnswer>;
  /** Of the last parent. */
  #known: { readonly hash: string; readonly time: number } | undefined;

  /** `header` is getblockheader, for a hash in internal order. */
  constructor(header: (hash: Uint8Array) => Promise<RpcAnswer>) {
    this.#header = header;
  }

  /** The template with the range of times in which its bits are right; as it is if the parent's time is not to be had. */
  async bound(template: BlockTemplate): Promise<BlockTemplate> {
    const parentTime = await this.#timeOf(template.previousHash);
    if (parentTime === undefined) return template;
    const boundary = parentTime + MIN_DIFFICULTY_AFTER_S;
    if (template.curTime > boundary) return { ...template, minTime: Math.max(template.minTime, boundary + 1) };
    return template.bits === MIN_DIFFICULTY_BITS ? template : { ...template, maxTime: boundary };
  }

  async #timeOf(hash: Uint8Array): Promise<number | undefined> {
    const key = toHex(hash);
    if (this.#known?.hash === key) return this.#known.time;
    const answer = await this.#header(hash);
    const { time } = (answer.ok && typeof answer.result === 'object' ? (answer.result ?? {}) : {}) as {
      time?: unknown;
    };
    if (typeof time !== 'number' || !Number.isInteger(time) || time < 0 || time > 0xffff_ffff) return undefined;
    this.#known = { hash: key, time };
    return time;
  }
}
