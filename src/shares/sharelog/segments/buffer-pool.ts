const BUFFER_BYTES_MIN = 64 * 1024;

/** Buffers on their way between the event loop and the disk, kept for reuse up to a bound. */
export class BufferPool {
  readonly #buffersMax: number;
  readonly #bytesMax: number;
  #free: ArrayBuffer[] = [];

  /** Keeps at most `buffersMax` buffers of at most `bytesMax` bytes each; what is over is left to the collector. */
  constructor(buffersMax: number, bytesMax: number) {
    this.#buffersMax = buffersMax;
    this.#bytesMax = bytesMax;
  }

  /** A buffer of at least `bytes`. */
  take(bytes: number): ArrayBuffer {
    const index = this.#free.findIndex((buffer) => buffer.byteLength >= bytes);
    const found = index < 0 ? undefined : this.#free.splice(index, 1)[0];
    return found ?? new ArrayBuffer(Math.max(bytes, BUFFER_BYTES_MIN));
  }

  give(buffer: ArrayBuffer): void {
    if (this.#free.length < this.#buffersMax && buffer.byteLength <= this.#bytesMax) this.#free.push(buffer);
  }
}
