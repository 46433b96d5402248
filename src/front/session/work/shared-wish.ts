import type { Difficulty } from '#base/domain/difficulty';
import { limits } from '#base/limits';
import { passwordDifficulty } from '../login/password.ts';

/** What comes of a password: a difficulty for the whole connection, a message for its operator, or nothing. */
export type PasswordWish = { readonly fix: Difficulty } | { readonly refusal: string } | undefined;

/**
 * The difficulty that passwords fix on one connection. Stratum has one difficulty for a connection, so the first `d=` holds for all
 * of its workers. The worker that brought it may change it by logging in again; a different one of another worker is refused.
 */
export class SharedWish {
  #owner: string | undefined;
  #difficulty: Difficulty | undefined;
  #refusals = 0;

  /** A worker has logged in. A refusal is a sentence to be shown; after `refusedWishesToldMax` of them there are no more. */
  take(name: string, password: string): PasswordWish {
    const wish = passwordDifficulty(password);
    if (wish === undefined) return undefined;
    if (this.#owner === undefined || this.#owner === name) {
      this.#owner = name;
      this.#difficulty = wish;
      return { fix: wish };
    }
    if (wish === this.#difficulty || this.#refusals >= limits.refusedWishesToldMax) return undefined;
    this.#refusals += 1;
    return { refusal: `d=${wish} of ${name} is not used: another worker of this connection has d=${this.#difficulty}` };
  }
}
