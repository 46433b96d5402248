import { limits } from '#base/limits';

/** Whether anybody is there: what was heard, and what was asked. Times are monotonic ms. */
export class Liveness {
  readonly #openedMs: number;
  readonly #idleMsMax: number;
  /** Something came in since the last look. */
  #heard = true;
  #heardMs: number;
  /** Pings since it was last heard. */
  #pings = 0;

  constructor(nowMs: number, idleMsMax: number) {
    this.#openedMs = nowMs;
    this.#heardMs = nowMs;
    this.#idleMsMax = idleMsMax;
  }

  /** A message came. Called for each, so it takes no time. */
  hear(): void {
    this.#heard = true;
  }

  /** What to do about the silence: nothing, to ask (only devices that answer), or to give up. */
  look(
    nowMs: number,
    client: { readonly subscribed: boolean; readonly authorized: boolean; readonly answersPing: boolean },
  ): 'fine' | 'ask' | 'gone' {
    const { subscribeMsMax, authorizeMsMax, pingAfterMs, pingsMax } = limits;
    const ageMs = nowMs - this.#openedMs;
    if (!client.subscribed && ageMs > subscribeMsMax) return 'gone';
    if (!client.authorized && ageMs > authorizeMsMax) return 'gone';
    if (this.#heard) {
      this.#heard = false;
      this.#heardMs = nowMs;
      this.#pings = 0;
    }
    const silentMs = nowMs - this.#heardMs;
    if (silentMs > this.#idleMsMax) return 'gone';
    if (!client.answersPing || silentMs <= pingAfterMs * (this.#pings + 1)) return 'fine';
    if (this.#pings >= pingsMax) return 'gone';
    this.#pings += 1;
    return 'ask';
  }
}
