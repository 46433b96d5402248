import { limits } from '../limits.ts';

/** Messages that wait for the one before them. Bounded; the bytes are copied. */
export class HeldMessages {
  #messages: Uint8Array[] = [];
  #bytes = 0;

  /** False where it would be more than the bound; then nothing more is taken either. */
  add(message: Uint8Array): boolean {
    this.#bytes += message.length;
    if (this.#bytes > limits.heldBytesMax) return false;
    this.#messages.push(message.slice());
    return true;
  }

  /** What waits, in order; nothing afterwards. */
  take(): readonly Uint8Array[] {
    const messages = this.#messages;
    this.#messages = [];
    return messages;
  }
}
