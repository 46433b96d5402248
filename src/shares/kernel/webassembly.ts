/** The part of the WebAssembly JavaScript API that the kernel uses: neither `es2023` nor Node's types declare it. */

/** A compiled module; can be posted to a worker thread. */
export interface WasmModule {
  readonly [Symbol.toStringTag]: string;
}

/** A shared memory; can be posted to a worker thread, where it is the same memory. */
export interface WasmMemory {
  readonly buffer: SharedArrayBuffer;
}

export interface WasmInstance {
  readonly exports: Readonly<Record<string, unknown>>;
}

interface WebAssemblyApi {
  validate(bytes: Uint8Array): boolean;
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Memory: new (limits: { initial: number; maximum: number; shared: true }) => WasmMemory;
  readonly Instance: new (module: WasmModule, imports: { env: { memory: WasmMemory } }) => WasmInstance;
}

export const wasm: WebAssemblyApi = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
