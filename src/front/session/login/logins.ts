import { limits } from '#base/limits';
import type { Applicant, Authorization, Authorize } from './authorize.ts';

/**
 * One connection's logins. While a password is being checked, further messages wait, so that replies keep their order.
 * Bounded; the bytes are copied.
 */
export class Logins {
  readonly #authorize: Authorize;
  readonly #applicant: Applicant;
  /** What waits; undefined while no password is being checked. */
  #waiting: Uint8Array[] | undefined;
  #waitingBytes = 0;

  constructor(authorize: Authorize, applicant: Applicant) {
    this.#authorize = authorize;
    this.#applicant = applicant;
  }

  /** Whether messages have to wait now. */
  get checking(): boolean {
    return this.#waiting !== undefined;
  }

  /** Keeps a message for later. False if it would be more than the bound; then nothing more is taken either. */
  hold(message: Uint8Array): boolean {
    this.#waitingBytes += message.length;
    if (this.#waitingBytes > limits.heldBytesMax) return false;
    // Not `slice`, because `slice` of a Buffer is a view.
    this.#waiting?.push(Uint8Array.from(message));
    return true;
  }

  /**
   * Decides on a name, at once if possible. Otherwise the promise resolves when `decided` was called and `next` has received the
   * waiting messages in order, or when one of them threw and `failed` was called.
   */
  decide(
    name: string,
    password: string,
    decided: (authorization: Authorization) => void,
    next: (message: Uint8Array) => void,
    failed: (error: unknown) => void,
  ): Promise<void> | undefined {
    const authorization = this.#authorize(name, password, this.#applicant);
    if (!(authorization instanceof Promise)) {
      decided(authorization);
      return undefined;
    }
    const waiting: Uint8Array[] = [];
    this.#waiting = waiting;
    const settled = authorization.then((decision) => {
      this.#waiting = undefined;
      this.#waitingBytes = 0;
      decided(decision);
      for (const message of waiting) next(message);
    });
    return settled.catch(failed);
  }
}
