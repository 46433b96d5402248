import { type Network, parseAddress } from '#base/bitcoin/address';
import { equalBytes } from '#base/bitcoin/bytes';
import type { CoinbaseOutput } from '#base/bitcoin/coinbase';
import { OWN_OUTPUT_SATS_MIN } from '#base/bitcoin/own-coinbase';
import { BoundedMap } from '#base/domain/bounded-map';
import { limits } from '#base/limits';
import { distribute } from '#books/ledger/rewards/distribute';
import type { Credit, Fees } from '#books/ledger/rewards/scheme';
import type { PinnedWindow } from '#books/ledger/window-part';
import type { DirectPayout } from '#work/jobs/factory';

export interface DirectPayoutsOptions {
  readonly network: Network;
  readonly fees: Fees;
  /** scriptPubKey of the pool. */
  readonly poolScript: Uint8Array;
}

/** Value and the script's length, in front of the script. */
const OUTPUT_BYTES = 8 + 1;
/** The number of outputs may take three bytes instead of one. */
const COUNT_BYTES = 2;
/** P2WPKH: no script that is paid is shorter. */
const SCRIPT_BYTES_MIN = 22;

/**
 * Chooses the accounts that the coinbases of a window pay: those with the greatest credits, as many as fit. The pool's output, the last
 * one, has the remainder: fee, donation, and the credits that the books owe to all other accounts.
 */
export class DirectPayouts {
  readonly #options: DirectPayoutsOptions;
  /** By account; undefined: it can not be paid. */
  readonly #scripts = new BoundedMap<{ readonly script: Uint8Array | undefined }>(limits.directAccountsMax);
  #window: PinnedWindow | undefined;
  #ratio = 0;

  constructor(options: DirectPayoutsOptions) {
    this.#options = options;
  }

  /** Of the newest job's reward, the part that its coinbase pays to accounts; 0 to 1. */
  get ratio(): number {
    return this.#ratio;
  }

  /** From now on jobs pay by this window. */
  hear(window: PinnedWindow): void {
    this.#window = window;
  }

  /** The outputs of coinbases of this value, a longer one first; undefined if the longest pays no account. Each fits its room. */
  pay(valueSats: bigint, roomsBytes: readonly number[]): DirectPayout | undefined {
    this.#ratio = 0;
    if (this.#window === undefined) return undefined;
    const { jobId, weighed } = this.#window;
    const { credits } = distribute(valueSats, weighed, this.#options.fees, { fromJobId: undefined, toJobId: jobId });
    // Stable: equal credits stay in byte order of account.
    const byCredit = credits.toSorted((a, b) => (a.sats === b.sats ? 0 : a.sats > b.sats ? -1 : 1));
    const [longest, ...others] = roomsBytes.map((room) => this.#choose(valueSats, byCredit, room));
    if (longest === undefined || longest.paidSats === 0n) return undefined;
    this.#ratio = Number(longest.paidSats) / Number(valueSats);
    return { outputs: [longest, ...others].map(({ outputs }) => outputs), windowEnd: jobId };
  }

  #choose(valueSats: bigint, byCredit: readonly Credit[], roomBytes: number) {
    const outputs: CoinbaseOutput[] = [];
    let room = roomBytes - COUNT_BYTES;
    let left = valueSats;
    for (const { account, sats } of byCredit) {
      if (sats < OWN_OUTPUT_SATS_MIN || room < OUTPUT_BYTES + SCRIPT_BYTES_MIN) break;
      const script = this.#scriptOf(account);
      if (script === undefined || OUTPUT_BYTES + script.length > room) continue;
      outputs.push({ script, sats });
      room -= OUTPUT_BYTES + script.length;
      left -= sats;
    }
    if (left > 0n) outputs.push({ script: this.#options.poolScript, sats: left });
    return { outputs, paidSats: valueSats - left };
  }

  /** Undefined for an account whose address does not parse, or is the pool's own. */
  #scriptOf(account: string): Uint8Array | undefined {
    const known = this.#scripts.get(account);
    if (known !== undefined) return known.script;
    const { network, poolScript } = this.#options;
    const parsed = parseAddress(account, network);
    const script = parsed.ok && !equalBytes(parsed.script, poolScript) ? parsed.script : undefined;
    this.#scripts.set(account, { script });
    return script;
  }
}
