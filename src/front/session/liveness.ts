import { limits } from '#base/limits';

/** The step that a silent client has missed. */
export type Silence = 'unsubscribed' | 'unauthorized' | 'silent';

/** Decides whether a client is alive, by its last message and the pings sent. Times are monotonic ms. */
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

  /** What to do about the silence: nothing, to ask (only devices that answer), or to give up because of it. */
  look(
    nowMs: number,
    client: { readonly subscribed: boolean; readonly authorized: boolean; readonly answersPing: boolean },
  ): 'fine' | 'ask' | Silence {
    const { subscribeMsMax, authorizeMsMax, pingAfterMs, pingsMax } = limits;
    const ageMs = nowMs - this.#openedMs;
    if (!client.subscribed && ageMs > subscribeMsMax) return 'unsubscribed';
    if (!client.authorized && ageMs > authorizeMsMax) return 'unauthorized';
    if (this.#heard) {
      this.#heard = false;
      this.#heardMs = nowMs;
      this.#pings = 0;
    }
    const silentMs = nowMs - this.#heardMs;
    if (silentMs > this.#idleMsMax) return 'silent';
    if (!client.answersPing || silentMs <= pingAfterMs * (this.#pings + 1)) return 'fine';
    if (this.#pings >= pingsMax) return 'silent';
    this.#pings += 1;
    return 'ask';
  }
}
