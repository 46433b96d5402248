/** What no other gateway of the data folder has: see GatewayOptions. */
export interface GatewayNumber {
  readonly epoch: number;
  readonly incarnation: number;
}

export interface GatewayNumbersOptions {
  /** Of this boot. */
  readonly epoch: number;
  /** Numbers of one epoch: 0 to `incarnationsMax` - 1. */
  readonly incarnationsMax: number;
}

interface Freed {
  readonly incarnation: number;
  /** The newest job that its gateway can have known. */
  readonly newestSerial: number;
}

/**
 * Gives each gateway its number. The number is the first part of the gateway's extranonces. A number is reused only when the
 * current job is newer than every job that the number's last gateway knew, so no header can occur in both. Session ids begin
 * with the number and the epoch, which is incremented when a number is reused.
 */
export class GatewayNumbers {
  readonly #incarnationsMax: number;
  readonly #nextEpoch: () => number;
  #epoch: number;
  #begun = 0;
  /** In the order of their ends, so that the serials never fall. */
  readonly #freed: Freed[] = [];
  /** Numbers that were given in this epoch. */
  readonly #given = new Set<number>();

  /** `nextEpoch` counts a further epoch of the data folder. */
  constructor({ epoch, incarnationsMax }: GatewayNumbersOptions, nextEpoch: () => number) {
    this.#epoch = epoch;
    this.#incarnationsMax = incarnationsMax;
    this.#nextEpoch = nextEpoch;
  }

  /** A number for a gateway that will know no job before `oldestSerial`; undefined if there is none now. */
  take(oldestSerial: number): GatewayNumber | undefined {
    const incarnation = this.#begun < this.#incarnationsMax ? this.#begun : this.#reusable(oldestSerial);
    if (incarnation === undefined) return undefined;
    if (this.#given.has(incarnation)) {
      this.#epoch = this.#nextEpoch();
      this.#given.clear();
    }
    if (incarnation === this.#begun) this.#begun += 1;
    else this.#freed.shift();
    this.#given.add(incarnation);
    return { epoch: this.#epoch, incarnation };
  }

  /** Its gateway has ended, and can have known no job after `newestSerial`. */
  free({ incarnation }: GatewayNumber, newestSerial: number): void {
    this.#freed.push({ incarnation, newestSerial });
  }

  #reusable(oldestSerial: number): number | undefined {
    const [first] = this.#freed;
    return first !== undefined && first.newestSerial < oldestSerial ? first.incarnation : undefined;
  }
}
